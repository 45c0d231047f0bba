//! Text and CSS classes of a cell of a heat map. `cells.js` does the same for cells that the
//! script draws, and must match.

use std::fmt::Write;

use maud::{Markup, html};

use super::colours::class;
use crate::heatmap::{Cell, Totals};
use crate::text::count;
use crate::text::rounding::{percent_text, score_points, score_text, share_parts};

/// A cell shown in the report, made of one or more cells of the output folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folded(pub(super) Totals);

impl Folded {
    pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        Self(Totals::of(cells))
    }

    pub(super) fn exists(&self) -> bool {
        self.0.expected > 0
    }

    /// CSS classes: without a scored step, hatching or dots (idle); otherwise the color, the strip that shows the
    /// unscored share, and the mark of an uncertain cell, whose coverage is below `min_coverage`.
    pub(super) fn classes(&self, min_coverage: f64) -> String {
        let Some(mean) = self.0.mean() else { return self.without_score().to_owned() };
        let mut classes = class(mean);
        if self.0.scored < self.0.expected {
            classes += &format!(" part k{}", share_parts(self.0.coverage(), 10));
        }
        if self.0.coverage() < min_coverage {
            classes += " uncertain";
        }
        classes
    }

    /// The figures in words: `mean 8.33, lowest 5.00, 96.6 % of steps scored`.
    pub(super) fn describe(&self) -> String {
        let mut text = match (self.0.mean(), self.0.lowest) {
            (Some(mean), Some(lowest)) => {
                format!("mean {}, lowest {}, {} of steps scored", score_text(mean), score_text(lowest), self.share())
            }
            _ => format!("{}: none of {} scored", self.without_score(), count(self.0.expected, "step")),
        };
        if self.0.idle > 0 {
            let _ = write!(text, ", {} idle", self.0.idle);
        }
        text
    }

    /// The class and the name of a cell in which no step is scored: `idle` or `unknown`.
    pub(super) fn without_score(&self) -> &'static str {
        if self.0.is_idle() { "idle" } else { "unknown" }
    }

    /// Coverage such as `96.6 %`, rounded down, so that 99.96 % is not shown as 100 %.
    pub(super) fn share(&self) -> String {
        format!("{} %", percent_text(self.0.coverage()))
    }

    /// The mean in whole points, rounded down, with `?` if it is uncertain.
    pub(super) fn text(&self, min_coverage: f64) -> String {
        let mark = if self.0.coverage() < min_coverage { "?" } else { "" };
        let without_score = if self.0.is_idle() { "–" } else { "·" };
        self.0.mean().map_or_else(|| without_score.to_owned(), |mean| format!("{}{mark}", score_points(mean)))
    }
}

/// A table cell without a link, for the page without a script.
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
