//! The maintenance window: the two consecutive hours of the week at which a cluster is quietest.

use super::digest::{HourSum, Mean};
use super::tracks::ClusterTrack;
use super::{Collector, Evidence, Finding, Kind, told};
use crate::spec::Metric;
use crate::text::count;
use crate::text::rounding::loss_short;
use crate::time::DAY_MS;

const HOURS: usize = 24;
const WEEK: usize = 7 * HOURS;
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// In a shorter history, most hours of the week occur only once, so hours of the day are compared instead.
const TWO_WEEKS_MS: i64 = 14 * DAY_MS;
/// An hour is ruled out if a smaller share of its steps is scored. The remaining 1 % allows
/// for an occasional failed scrape.
const LEAST_COVERAGE: f64 = 0.99;

pub(super) const RULE: &str = "of the two hours of the week (of the day, in less than two weeks) whose steps are scored for at \
    least 99 % in every one of them, those with the fewest lost points a step, of equal ones those with the least client \
    traffic of a member on average, and of those the first from Monday midnight (from midnight); local hours";

/// Sums over all occurrences of one hour of the week (or of the day).
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    times: usize,
    lost: f64,
    scored: u32,
    /// Whether any occurrence of the hour has too few scored steps.
    uncovered: bool,
    /// Whether, in any occurrence, the hour has too few scored steps only because of idle steps.
    idle: bool,
    traffic: Mean,
}

/// Two consecutive hours that recur every week or day.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// The first of the two hours, counted from the start of the week or day.
    from: usize,
    times: usize,
    /// Points lost per scored step, over both hours.
    lost: f64,
    /// Mean client traffic of a member, in bytes per second; infinite if unknown, so that it sorts last.
    traffic: f64,
}

/// The quietest two hours of one cluster.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Option<Finding> {
    let is_long = of.range.end_ms - of.range.start_ms >= TWO_WEEKS_MS;
    let places = places(&cluster.hours, if is_long { WEEK } else { HOURS });
    let Window { from, times, lost, traffic } = quietest(&windows(&places))?;
    let day = |hour: usize| if is_long { format!("{} ", DAYS[hour / HOURS % 7]) } else { String::new() };
    let hours = format!("{}{:02}:00 to {:02}:00 {}", day(from), from % HOURS, (from + 2) % HOURS, of.folding.zone);
    let known_traffic = if traffic.is_finite() { Evidence::BytesPer(traffic, "s") } else { "unknown".into() };
    let traffic = if traffic.is_finite() { format!("{}/s", told::bytes(traffic)) } else { "unknown".to_owned() };
    let mut finding = Finding::new(Kind::MaintenanceWindow, &cluster.cluster, of.range.start_ms, of.range.end_ms, RULE);
    finding.metric = Some(Metric::ClientTrafficIn);
    let every = if is_long { "week" } else { "day" };
    finding.says = format!(
        "{} is quietest at {hours} every {every}: {} points lost a step, {traffic} of client traffic a member",
        finding.cluster,
        loss_short(lost),
    );
    if places.iter().any(|place| place.idle) {
        finding.says.push_str("; hours without writes have no score and are not compared");
    }
    finding.tell("hours", hours);
    finding.tell("looked_at", count(times, every));
    finding.tell("points_lost_a_step", Evidence::Points(lost));
    finding.tell("client_traffic_of_a_member", known_traffic);
    Some(finding)
}

/// All windows whose two hours are both sufficiently covered, in the order of the week or day.
fn windows(places: &[Place]) -> Vec<Window> {
    let count = places.len();
    let window = |from: usize| {
        let [first, second] = [places[from], places[(from + 1) % count]];
        let is_known = [first, second].iter().all(|place| place.times > 0 && !place.uncovered);
        let mut traffic = first.traffic;
        traffic.merge(second.traffic);
        is_known.then_some(Window {
            from,
            times: first.times.min(second.times),
            lost: (first.lost + second.lost) / f64::from(first.scored + second.scored).max(1.0),
            traffic: traffic.value().unwrap_or(f64::INFINITY),
        })
    };
    (0..count).filter_map(window).collect()
}

/// The window with the fewest lost points per step; of several such windows, the one with the least traffic, then
/// the earliest. Values that differ only by a rounding error count as equal; otherwise, the order in which
/// values were added up would decide.
fn quietest(windows: &[Window]) -> Option<Window> {
    const SLACK: f64 = 1e-9;
    let least = |figure: fn(&Window) -> f64, among: Vec<Window>| {
        let least = among.iter().map(figure).fold(f64::INFINITY, f64::min);
        among.into_iter().filter(|window| figure(window) <= least + SLACK * least.min(1e300)).collect::<Vec<_>>()
    };
    least(|window| window.traffic, least(|window| window.lost, windows.to_vec())).first().copied()
}

fn places(hours: &[HourSum], count: usize) -> Vec<Place> {
    let mut places = vec![Place::default(); count];
    for hour in hours {
        let place = &mut places[hour.of_week() % count];
        place.times += 1;
        place.lost += hour.lost;
        place.scored += hour.scored;
        let least = LEAST_COVERAGE * f64::from(hour.expected);
        place.uncovered |= f64::from(hour.scored) < least;
        place.idle |= f64::from(hour.scored) < least && f64::from(hour.scored + hour.idle) >= least;
        place.traffic.merge(hour.traffic);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_differ_by_a_rounding_error_count_as_equal_and_the_first_wins() {
        let sum = |traffic: [f64; 3]| traffic.into_iter().fold(0.0, |sum, traffic| sum + traffic);
        let (more, less) = (sum([0.1, 0.2, 0.3]), sum([0.3, 0.2, 0.1]));
        assert!(more > less, "the two sums must differ by a rounding error for this test to mean anything");
        let window = |from, lost, traffic| Window { from, times: 1, lost, traffic };
        let first = |windows: &[Window]| quietest(windows).map(|window| window.from);
        assert_eq!(first(&[window(6, 0.0, more), window(13, 0.0, less)]), Some(6));
        assert_eq!(first(&[window(6, more, 1.0), window(13, less, 1.0)]), Some(6));
        assert_eq!(first(&[window(6, 0.0, 1.0), window(13, 0.0, 0.999)]), Some(13), "less traffic");
        assert_eq!(first(&[window(6, 0.001, 1.0), window(13, 0.0, 9.0)]), Some(13), "fewer lost points");
        assert_eq!(first(&[window(6, 0.0, f64::INFINITY), window(7, 0.0, f64::INFINITY)]), Some(6));
        assert_eq!(first(&[]), None);
    }
}
