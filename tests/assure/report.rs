//! Measurements and the limits that they are compared with.

use crate::setup::Defence;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Measurements of one run. They hold until one is outside its limit.
#[derive(Debug)]
pub(crate) struct Figures {
    figure: Map<String, Value>,
    limit: Map<String, Value>,
    held: bool,
}

/// The line that is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    assure: &'static str,
    figure: Map<String, Value>,
    limit: Map<String, Value>,
    control: Map<String, Value>,
    held: bool,
    control_failed_as_it_should: bool,
}

impl Default for Figures {
    fn default() -> Self {
        Self { figure: Map::new(), limit: Map::new(), held: true }
    }
}

impl Figures {
    /// The figures of several claims. A control must fail for each of them, so it holds if one of its
    /// claims does.
    pub(crate) fn of_claims(claims: Vec<(&str, Self)>, defence: Defence) -> Self {
        let mut all = Self::default();
        let mut helds = claims.iter().map(|(_, claim)| claim.held);
        all.held = match defence {
            Defence::On => helds.all(|held| held),
            Defence::Off => helds.any(|held| held),
        };
        for (claim, figures) in claims {
            let named = |(name, value)| (format!("{claim}_{name}"), value);
            all.figure.extend(figures.figure.into_iter().map(named));
            all.limit.extend(figures.limit.into_iter().map(named));
            all.note(&format!("{claim}_held"), figures.held);
        }
        all
    }

    /// Adds a figure without a limit.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.figure.insert(name.to_owned(), value.into());
    }

    pub(crate) fn at_most(&mut self, name: &str, measured: f64, limit: f64) {
        self.compare(name, measured, json!({ "at_most": number(limit) }), measured <= limit);
    }

    pub(crate) fn at_least(&mut self, name: &str, measured: f64, limit: f64) {
        self.compare(name, measured, json!({ "at_least": number(limit) }), measured >= limit);
    }

    pub(crate) fn exactly(&mut self, name: &str, counted: u32, limit: u32) {
        self.compare(name, counted.into(), json!({ "exactly": limit }), counted == limit);
    }

    /// Both ends of the measured interval must be inside the limit.
    pub(crate) fn within(&mut self, name: &str, measured: [f64; 2], limit: [f64; 2]) {
        let inside = measured[0] >= limit[0] && measured[1] <= limit[1];
        self.figure.insert(name.to_owned(), measured.map(number).to_vec().into());
        self.limit.insert(name.to_owned(), json!({ "within": limit.map(number) }));
        self.held &= inside;
    }

    fn compare(&mut self, name: &str, measured: f64, limit: Value, holds: bool) {
        self.figure.insert(name.to_owned(), number(measured));
        self.limit.insert(name.to_owned(), limit);
        self.held &= holds;
    }
}

impl Report {
    /// Combines the run with the defence and the control without it.
    pub(crate) fn new(assure: &'static str, with: Figures, without: Figures) -> Self {
        let mut control = without.figure;
        control.insert("held".to_owned(), without.held.into());
        Self {
            assure,
            figure: with.figure,
            limit: with.limit,
            control,
            held: with.held,
            control_failed_as_it_should: !without.held,
        }
    }

    /// True if the figures are within their limits and the control's are not.
    pub(crate) const fn is_given(&self) -> bool {
        self.held && self.control_failed_as_it_should
    }
}

/// Rounds to three decimal places; integers have none. NaN and infinity become `null`.
fn number(value: f64) -> Value {
    // Above this, floating-point integers are not exact.
    const EXACT: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return serde_json::from_str(&format!("{value:.0}")).unwrap_or(Value::Null);
    }
    if value != 0.0 && value.abs() < 1e-3 {
        return json!(value);
    }
    json!((value * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_figure_outside_its_limit_is_enough() {
        let mut figures = Figures::default();
        figures.at_most("a", 1.0, 2.0);
        figures.exactly("b", 3, 3);
        figures.within("c", [-1.0, 1.0], [-2.0, 2.0]);
        assert!(figures.held);
        figures.at_least("d", 0.9, 1.0);
        assert!(!figures.held);
    }

    #[test]
    fn nan_is_outside_every_limit() {
        let mut figures = Figures::default();
        figures.at_most("ratio", f64::NAN, 1.5);
        assert!(!figures.held);
    }

    #[test]
    fn an_assurance_needs_a_failing_control() {
        let failing = || {
            let mut figures = Figures::default();
            figures.exactly("accepted", 1, 0);
            figures
        };
        assert!(Report::new("x", Figures::default(), failing()).is_given());
        assert!(!Report::new("x", Figures::default(), Figures::default()).is_given());
        assert!(!Report::new("x", failing(), failing()).is_given());
    }

    #[test]
    fn a_control_of_several_claims_fails_for_each() {
        let failing = || {
            let mut figures = Figures::default();
            figures.exactly("accepted", 1, 0);
            figures
        };
        let of = |defence, claims: [Figures; 2]| {
            let [one, other] = claims;
            Figures::of_claims(vec![("one", one), ("other", other)], defence).held
        };
        assert!(of(Defence::On, [Figures::default(), Figures::default()]));
        assert!(!of(Defence::On, [Figures::default(), failing()]));
        assert!(of(Defence::Off, [Figures::default(), failing()]));
        assert!(!of(Defence::Off, [failing(), failing()]));
    }
}
