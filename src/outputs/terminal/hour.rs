//! One place of the heat map: a column on a day.

use std::fmt::Write;

use super::{Depth, Palette};
use crate::heatmap::{Cell, is_idle};
use crate::text::palette::{GREY, GREY_256, IDLE, IDLE_256};
use crate::text::rounding::score_points;

/// What a place shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::outputs) enum Hour {
    /// No step was expected; painted as spaces.
    Nothing,
    /// Steps were expected, but none was scored.
    Unknown,
    /// No step was scored, and most were idle.
    Idle,
    /// At least one step was scored.
    Scored {
        mean: f64,
        /// Whether the share of scored steps is below the minimum coverage.
        uncertain: bool,
    },
}

/// Sums over the steps of all cells that fall into one place.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::outputs) struct Joined {
    /// Sum of the scores.
    pub(super) sum: f64,
    pub(super) scored: u32,
    pub(super) expected: u32,
    pub(super) idle: u32,
}

impl Joined {
    pub(super) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.scored += other.scored;
        self.expected += other.expected;
        self.idle += other.idle;
    }

    /// What the place shows, if it is uncertain below this coverage.
    pub(super) fn hour(&self, min_coverage: f64) -> Hour {
        if self.scored > 0 {
            let uncertain = f64::from(self.scored) < min_coverage * f64::from(self.expected);
            Hour::Scored { mean: self.sum / f64::from(self.scored), uncertain }
        } else if is_idle(0, self.expected.into(), self.idle.into()) {
            Hour::Idle
        } else {
            Hour::Unknown
        }
    }
}

impl From<&Cell> for Joined {
    fn from(cell: &Cell) -> Self {
        let sum = cell.mean.unwrap_or(0.0) * f64::from(cell.scored);
        Self { sum, scored: cell.scored, expected: cell.expected, idle: cell.idle }
    }
}

/// Paints an hour, `wide` (1 to 3) characters wide, on its color: that of its score, gray without a score, bluish if idle.
pub(in crate::outputs) fn paint_hour(text: &mut String, hour: Hour, wide: usize, palette: Palette) {
    let digits = digits(hour, wide);
    let ([r, g, b], code) = match hour {
        Hour::Nothing => return text.push_str(&digits),
        Hour::Unknown => (GREY, GREY_256),
        Hour::Idle => (IDLE, IDLE_256),
        Hour::Scored { mean, .. } => (palette.scale.color(mean), palette.scale.code_256(score_points(mean))),
    };
    let _ = match palette.depth {
        Depth::TrueColour => write!(text, "\x1b[30;48;2;{r};{g};{b}m{digits}\x1b[0m"),
        Depth::Colours256 => write!(text, "\x1b[30;48;5;{code}m{digits}\x1b[0m"),
        Depth::Plain => write!(text, "{digits}"),
    };
}

/// The characters of an hour. The score is rounded down, so that 10 means that no point was lost; a question mark
/// behind it means that it is uncertain. One character has room for either, and two have no room for a 10.
fn digits(hour: Hour, wide: usize) -> String {
    let text = match hour {
        Hour::Nothing => String::new(),
        Hour::Unknown => "·".repeat(wide.min(2)),
        Hour::Idle => "-".repeat(wide.min(2)),
        Hour::Scored { uncertain: true, .. } if wide == 1 => "?".to_owned(),
        Hour::Scored { mean, uncertain } => {
            let points = score_points(mean);
            let number = match wide {
                3 => format!("{points:>2}"),
                _ if points >= 10 => "+".to_owned(),
                _ => points.to_string(),
            };
            number + if uncertain { "?" } else { "" }
        }
    };
    format!("{text:<wide$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_rounded_down_and_marked_behind_its_number_if_uncertain() {
        let hours = [
            Hour::Scored { mean: 9.99, uncertain: false },
            Hour::Scored { mean: 9.99, uncertain: true },
            Hour::Scored { mean: 10.0, uncertain: false },
            Hour::Scored { mean: 10.0, uncertain: true },
            Hour::Unknown,
            Hour::Idle,
            Hour::Nothing,
        ];
        assert_eq!(hours.map(|hour| digits(hour, 3)), [" 9 ", " 9?", "10 ", "10?", "·· ", "-- ", "   "]);
        assert_eq!(hours.map(|hour| digits(hour, 2)), ["9 ", "9?", "+ ", "+?", "··", "--", "  "]);
        assert_eq!(hours.map(|hour| digits(hour, 1)), ["9", "?", "+", "?", "·", "-", " "]);
    }
}
