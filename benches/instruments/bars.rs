//! A picture of a few figures side by side.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const WIDTH: f64 = 760.0;
const LABEL_WIDTH: f64 = 250.0;
const TEXT_WIDTH: f64 = 130.0;
const TOP: f64 = 58.0;
const ROW: f64 = 28.0;
const FOOT: f64 = 34.0;

/// Horizontal bars under a title, with a line where the bound is.
pub(crate) struct Bars<'t> {
    pub(crate) title: &'t str,
    /// Where the figures come from.
    pub(crate) footnote: &'t str,
    pub(crate) bars: Vec<Bar>,
    /// Where the line is, in the unit of [`Bar::length`], and what it says.
    pub(crate) line: Option<(f64, &'t str)>,
}

/// One figure.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) length: f64,
    /// The figure as it is to be read.
    pub(crate) text: String,
    /// On the wrong side of its bound.
    pub(crate) is_missed: bool,
}

impl Bars<'_> {
    /// Writes the picture to `target/benchmarks`, and returns where it is.
    pub(crate) fn save(&self, name: &str) -> PathBuf {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks");
        let path = directory.join(name);
        fs::create_dir_all(&directory).expect("target/ can be written");
        fs::write(&path, self.svg()).expect("target/ can be written");
        path
    }

    fn svg(&self) -> String {
        let longest = self.bars.iter().map(|bar| bar.length).fold(0.0, f64::max);
        let longest = longest.max(self.line.map_or(0.0, |(at, _)| at));
        let scale = (WIDTH - LABEL_WIDTH - TEXT_WIDTH) / longest;
        let bottom = TOP + ROW * self.bars.len() as f64;
        let height = bottom + FOOT;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"ui-sans-serif, system-ui, sans-serif\" font-size=\"13\">\n\
             <title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"14\" fill=\"#fbfaf7\"/>\n\
             <text x=\"24\" y=\"32\" font-size=\"15\" font-weight=\"650\" fill=\"#1d2330\">{title}</text>\n",
            title = self.title,
        );
        for (row, bar) in self.bars.iter().enumerate() {
            bar.draw(TOP + ROW * row as f64, scale, &mut svg);
        }
        if let Some((at, text)) = self.line {
            let x = LABEL_WIDTH + at * scale;
            let _ = write!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#5b6472\" stroke-width=\"1.4\" stroke-dasharray=\"4 3\"/>\n\
                 <text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\" font-size=\"11.5\" fill=\"#5b6472\">{text}</text>\n",
                y = TOP - 6.0,
            );
        }
        let _ = write!(
            svg,
            "<text x=\"24\" y=\"{y}\" font-size=\"11.5\" fill=\"#5b6472\">{footnote}</text>\n</svg>\n",
            y = height - 14.0,
            footnote = self.footnote,
        );
        svg
    }
}

impl Bar {
    fn draw(&self, top: f64, scale: f64, svg: &mut String) {
        let (fill, edge) = if self.is_missed {
            ("#f6d9d2", "#c5705a")
        } else {
            ("#dcebdd", "#7fae86")
        };
        let width = self.length * scale;
        let (middle, bar_top) = (top + ROW / 2.0 + 4.5, top + 4.0);
        let _ = write!(
            svg,
            "<text x=\"{label_end}\" y=\"{middle}\" text-anchor=\"end\" fill=\"#1d2330\">{label}</text>\n\
             <rect x=\"{LABEL_WIDTH}\" y=\"{bar_top}\" width=\"{width:.1}\" height=\"{height}\" rx=\"4\" \
             fill=\"{fill}\" stroke=\"{edge}\" stroke-width=\"1.2\"/>\n\
             <text x=\"{text_from:.1}\" y=\"{middle}\" fill=\"#4a5261\">{text}</text>\n",
            label_end = LABEL_WIDTH - 10.0,
            label = self.label,
            height = ROW - 8.0,
            text_from = LABEL_WIDTH + width + 8.0,
            text = self.text,
        );
    }
}
