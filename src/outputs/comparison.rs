//! A comparison of profiles as text, for a terminal.

use std::fmt::Write;

use crate::analysis::compare::{ClusterComparison, Comparison, Disagreement, Shade};
use crate::text::palette::{GREEN_FROM, RED_BELOW};
use crate::text::terminal::terminal_label;
use crate::time::{Zone, format_instant};

/// The file of a comparison in the output folder.
pub(crate) const COMPARISON: &str = "comparison.csv";

/// Stretches that are told of each cluster; the others are in the file.
const STRETCHES_TOLD: usize = 8;

/// A table for each cluster, and where the profiles disagree on it.
pub(crate) fn comparison_text(comparison: &Comparison, zone: Zone) -> String {
    let mut text = String::new();
    let hours = |cells: u64| cells as f64 * f64::from(comparison.cell_minutes()) / 60.0;
    let widest = comparison.profiles.iter().map(String::len).max().unwrap_or(0).max("hours of".len());
    for (cluster, compared) in &comparison.clusters {
        let _ = write!(text, "{}: {} hours\n  {:<widest$}", terminal_label(cluster), hours(compared.cells), "hours of");
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
    let _ = writeln!(text, "red: a mean below {RED_BELOW}; green: from {GREEN_FROM} on; unknown: no step is scored");
    text
}

fn disputes(text: &mut String, comparison: &Comparison, compared: &ClusterComparison, hours: f64, zone: Zone) {
    if compared.disputed == 0 {
        text.push_str("  they agree on every hour\n");
        return;
    }
    let _ = writeln!(text, "  they disagree on {hours} hours:");
    for stretch in compared.disagreements.iter().take(STRETCHES_TOLD) {
        let _ = writeln!(text, "    {}", dispute(comparison, stretch, zone));
    }
    let more = compared.disagreements.len().saturating_sub(STRETCHES_TOLD);
    if more > 0 {
        let _ = writeln!(text, "    and {more} more stretches in {COMPARISON}");
    }
}

/// `2026-10-07T13:00:00Z for 3 h: seed red, fleet green`
fn dispute(comparison: &Comparison, stretch: &Disagreement, zone: Zone) -> String {
    let hours = (stretch.end_ms - stretch.start_ms) as f64 / 3_600_000.0;
    let says = |(profile, shade): (&String, &Shade)| format!("{profile} {shade}");
    let says: Vec<String> = comparison.profiles.iter().zip(&stretch.shades).map(says).collect();
    let at = if zone == Zone::default() { format_instant(stretch.start_ms) } else { zone.format(stretch.start_ms) };
    format!("{at} for {hours} h: {}", says.join(", "))
}
