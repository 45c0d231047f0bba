//! The heat map in a terminal: one row per day, one column per hour, colored from red to green, gray if not scored,
//! bluish if idle.
//!
//! [`Picture`] collects the latest days while they are scored, for the end of a run. [`Screen`] paints the cells of a
//! scored folder for `show`, and everything else that has a row of hours, in a window of any width.

mod hour;
mod picture;
mod screen;

pub(super) use hour::{Hour, Joined, paint_hour};
pub(crate) use picture::Picture;
pub(crate) use screen::Screen;

use crate::text::palette::Scale;
use crate::text::rounding::score_points;

/// The colors that an output stream supports, and the scale that they are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    depth: Depth,
    scale: Scale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    TrueColour,
    /// The 6 × 6 × 6 cube of the 256-color palette.
    Colours256,
    /// No colors, only the digits of each score.
    Plain,
}

impl Palette {
    /// The colors that a stream supports. As in clap's help, this depends on whether the stream is a terminal and on
    /// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM` and `COLORTERM`.
    pub(crate) fn of(stream: &impl anstream::stream::RawStream, scale: Scale) -> Self {
        let depth = match anstream::AutoStream::choice(stream) {
            anstream::ColorChoice::Never => Depth::Plain,
            _ if anstyle_query::truecolor() => Depth::TrueColour,
            _ => Depth::Colours256,
        };
        Self { depth, scale }
    }

    /// The text in bold, if there are colors.
    pub(super) fn bold(self, text: &str) -> String {
        match self.depth {
            Depth::Plain => text.to_owned(),
            _ => format!("\x1b[1m{text}\x1b[0m"),
        }
    }

    /// The text on the color of a score, if there are colors.
    pub(super) fn on_score(self, text: &str, score: f64) -> String {
        let [r, g, b] = self.scale.color(score);
        match self.depth {
            Depth::Plain => text.to_owned(),
            Depth::TrueColour => format!("\x1b[30;48;2;{r};{g};{b}m{text}\x1b[0m"),
            Depth::Colours256 => {
                format!("\x1b[30;48;5;{}m{text}\x1b[0m", self.scale.code_256(score_points(score)))
            }
        }
    }

    /// No colors, for tests.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { depth: Depth::Plain, scale: Scale::RedGreen }
    }
}
