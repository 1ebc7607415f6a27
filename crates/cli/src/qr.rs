//! Draws QR codes with half blocks, for an authenticator to scan from the terminal.

use qrcode::{Color, EcLevel, QrCode};

/// Rows of a code that a terminal of 24 rows can show, with a prompt below.
const ROWS: usize = 23;

/// Modules around a code. ISO/IEC 18004 §6.3.8 asks for four; cameras find a code within two.
const QUIET: usize = 4;
const LEAST_QUIET: usize = 2;

/// What an authenticator takes as given if a URI leaves it out, according to the Key URI Format.
const DEFAULTS: [&str; 3] = ["algorithm=SHA1", "digits=6", "period=30"];

/// Draws `text` with two modules per character vertically. `None` if it is too long for a QR code.
///
/// Light modules are drawn and dark ones are left blank, because most terminals are dark and the
/// quiet zone around the code must be light. Parameters that every authenticator takes as given are
/// left out and the quiet zone is narrowed, so that most codes fit a terminal of 24 rows: the part
/// that has scrolled away cannot be scanned.
#[must_use]
pub fn draw(text: &str) -> Option<String> {
    let parts: Vec<_> = text.split('&').filter(|part| !DEFAULTS.contains(part)).collect();
    let text = parts.join("&");
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let quiet = (LEAST_QUIET..=QUIET).rev().find(|quiet| rows(&code, *quiet) <= ROWS);
    let quiet = quiet.unwrap_or(LEAST_QUIET);
    let lines = (0..rows(&code, quiet)).map(|row| line(&code, quiet, row));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn rows(code: &QrCode, quiet: usize) -> usize {
    (code.width() + 2 * quiet).div_ceil(2)
}

/// One line of characters: the rows `2 * row` and `2 * row + 1` of modules.
fn line(code: &QrCode, quiet: usize, row: usize) -> String {
    let side = code.width() + 2 * quiet;
    let halves = |x| [2 * row, 2 * row + 1].map(|y| y < side && is_light(code, quiet, (x, y)));
    let block = |[upper, lower]: [bool; 2]| match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    (0..side).map(halves).map(block).collect()
}

fn is_light(code: &QrCode, quiet: usize, (x, y): (usize, usize)) -> bool {
    let inside = |at: usize| (quiet..quiet + code.width()).contains(&at);
    !(inside(x) && inside(y)) || code[(x - quiet, y - quiet)] == Color::Light
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/4Auth-Authentication:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=4Auth-Authentication&algorithm=SHA1&digits=6&period=30";

    /// The modules as they appear, `true` for light.
    fn modules(drawing: &str) -> Vec<Vec<bool>> {
        let halves = |line: &str, lit: [char; 2]| line.chars().map(|c| lit.contains(&c)).collect();
        drawing
            .lines()
            .flat_map(|line| [halves(line, ['█', '▀']), halves(line, ['█', '▄'])])
            .collect()
    }

    #[test]
    fn the_drawing_matches_the_code_module_by_module() {
        let short = URI.split("&algorithm").next().unwrap();
        let code = QrCode::with_error_correction_level(short, EcLevel::L).unwrap();
        let drawn = modules(&draw(URI).unwrap());
        let quiet = (drawn[0].len() - code.width()) / 2;
        assert!(quiet >= 2, "{quiet}");
        for (y, row) in drawn.iter().take(code.width() + 2 * quiet).enumerate() {
            for (x, light) in row.iter().enumerate() {
                let inside = |at: usize| (quiet..code.width() + quiet).contains(&at);
                let dark = inside(x) && inside(y) && code[(x - quiet, y - quiet)] == Color::Dark;
                assert_eq!(*light, !dark, "module {x},{y}");
            }
        }
    }

    #[test]
    fn the_drawing_fits_80_columns_and_24_rows_with_a_prompt() {
        for name in ["alice", "a.rather.long.name@example.org"] {
            let drawing = draw(&URI.replace("alice", name)).unwrap();
            assert!(drawing.lines().count() < 24, "{name}: {}", drawing.lines().count());
            assert!(drawing.lines().all(|line| line.chars().count() <= 80));
        }
    }

    #[test]
    fn a_short_code_has_the_whole_quiet_zone() {
        let drawing = draw("otpauth://totp/x").unwrap();
        assert_eq!(drawing.lines().take(2).collect::<String>().replace('█', ""), "");
    }

    #[test]
    fn text_too_long_for_a_code_is_not_drawn() {
        assert_eq!(draw(&"x".repeat(4000)), None);
    }
}
