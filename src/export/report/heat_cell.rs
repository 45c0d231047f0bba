//! What a cell of any heat map says and looks like; `cells.js` does the same for those that the script draws.

use maud::{Markup, html};

use super::colours::class;
use crate::heatmap::Cell;

/// Below this a double is an error of arithmetic: a score of 8.7 stays 8.7 when it is rounded down.
const SLACK: f64 = 1e-6;

/// `score` in parts of one point, rounded down.
pub(super) fn round_down(score: f64, parts: f64) -> u32 {
    (score * parts + SLACK).floor() as u32
}

/// Several cells folded into one, or a single one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folded {
    score_sum: f64,
    scored: u64,
    expected: u64,
    lowest: Option<f64>,
}

impl Folded {
    pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut folded = Self::default();
        for cell in cells {
            folded.expected += u64::from(cell.expected);
            if let (Some(mean), Some(min)) = (cell.mean, cell.min) {
                folded.score_sum += mean * f64::from(cell.scored);
                folded.scored += u64::from(cell.scored);
                folded.lowest = Some(folded.lowest.map_or(min, |lowest| lowest.min(min)));
            }
        }
        folded
    }

    /// Mean over all steps that were scored.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.score_sum / self.scored as f64)
    }

    pub(super) fn lowest(&self) -> Option<f64> {
        self.lowest
    }

    pub(super) fn exists(&self) -> bool {
        self.expected > 0
    }

    /// Share of its steps that were scored.
    pub(super) fn coverage(&self) -> f64 {
        self.scored as f64 / self.expected.max(1) as f64
    }

    /// Colour, hatching and strip; `uncertain` below this coverage.
    pub(super) fn classes(&self, min_coverage: f64) -> String {
        let Some(mean) = self.mean() else { return "unknown".to_owned() };
        let mut classes = class(mean);
        if self.scored < self.expected {
            classes += &format!(" part k{}", round_down(self.coverage(), 10.0));
        }
        if self.coverage() < min_coverage {
            classes += " uncertain";
        }
        classes
    }

    /// `mean 8.33, lowest 5.00, 96.6 % of steps scored`
    pub(super) fn describe(&self) -> String {
        match (self.mean(), self.lowest) {
            (Some(mean), Some(lowest)) => {
                format!("mean {}, lowest {}, {} of steps scored", two_digits(mean), two_digits(lowest), self.share())
            }
            _ => format!("unknown: none of {} steps scored", self.expected),
        }
    }

    /// `96.6 %`, rounded down: 99.96 % is not all.
    pub(super) fn share(&self) -> String {
        let tenths = round_down(self.coverage(), 1000.0);
        format!("{}.{} %", tenths / 10, tenths % 10)
    }

    /// The whole points of the mean, with a mark where they are uncertain.
    pub(super) fn text(&self, min_coverage: f64) -> String {
        self.marked(min_coverage, |mean| round_down(mean, 1.0).to_string())
    }

    /// As [`text`](Self::text), with tenths: over a month whole points hide too much.
    pub(super) fn tenths(&self, min_coverage: f64) -> String {
        let tenths = |mean| round_down(mean, 10.0);
        self.marked(min_coverage, |mean| format!("{}.{}", tenths(mean) / 10, tenths(mean) % 10))
    }

    fn marked(&self, min_coverage: f64, digits: impl Fn(f64) -> String) -> String {
        let mark = if self.coverage() < min_coverage { "?" } else { "" };
        self.mean().map_or_else(|| "·".to_owned(), |mean| digits(mean) + mark)
    }
}

/// Rounded down: a score of 9.996 is not 10.
pub(super) fn two_digits(score: f64) -> String {
    let hundredths = round_down(score, 100.0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A cell of a table that nobody can open.
pub(super) fn plain(cells: &[Cell], min_coverage: f64) -> Markup {
    let folded = Folded::of(cells);
    html! {
        @if folded.exists() {
            td class=(folded.classes(min_coverage)) { (folded.text(min_coverage)) }
        } @else {
            td class="none" {}
        }
    }
}
