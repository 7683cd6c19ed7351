//! A picture of how figures change over time.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 60.0;
/// Room above the bound.
const HEADROOM: f64 = 1.06;

/// Lines over seconds, with one at the bound.
pub(crate) struct Curve<'t> {
    pub(crate) title: &'t str,
    /// Where the figures come from.
    pub(crate) footnote: &'t str,
    pub(crate) lines: Vec<Line>,
    pub(crate) bound: (f64, &'t str),
}

/// One figure over time.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) color: &'static str,
    /// Seconds and value.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curve<'_> {
    /// Writes the picture to `target/benchmarks`, and returns where it is.
    pub(crate) fn save(&self, name: &str) -> PathBuf {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks");
        let path = directory.join(name);
        fs::create_dir_all(&directory).expect("target/ can be written");
        fs::write(&path, self.svg()).expect("target/ can be written");
        path
    }

    fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let seconds = points().map(|(second, _)| *second).fold(1.0, f64::max);
        let highest = points()
            .map(|(_, value)| *value)
            .fold(self.bound.0, f64::max)
            * HEADROOM;
        let x = |second: f64| LEFT + second / seconds * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / highest * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"ui-sans-serif, system-ui, sans-serif\" font-size=\"11.5\" fill=\"#5b6472\">\n\
             <title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"14\" fill=\"#fbfaf7\"/>\n\
             <text x=\"24\" y=\"32\" font-size=\"15\" font-weight=\"650\" fill=\"#1d2330\">{title}</text>\n",
            title = self.title,
        );
        for (number, line) in self.lines.iter().enumerate() {
            let at = 24.0 + 230.0 * number as f64;
            let _ = writeln!(
                svg,
                "<path d=\"M{at} 52h18\" stroke=\"{}\" stroke-width=\"3\"/><text x=\"{}\" y=\"56\">{}</text>",
                line.color,
                at + 24.0,
                line.name
            );
            let mut path = String::new();
            for (second, value) in &line.points {
                let command = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {:.1}", x(*second), y(*value));
            }
            let _ = writeln!(
                svg,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>",
                line.color
            );
        }
        let (bound, name) = self.bound;
        for (value, text) in [(0.0, "0".to_owned()), (bound, format!("{bound:.0}"))] {
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {level:.1}H{end}\" stroke=\"#5b6472\" stroke-dasharray=\"4 3\"/>\
                 <text x=\"{label}\" y=\"{baseline:.1}\" text-anchor=\"end\">{text}</text>",
                level = y(value),
                end = WIDTH - RIGHT,
                label = LEFT - 8.0,
                baseline = y(value) + 4.0,
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{right}\" y=\"{above:.1}\" text-anchor=\"end\">{name}</text>\n\
             <text x=\"{LEFT}\" y=\"{axis}\">0 s</text><text x=\"{right}\" y=\"{axis}\" text-anchor=\"end\">{seconds:.0} s</text>\n\
             <text x=\"24\" y=\"{foot}\">{footnote}</text>\n</svg>\n",
            right = WIDTH - RIGHT,
            above = y(bound) - 5.0,
            axis = HEIGHT - BOTTOM + 18.0,
            foot = HEIGHT - 14.0,
            footnote = self.footnote,
        );
        svg
    }
}
