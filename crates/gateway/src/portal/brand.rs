//! `/brand`: the logo and the colours that an operator has set.

use super::{assets, words::Words};
use crate::{call::Call, problem::Problem, route::Outcome, settings::Brand};

/// The colours of the style sheet, where the operator has set one alone.
const ACCENT: [&str; 2] = ["#1f4f9c", "#9cc0ff"];

pub(super) fn file(call: &Call) -> Outcome {
    let brand = &call.pages()?.brand;
    match call.parameter.as_str() {
        "logo" => {
            let logo = brand.logo.as_ref().ok_or_else(Problem::not_found)?;
            Ok(assets::cached(logo.media_type, logo.content.clone()))
        }
        "colours.css" => {
            let css = brand.style_sheet().ok_or_else(Problem::not_found)?;
            Ok(assets::cached(assets::STYLE, css))
        }
        _ => Err(Problem::not_found()),
    }
}

impl Brand {
    /// What takes the place of the colours, if there is anything.
    fn style_sheet(&self) -> Option<String> {
        if !self.has_colours() {
            return None;
        }
        let [light, dark] = self.accent;
        let [light, dark] = [(light, ACCENT[0]), (dark, ACCENT[1])]
            .map(|(set, usual)| set.map_or_else(|| usual.to_owned(), |it| it.to_string()));
        Some(format!(":root {{ --accent: light-dark({light}, {dark}); }}\n"))
    }

    fn has_colours(&self) -> bool {
        self.accent.iter().any(Option::is_some)
    }
}

/// What templates ask.
impl Words<'_> {
    /// The name at the top of each page.
    pub(crate) fn brand_name(&self) -> Option<&str> {
        self.brand().name.as_deref()
    }

    pub(crate) fn has_logo(&self) -> bool {
        self.brand().logo.is_some()
    }

    pub(crate) fn has_colours(&self) -> bool {
        self.brand().has_colours()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_daemon::settings::{BEHIND_DARK, BEHIND_LIGHT};

    #[test]
    fn the_colours_are_those_of_the_style_sheet() {
        let css = include_str!("../../assets/portal.css");
        let [ground, on_accent] = [0, 1].map(|at| (BEHIND_LIGHT[at], BEHIND_DARK[at]));
        for line in [
            format!("--accent: light-dark({}, {});", ACCENT[0], ACCENT[1]),
            format!("--ground: light-dark({}, {});", ground.0, ground.1),
            format!("--on-accent: light-dark({}, {});", on_accent.0, on_accent.1),
        ] {
            assert!(css.contains(&line), "{line}");
        }
    }

    #[test]
    fn one_colour_alone_keeps_the_other() {
        let brand = Brand { accent: [None, "#ffcc00".parse().ok()], ..Brand::default() };
        let css = brand.style_sheet().unwrap();
        assert_eq!(css, ":root { --accent: light-dark(#1f4f9c, #ffcc00); }\n");
        assert!(Brand::default().style_sheet().is_none());
    }
}
