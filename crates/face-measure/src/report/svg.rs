//! The distributions of scores as a picture: how far owners and strangers are from a template, and how
//! live pictures and prints look, with the thresholds of the pack. It has no name and no embedding.
//!
//! The vertical axis is logarithmic, because what matters is the small share of scores on the wrong
//! side of a threshold.

use super::Report;
use crate::{
    compare::{Compared, Pictures},
    count,
    liveness::Liveness,
    real,
};
use std::fmt::Write as _;

/// Levels of a distance, which are thousandths, in a bar.
const LEVELS: usize = 20;

/// Width of a bar.
const BAR: f64 = 0.02;

/// Size of one chart, in pixels.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;

/// Edges of the axes inside a chart, in pixels.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 200.0;

/// Colours that people with colour-blindness can tell apart (Okabe and Ito).
const RIGHTFUL: &str = "#0072b2";
const WRONGFUL: &str = "#d55e00";

/// Two distributions and the threshold between them.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    title: String,
    /// What the horizontal axis shows.
    axis: &'static str,
    threshold: f64,
    /// Those that should be accepted, and those that should be refused.
    curves: [Curve; 2],
}

#[derive(Debug, Clone)]
struct Curve {
    label: String,
    /// The number of scores in each bar.
    bars: Vec<u64>,
}

impl Chart {
    pub(crate) fn of(compared: &Compared) -> Chart {
        let Pictures { enrolled, shown } = compared.pictures;
        let curve = |name: &str, histogram: &[u64]| {
            let bars: Vec<u64> = histogram.chunks(LEVELS).map(|bar| bar.iter().sum()).collect();
            let all: u64 = bars.iter().sum();
            Curve { label: format!("{name}: {all} comparisons with a distance"), bars }
        };
        Chart {
            title: format!("{enrolled} enrolled, {shown} shown"),
            axis: "distance",
            threshold: f64::from(compared.limits.mean),
            curves: [
                curve("owners", &compared.genuine.histogram),
                curve("strangers", &compared.strangers.histogram),
            ],
        }
    }

    fn of_liveness(liveness: &Liveness) -> Chart {
        let [live, prints] = &liveness.scores;
        let curve = |name: &str, scores: &[f32]| Curve {
            label: format!("{name}: {} with a face", scores.len()),
            bars: bars(scores),
        };
        Chart {
            title: "Liveness".to_owned(),
            axis: "score; live above the threshold",
            threshold: f64::from(liveness.threshold),
            curves: [curve("live pictures", live), curve("prints", prints)],
        }
    }

    fn is_empty(&self) -> bool {
        self.curves.iter().flat_map(|curve| &curve.bars).all(|bar| *bar == 0)
    }
}

/// The number of ascending scores from 0 to 1 in each bar. A score at an edge is in the bar above it,
/// but 1 is in the last one.
fn bars(scores: &[f32]) -> Vec<u64> {
    let edges = (1..=50_u8).map(|edge| match edge {
        50 => f32::INFINITY,
        edge => f32::from(edge) / 50.0,
    });
    let mut below = 0;
    let bar = |edge| {
        let more = count(scores.partition_point(|score| *score < edge)) - below;
        below += more;
        more
    };
    edges.map(bar).collect()
}

