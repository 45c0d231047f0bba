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

    /// No colors, for tests.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { depth: Depth::Plain, scale: Scale::RedGreen }
    }
}
