//! The distributions of scores as a picture: how far owners and strangers are from a template, with
//! the threshold of the pack. It has no name and no embedding.
//!
//! The vertical axis is logarithmic, because what matters is the small share of strangers below the
//! threshold.

use super::Report;
use crate::{
    compare::{Compared, Pictures},
    count, real,
};
use std::fmt::Write as _;

/// Width of a bar, in thousandths of the distance.
const BAR: usize = 20;

/// Size of one chart, in pixels.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;

/// Edges of the axes inside a chart, in pixels.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 200.0;

/// Colours that people with colour-blindness can tell apart (Okabe and Ito).
const OWNERS: &str = "#0072b2";
const STRANGERS: &str = "#d55e00";

/// The scores of one configuration.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pictures: Pictures,
    threshold: f64,
    owners: Vec<u64>,
    strangers: Vec<u64>,
}

impl Chart {
    pub(crate) fn of(compared: &Compared) -> Chart {
        let bars = |histogram: &[u64]| -> Vec<u64> {
            histogram.chunks(BAR).map(|bar| bar.iter().sum()).collect()
        };
        Chart {
            pictures: compared.pictures,
            threshold: f64::from(compared.limits.mean),
            owners: bars(&compared.genuine.histogram),
            strangers: bars(&compared.strangers.histogram),
        }
    }

    fn is_empty(&self) -> bool {
        self.owners.iter().chain(&self.strangers).all(|bar| *bar == 0)
    }
}

impl Report {
    /// The picture, as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let charts = self.faces.iter().flat_map(|faces| &faces.charts);
        let charts: Vec<&Chart> = charts.filter(|chart| !chart.is_empty()).collect();
        let height = HEIGHT * real(count(charts.len()));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <title>Distances of owners and strangers, pack {}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n",
            escaped(&self.pack)
        );
        for (place, chart) in charts.into_iter().enumerate() {
            let down = HEIGHT * real(count(place));
            let _infallible =
                write!(svg, "<g transform=\"translate(0 {down})\">\n{}</g>\n", drawn(chart));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn drawn(chart: &Chart) -> String {
    let Chart { pictures: Pictures { enrolled, shown }, threshold, owners, strangers } = chart;
    let bars = owners.len().max(strangers.len());
    let used = (0..bars)
        .rev()
        .find(|&bar| [owners, strangers].iter().any(|all| all.get(bar).is_some_and(|n| *n > 0)));
    let scale = Scale {
        end: real(count((used.unwrap_or(0) + 2) * BAR)) / 1000.0,
        decades: decades(owners).max(decades(strangers)),
    };
    let at = scale.x(*threshold);
    let mut drawing = format!(
        "<text x=\"{LEFT}\" y=\"20\" font-weight=\"bold\">{enrolled} enrolled, {shown} shown</text>\n\
         <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">threshold {threshold:.3}</text>\n\
         <line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\" stroke=\"black\" \
         stroke-dasharray=\"4 3\"/>\n",
        TOP - 4.0
    );
    drawing.push_str(&scale.axes());
    for (name, colour, bars, y) in
        [("owners", OWNERS, owners, 20), ("strangers", STRANGERS, strangers, 36)]
    {
        drawing.push_str(&scale.curve(bars, colour));
        let _infallible = writeln!(
            drawing,
            "<text x=\"{RIGHT}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{name}: {} \
             comparisons with a distance</text>",
            bars.iter().sum::<u64>()
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
    /// The distance at the right end.
    end: f64,
    decades: f64,
}

impl Scale {
    fn x(&self, distance: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (distance / self.end).min(1.0)
    }

    fn y(&self, share: f64) -> f64 {
        let down = if share > 0.0 { -share.log10() / self.decades } else { 1.0 };
        TOP + (BOTTOM - TOP) * down.min(1.0)
    }

    fn axes(&self) -> String {
        let mut axes = format!(
            "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"black\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">distance</text>\n",
            f64::midpoint(LEFT, RIGHT),
            BOTTOM + 34.0
        );
        let step = if self.end > 1.0 { 0.2 } else { 0.1 };
        let mut distance = 0.0;
        while distance < self.end {
            let _infallible = writeln!(
                axes,
                "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{distance:.1}</text>",
                self.x(distance),
                BOTTOM + 16.0
            );
            distance += step;
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
            let end = real(count((place + 1) * BAR)) / 1000.0;
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
