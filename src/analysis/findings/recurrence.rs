//! Recurrences: hours of the day or of the week at which incidents are significantly more frequent.

use chrono::NaiveDate;

use super::digest::HourSum;
use super::incidents::Incident;
use super::spans::length_within;
use super::statistics::Factorials;
use super::tracks::ClusterTrack;
use super::{Collector, Evidence, Finding, Kind, ProblemCause};
use crate::heatmap::costliest;
use crate::spec::Metric;
use crate::time::{HOUR_MS, TimeRange, Zone};

/// An hour counts as bad if incidents cover this much of it: a five-minute rate shows a hang of a few seconds for about six
/// minutes.
const LEAST_MS: i64 = 15 * 60_000;
const HOURS: usize = 24;
const WEEK: usize = 7 * HOURS;
/// Number of tests for each group of metrics: one for every hour of the day and of the week.
const LOOKS: usize = HOURS + WEEK;
/// Maximum probability that a cluster without any recurrence gets at least one finding by chance.
const LEVEL: f64 = 0.01;
/// An hour of the day or week is reported only if at least this share of its occurrences has incidents: a rarer
/// recurrence, even a significant one, is no help in planning.
const LEAST_SHARE: f64 = 0.5;
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) const RULE: &str = "of the hours of the day (or of the week, if not every day) with at least half of their steps scored, \
    at least half contain 15 minutes of incidents of one cause, more than the other hours do by Fisher's exact test, \
    one-sided, at 1 % after Bonferroni's correction for 192 tests (24 + 168) of each cause; neighboring hours are one \
    finding, and so are weekdays with the same hours";

/// Hours of the day or week at which incidents of one cause come back.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) cause: ProblemCause,
    /// Hours of the week, 0 to 167: 0 begins on Monday at 00:00.
    hours: Vec<usize>,
    /// In words: `daily 02:00 to 04:00 UTC`, `Monday and Friday 10:00 to 11:00 UTC`.
    pub(super) words: String,
    pub(super) finding: Finding,
}

impl Schedule {
    /// The parts of these stretches that lie in the hours of the schedule, in milliseconds.
    pub(super) fn length_within(&self, stretches: &[TimeRange], hours: &[HourSum]) -> i64 {
        let own = |stretch: &TimeRange| {
            let from = hours.partition_point(|hour| hour.start_ms + HOUR_MS <= stretch.start_ms);
            let touched = hours[from..].iter().take_while(|hour| hour.start_ms < stretch.end_ms);
            let touched = touched.filter(|hour| self.hours.contains(&hour.of_week()));
            let parts = touched.filter_map(|hour| range_of(hour).intersect(*stretch));
            parts.map(|part| part.end_ms - part.start_ms).sum::<i64>()
        };
        stretches.iter().map(own).sum()
    }
}

fn range_of(hour: &HourSum) -> TimeRange {
    TimeRange { start_ms: hour.start_ms, end_ms: hour.start_ms + HOUR_MS }
}

/// One hour of the history, with at least half of its steps scored.
struct Slot {
    of_week: usize,
    date: NaiveDate,
    /// Whether incidents cover at least [`LEAST_MS`] of the hour.
    bad: bool,
}

