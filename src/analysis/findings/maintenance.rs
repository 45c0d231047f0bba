//! The two hours of the week at which a cluster is quietest.

use super::tracks::{ClusterTrack, HourSum, Mean};
use super::{Collector, Finding, Kind, told};
use crate::spec::Metric;
use crate::time::DAY_MS;

const HOURS: usize = 24;
const WEEK: usize = 7 * HOURS;
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// Less than two weeks know each hour of the week once: then it is the hours of the day that are compared.
const TWO_WEEKS_MS: i64 = 14 * DAY_MS;
/// A scrape fails now and then; more than one step of a hundred is an hour that nobody knows.
const LEAST_COVERAGE: f64 = 0.99;

const RULE: &str = "of the two hours of the week (of the day, in less than two weeks) whose steps are scored for at \
    least 99 % in every one of them, those with the fewest lost points, and of equals those with the least client \
    traffic of a member on average; local hours";

/// The hours of all weeks (or days) at one place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    times: usize,
    lost: f64,
    scored: u32,
    uncovered: bool,
    traffic: Mean,
}

/// The quietest two hours of one cluster.
pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack) -> Option<Finding> {
    let is_long = of.range.end_ms - of.range.start_ms >= TWO_WEEKS_MS;
    let places = places(&cluster.hours, if is_long { WEEK } else { HOURS });
    let count = places.len();
    let windows = (0..count).filter_map(|from| {
        let [first, second] = [places[from], places[(from + 1) % count]];
        let is_known = [first, second].iter().all(|place| place.times > 0 && !place.uncovered);
        let mut traffic = first.traffic;
        traffic.merge(second.traffic);
        let lost = (first.lost + second.lost) / f64::from(first.scored + second.scored).max(1.0);
        is_known.then_some((from, lost, traffic.value(), first.times.min(second.times)))
    });
    let quiet = |traffic: Option<f64>| traffic.unwrap_or(f64::INFINITY);
    let (from, lost, traffic, times) =
        windows.min_by(|a, b| a.1.total_cmp(&b.1).then(quiet(a.2).total_cmp(&quiet(b.2))))?;
    let day = |hour: usize| if is_long { format!("{} ", DAYS[hour / HOURS % 7]) } else { String::new() };
    let hours = format!("{}{:02}:00 to {:02}:00 {}", day(from), from % HOURS, (from + 2) % HOURS, of.folding.zone);
    let traffic = traffic.map_or_else(|| "unknown".to_owned(), |traffic| format!("{}/s", told::bytes(traffic)));
    let mut finding = Finding::new(Kind::MaintenanceWindow, &cluster.cluster, of.range.start_ms, of.range.end_ms, RULE);
    finding.metric = Some(Metric::ClientTrafficIn);
    let every = if is_long { "week" } else { "day" };
    finding.says = format!(
        "{} is quietest at {hours} every {every}: {} points lost a step, {traffic} of client traffic a member",
        finding.cluster,
        told::points(lost),
    );
    finding.tell("hours", hours);
    finding.tell("looked_at", told::count(times, every, if is_long { "weeks" } else { "days" }));
    finding.tell("points_lost_a_step", told::points(lost));
    finding.tell("client_traffic_of_a_member", traffic);
    Some(finding)
}

fn places(hours: &[HourSum], count: usize) -> Vec<Place> {
    let mut places = vec![Place::default(); count];
    for hour in hours {
        let place = &mut places[hour.of_week() % count];
        place.times += 1;
        place.lost += hour.lost;
        place.scored += hour.scored;
        place.uncovered |= f64::from(hour.scored) < LEAST_COVERAGE * f64::from(hour.expected);
        place.traffic.merge(hour.traffic);
    }
    places
}
