//! The text of `score --compare`: hours of each color by profile, and the times at which the profiles disagree.

use std::fmt::Write;

use crate::analysis::compare::{ClusterComparison, Comparison, Disagreement, Shade};
use crate::text::palette::{GREEN_FROM, RED_BELOW};
use crate::text::terminal::terminal_label;
use crate::time::{Zone, format_instant};

/// Name of the file with all cells of a comparison, in the output folder.
pub(crate) const COMPARISON: &str = "comparison.csv";

/// Maximum number of disagreements listed for each cluster; [`COMPARISON`] has all of them.
const STRETCHES_LISTED: usize = 8;

/// A table for each cluster, followed by the disagreements of the profiles.
pub(crate) fn comparison_text(comparison: &Comparison, zone: Zone) -> String {
    let mut text = String::new();
    let hours = |cells: u64| cells as f64 * f64::from(comparison.cell_minutes()) / 60.0;
    let widest = comparison.profiles.iter().map(String::len).max().unwrap_or(0).max("hours of".len());
    for (cluster, compared) in &comparison.clusters {
        let total = hours_text(hours(compared.cells));
        let _ = write!(text, "{}: {total}\n  {:<widest$}", terminal_label(cluster), "hours of");
        for shade in Shade::ALL {
            let _ = write!(text, "{shade:>9}");
        }
        text.push('\n');
        for (profile, counts) in comparison.profiles.iter().zip(&compared.shades) {
            let _ = write!(text, "  {profile:<widest$}");
            for &cells in counts {
                let _ = write!(text, "{:>9}", hours(cells));
            }
            text.push('\n');
        }
        disputes(&mut text, comparison, compared, hours(compared.disputed), zone);
        text.push('\n');
    }
    let _ = writeln!(text, "red: mean below {RED_BELOW}; green: mean of {GREEN_FROM} or more; unknown: no step scored");
    text
}

/// A number of hours with its unit: `1 hour`, `0.25 hours`, `336 hours`.
fn hours_text(hours: f64) -> String {
    format!("{hours} {}", if (hours - 1.0).abs() < f64::EPSILON { "hour" } else { "hours" })
}

fn disputes(text: &mut String, comparison: &Comparison, compared: &ClusterComparison, hours: f64, zone: Zone) {
    if compared.disputed == 0 {
        text.push_str("  the profiles agree on every hour\n");
        return;
    }
    let _ = writeln!(text, "  the profiles disagree on {}:", hours_text(hours));
    for stretch in compared.disagreements.iter().take(STRETCHES_LISTED) {
        let _ = writeln!(text, "    {}", dispute(comparison, stretch, zone));
    }
    let more = compared.disagreements.len().saturating_sub(STRETCHES_LISTED);
    if more > 0 {
        let stretches = if more == 1 { "stretch" } else { "stretches" };
        let _ = writeln!(text, "    and {more} more {stretches} in {COMPARISON}");
    }
}

/// One disagreement as a line of text: `2026-10-07T13:00:00Z for 3 h: seed red, fleet green`.
fn dispute(comparison: &Comparison, stretch: &Disagreement, zone: Zone) -> String {
    let hours = (stretch.end_ms - stretch.start_ms) as f64 / 3_600_000.0;
    let verdict = |(profile, shade): (&String, &Shade)| format!("{profile} {shade}");
    let verdicts: Vec<String> = comparison.profiles.iter().zip(&stretch.shades).map(verdict).collect();
    let at = if zone == Zone::default() { format_instant(stretch.start_ms) } else { zone.format(stretch.start_ms) };
    format!("{at} for {hours} h: {}", verdicts.join(", "))
}