pub(super) fn find(of: &Collector<'_>, cluster: &ClusterTrack, incidents: &[Incident]) -> Vec<Schedule> {
    let mut causes: Vec<ProblemCause> = incidents.iter().map(|incident| incident.cause).collect();
    causes.retain(|cause| !matches!(cause, ProblemCause::LeaderInstability) && !cause.metrics().is_empty());
    causes.sort_unstable();
    causes.dedup();
    let looks = (LOOKS * causes.len()) as f64;
    let mut found = Vec::new();
    for cause in causes {
        let own: Vec<&Incident> = incidents.iter().filter(|incident| incident.cause == cause).collect();
        let slots = slots(&cluster.hours, &own);
        let factorials = Factorials::up_to(slots.len());
        let tested = |hours: usize| -> Vec<Option<Test>> {
            let mut counts = vec![(0, 0); hours];
            for slot in &slots {
                let (bad, looked_at) = &mut counts[slot.of_week % hours];
                *bad += usize::from(slot.bad);
                *looked_at += 1;
            }
            let all_bad = counts.iter().map(|(bad, _)| bad).sum();
            counts.into_iter().map(|count| test(count, all_bad, slots.len(), &factorials, looks)).collect()
        };
        let daily = tested(HOURS);
        let mut weekly = tested(WEEK);
        // A daily recurrence may make the same hour of each weekday significant as well; report it only as daily.
        for (hour, test) in weekly.iter_mut().enumerate() {
            test.take_if(|_| daily[hour % HOURS].is_some());
        }
        let places = runs(&daily).map(|(from, tests)| Place { days: Vec::new(), from, tests });
        let tell = |place: Place| tell(of, cluster, cause, &own, &slots, &place, looks);
        found.extend(places.chain(by_hours(runs(&weekly))).map(tell));
    }
    found
}

/// Neighboring hours of the day, on every day or on some days of the week.
struct Place {
    /// Days of the week on which the hours begin, 0 for Monday; empty for every day.
    days: Vec<usize>,
    /// The first hour, of the day.
    from: usize,
    /// The tests of the hours, one day after the other.
    tests: Vec<Test>,
}

impl Place {
    /// How many hours it covers on each of its days.
    fn width(&self) -> usize {
        self.tests.len() / self.days.len().max(1)
    }

    /// Its hours of the week.
    fn hours(&self) -> Vec<usize> {
        let all: Vec<usize> = (0..7).collect();
        let days = if self.days.is_empty() { &all } else { &self.days };
        let of_day = |day: usize| (0..self.width()).map(move |hour| (day * HOURS + self.from + hour) % WEEK);
        days.iter().flat_map(|day| of_day(*day)).collect()
    }

    /// The name of one of its tests' hours: `02:00`, `Monday 02:00`.
    fn name(&self, index: usize) -> String {
        let hour = self.from + index % self.width();
        match self.days.get(index / self.width()) {
            None => clock(hour),
            Some(day) => format!("{} {}", DAYS[(day + hour / HOURS) % 7], clock(hour)),
        }
    }