impl Report {
    /// The picture, as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let faces = self.faces.iter().flat_map(|faces| faces.charts.clone());
        let charts = faces.chain(self.liveness.as_ref().map(Chart::of_liveness));
        let charts: Vec<Chart> = charts.filter(|chart| !chart.is_empty()).collect();
        let height = HEIGHT * real(count(charts.len()));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <title>Distributions of scores, pack {}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n",
            escaped(&self.pack)
        );
        for (place, chart) in charts.into_iter().enumerate() {
            let down = HEIGHT * real(count(place));
            let _infallible =
                write!(svg, "<g transform=\"translate(0 {down})\">\n{}</g>\n", drawn(&chart));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn drawn(Chart { title, axis, threshold, curves }: &Chart) -> String {
    let lengths = curves
        .each_ref()
        .map(|curve| curve.bars.iter().rposition(|bar| *bar > 0).map_or(0, |last| last + 1));
    let used = lengths.into_iter().max().unwrap_or(0);
    let [one, other] = curves.each_ref().map(|curve| decades(&curve.bars));
    let scale = Scale { end: real(count(used + 1)) * BAR, decades: one.max(other) };
    let at = scale.x(*threshold);
    let mut drawing = format!(
        "<text x=\"{LEFT}\" y=\"20\" font-weight=\"bold\">{title}</text>\n\
         <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">threshold {threshold:.3}</text>\n\
         <line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\" stroke=\"black\" \
         stroke-dasharray=\"4 3\"/>\n",
        TOP - 4.0
    );
    drawing.push_str(&scale.axes(axis));
    for (Curve { label, bars }, (colour, y)) in curves.iter().zip([(RIGHTFUL, 20), (WRONGFUL, 36)])
    {
        drawing.push_str(&scale.curve(bars, colour));
        let _infallible = writeln!(
            drawing,
            "<text x=\"{RIGHT}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{label}</text>"
        );
    }
    drawing
}

/// The number of powers of ten from 1 down to the smallest bar.
fn decades(bars: &[u64]) -> f64 {
    let all = real(bars.iter().sum::<u64>());
    let least = bars.iter().filter(|bar| **bar > 0).min();
    least.map_or(1.0, |least| (all / real(*least)).log10().ceil().max(1.0))
}

struct Scale {
    /// The score at the right end.
    end: f64,
    decades: f64,
}

impl Scale {
    fn x(&self, score: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (score / self.end).min(1.0)
    }

    fn y(&self, share: f64) -> f64 {
        let down = if share > 0.0 { -share.log10() / self.decades } else { 1.0 };
        TOP + (BOTTOM - TOP) * down.min(1.0)
    }

    fn axes(&self, shows: &str) -> String {
        let mut axes = format!(
            "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"black\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{shows}</text>\n",
            f64::midpoint(LEFT, RIGHT),
            BOTTOM + 34.0
        );
        let step = if self.end > 1.0 { 0.2 } else { 0.1 };
        let mut score = 0.0;
        while score < self.end {
            let _infallible = writeln!(
                axes,
                "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{score:.1}</text>",
                self.x(score),
                BOTTOM + 16.0
            );
            score += step;
        }
        let mut decade = 0.0;
        while decade <= self.decades {
            let share = 10.0_f64.powf(-decade);
            let _infallible = writeln!(
                axes,
                "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{share:e}</text>",
                LEFT - 4.0,
                self.y(share) + 4.0
            );
            decade += 1.0;
        }
        axes
    }

    /// The share of each bar, as stairs.
    fn curve(&self, bars: &[u64], colour: &str) -> String {
        let all = real(bars.iter().sum::<u64>()).max(1.0);
        let mut path = format!("M{LEFT} {BOTTOM}");
        for (place, bar) in bars.iter().enumerate() {
            let end = real(count(place + 1)) * BAR;
            let _infallible = write!(path, "V{:.1}H{:.1}", self.y(real(*bar) / all), self.x(end));
            if end >= self.end {
                break;
            }
        }
        format!(
            "<path d=\"{path}V{BOTTOM}\" fill=\"{colour}\" fill-opacity=\"0.25\" stroke=\"{colour}\"/>\n"
        )
    }
}

/// Text of a pack for XML. A pack's name is plain, but this module does not rely on it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_in_one_bar() {
        let found = bars(&[0.0, 0.019, 0.02, 0.5, 0.999, 1.0]);
        assert_eq!((found.len(), found.iter().sum::<u64>()), (50, 6));
        assert_eq!((found[0], found[1], found[25], found[49]), (2, 1, 1, 2));
        assert_eq!(bars(&[]), [0; 50]);
    }
}
