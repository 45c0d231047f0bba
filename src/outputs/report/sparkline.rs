//! A problem over the scored range as a row of bars: the share of each stretch of days that it covers.

use std::fmt::Write;

use maud::{Markup, html};

use super::page::clock;
use crate::analysis::findings::Problem;
use crate::text::count;
use crate::time::{DAY_MS, TimeRange, Zone};

/// Maximum number of bars: a quarter has one a day, a year one for four days.
const MAX_BARS: i64 = 92;
const HEIGHT: f64 = 28.0;
/// Height of the smallest bar, so that a short incident is visible.
const LEAST: f64 = 2.0;

/// The bars as inline SVG, with the first and last day below them.
pub(super) fn sparkline(problem: &Problem, range: TimeRange, zone: Zone) -> Markup {
    let days = ((range.end_ms - range.start_ms) + DAY_MS - 1) / DAY_MS;
    let days_a_bar = ((days + MAX_BARS - 1) / MAX_BARS).max(1);
    let shares = shares(&problem.spans, range, days_a_bar * DAY_MS);
    let of =
        if days_a_bar == 1 { "each day".to_owned() } else { format!("every {}", count(days_a_bar as usize, "day")) };
    let concerned = shares.iter().filter(|share| **share > 0.0).count();
    let label = format!("Share of {of}: {concerned} of {} bars are above zero", shares.len());
    let date = |ms| clock(zone, ms).chars().take("2026-10-09".len()).collect::<String>();
    html! {
        svg.spark role="img" aria-label=(label) viewBox={ "0 0 " (shares.len() * 4) " " (HEIGHT) } preserveAspectRatio="none" {
            path d=(bars(&shares)) {}
        }
        p.ends { span { (date(range.start_ms)) } span { (date(range.end_ms - 1)) } }
    }
}

/// The share of each stretch of `width_ms` that the spans cover; the last stretch may be shorter.
fn shares(spans: &[TimeRange], range: TimeRange, width_ms: i64) -> Vec<f64> {
    let stretch = |start_ms| TimeRange { start_ms, end_ms: range.end_ms.min(start_ms + width_ms) };
    let starts = (range.start_ms..range.end_ms).step_by(width_ms.max(1) as usize);
    let share = |start_ms| {
        let stretch: TimeRange = stretch(start_ms);
        let first = spans.partition_point(|span| span.end_ms <= stretch.start_ms);
        let near = spans[first..].iter().take_while(|span| span.start_ms < stretch.end_ms);
        let covered: i64 =
            near.filter_map(|span| span.intersect(stretch)).map(|part| part.end_ms - part.start_ms).sum();
        covered as f64 / (stretch.end_ms - stretch.start_ms) as f64
    };
    starts.map(share).collect()
}

/// The bars as an SVG path: each is three units wide, with a gap of one.
fn bars(shares: &[f64]) -> String {
    let mut path = String::new();
    for (place, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let height = (share * HEIGHT).max(LEAST);
        let _ = write!(path, "M{} {HEIGHT}v-{height:.1}h3v{height:.1}z", place * 4);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_the_share_of_its_stretch_that_the_spans_cover() {
        let range = |start_ms, end_ms| TimeRange { start_ms, end_ms };
        let spans = [range(5, 10), range(12, 13), range(18, 24)];
        assert_eq!(shares(&spans, range(0, 25), 10), [0.5, 0.3, 0.8]);
    }
}