    fn words(&self, zone: Zone) -> String {
        let (first, end) = (clock(self.from), clock(self.from + self.width()));
        let days: Vec<&str> = self.days.iter().map(|day| DAYS[*day]).collect();
        let days = match days.as_slice() {
            [] => "daily".to_owned(),
            [one] => (*one).to_owned(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        };
        format!("{days} {first} to {end} {zone}")
    }
}

fn clock(hour: usize) -> String {
    format!("{:02}:00", hour % HOURS)
}

/// Weekdays with the same hours become one place.
fn by_hours(weekly: impl Iterator<Item = (usize, Vec<Test>)>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (hour, tests) in weekly {
        let (day, from) = (hour / HOURS, hour % HOURS);
        match places.iter_mut().find(|place| place.from == from && place.width() == tests.len()) {
            Some(place) => {
                place.days.push(day);
                place.tests.extend(tests);
            }
            None => places.push(Place { days: vec![day], from, tests }),
        }
    }
    places
}

fn slots(hours: &[HourSum], incidents: &[&Incident]) -> Vec<Slot> {
    let spans: Vec<TimeRange> = incidents.iter().map(|incident| incident.finding.range()).collect();
    let known = hours.iter().filter(|hour| hour.scored * 2 >= hour.expected);
    let slot = |hour: &HourSum| Slot {
        of_week: hour.of_week(),
        date: hour.date,
        bad: length_within(&spans, range_of(hour)) >= LEAST_MS,
    };
    known.map(slot).collect()
}

/// Test result of one hour of the day or week; `corrected` is `p` after Bonferroni's correction.
#[derive(Clone, Copy, Debug)]
struct Test {
    bad: usize,
    looked_at: usize,
    others_bad: usize,
    others: usize,
    p: f64,
    corrected: f64,
}

fn test(
    (bad, looked_at): (usize, usize),
    all_bad: usize,
    all: usize,
    factorials: &Factorials,
    looks: f64,
) -> Option<Test> {
    let p = factorials.fisher(bad, looked_at, all_bad, all);
    let corrected = (p * looks).min(1.0);
    let is_one = bad > 1 && corrected < LEVEL && bad as f64 >= LEAST_SHARE * looked_at as f64;
    let (others_bad, others) = (all_bad - bad, all - looked_at);
    is_one.then_some(Test { bad, looked_at, others_bad, others, p, corrected })
}

/// Groups consecutive significant hours. Returns the first hour and the tests of each group; a group may wrap
/// around from the last hour to the first.
fn runs(tests: &[Option<Test>]) -> impl Iterator<Item = (usize, Vec<Test>)> + use<> {
    let count = tests.len();
    // Start at an hour that is not significant, so that no group is cut in two.
    let from = tests.iter().position(Option::is_none).unwrap_or(0);
    let mut runs: Vec<(usize, Vec<Test>)> = Vec::new();
    let mut is_open = false;
    for hour in (from..from + count).map(|hour| hour % count) {
        match (tests[hour], runs.last_mut()) {
            (None, _) => is_open = false,
            (Some(test), Some((_, run))) if is_open => run.push(test),
            (Some(test), _) => {
                runs.push((hour, vec![test]));
                is_open = true;
            }
        }
    }
    runs.into_iter()
}

fn tell(
    of: &Collector<'_>,
    cluster: &ClusterTrack,
    cause: ProblemCause,
    incidents: &[&Incident],
    slots: &[Slot],
    place: &Place,
    looks: f64,
) -> Schedule {
    let mut finding = Finding::new(Kind::Recurrence, &cluster.cluster, of.range.start_ms, of.range.end_ms, RULE);
    let tests = &place.tests;
    let (hours, words) = (place.hours(), place.words(of.folding.zone));
    let worst = tests.iter().copied().max_by(|a, b| a.p.total_cmp(&b.p)).unwrap_or(tests[0]);
    let bad: usize = tests.iter().map(|test| test.bad).sum();
    let looked_at: usize = tests.iter().map(|test| test.looked_at).sum();
    let others_bad = worst.others_bad + worst.bad - bad;
    let others = worst.others + worst.looked_at - looked_at;
    let those = || slots.iter().filter(|slot| slot.bad && hours.contains(&slot.of_week)).map(|slot| slot.date);
    let from = cluster.hours.first().map_or(NaiveDate::MIN, |hour| hour.date);
    let dates = [those().min().unwrap_or(from), those().max().unwrap_or(from)];
    let weights = |metric: Metric| incidents.iter().filter(|i| i.finding.metric == Some(metric)).count();
    finding.metric = costliest(cause.metrics(), |metric| weights(metric) as f64);
    let mut members: Vec<String> = incidents.iter().flat_map(|i| i.finding.members.iter().cloned()).collect();
    members.sort_unstable();
    members.dedup();
    finding.members = members;
    finding.confidence = Some(1.0 - worst.corrected);
    finding.says = format!(
        "{}: {} {words} since {}, in {bad} of {looked_at} such hours and in {others_bad} of {others} other hours",
        finding.cluster,
        cause.title(),
        dates[0],
    );
    finding.tell("hours", words.as_str());
    finding.tell("first_date", dates[0].to_string());
    finding.tell("last_date", dates[1].to_string());
    finding.tell("hours_with_incidents", Evidence::Of(bad as u64, looked_at as u64));
    finding.tell("other_hours_with_incidents", Evidence::Of(others_bad as u64, others as u64));
    for (index, test) in tests.iter().enumerate() {
        let counts = format!(
            "{} of {} with incidents, {} of {} other hours, p {:.2e}, corrected {:.2e}",
            test.bad, test.looked_at, test.others_bad, test.others, test.p, test.corrected
        );
        finding.tell(place.name(index), counts);
    }
    finding.tell("test", format!("Fisher's exact test, one-sided, corrected for {looks} tests (Bonferroni)"));
    finding.tell("confidence", Evidence::Confidence(1.0 - worst.corrected));
    Schedule { cause, hours, words, finding }
}
