//! Draws QR codes with half blocks, for an authenticator to scan from the terminal.

use qrcode::{QrCode, render::unicode::Dense1x2};

/// Draws `text` with two modules per character vertically. `None` if it is too long for a QR code.
///
/// Light modules are drawn and dark ones are left blank, because most terminals are dark and the
/// quiet zone around the code must be light.
#[must_use]
pub fn draw(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let drawing = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    Some(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::Color;

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
        const QUIET: usize = 4; // ISO/IEC 18004 §6.3.8
        let code = QrCode::new(URI).unwrap();
        let drawn = modules(&draw(URI).unwrap());
        let side = code.width() + 2 * QUIET;
        assert!(drawn.len() == side || drawn.len() == side + 1, "{} rows", drawn.len());
        for (y, row) in drawn.iter().take(side).enumerate() {
            assert_eq!(row.len(), side);
            for (x, light) in row.iter().enumerate() {
                let inside = |at: usize| (QUIET..side - QUIET).contains(&at);
                let dark = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(*light, !dark, "module {x},{y}");
            }
        }
    }

    #[test]
    fn the_drawing_fits_80_columns() {
        let drawing = draw(URI).unwrap();
        assert!(drawing.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn text_too_long_for_a_code_is_not_drawn() {
        assert_eq!(draw(&"x".repeat(4000)), None);
    }
}
