//! One step of a cluster: the readings and points of its members, who led, and what lies within five minutes of it.

use std::sync::Arc;

use super::{ScoredWindow, StepTotals, bucket};
use crate::heatmap::Folding;
use crate::readings::{Member, is_idle};
use crate::score::{ABSENT, Entry, ScoreTable, StepState};
use crate::spec::{Cap, Column, Companion, Metric, POINT, Profile, Unit};
use crate::time::{Step, TimeRange};

/// How far to look around the step: as long as the window of rates and percentiles, so that what they show late or for too
/// long is there too.
const AROUND_MS: i64 = 5 * 60_000;

/// A step of a cluster, and what lies around it.
#[derive(Debug)]
pub(crate) struct Moment {
    /// The step, milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The first and the last step that is looked at.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// The cluster's own score at the step, after the rollup of its members.
    pub(crate) cluster: StepTotals,
    /// Whether the source lacks data at the step.
    pub(crate) is_partial: bool,
    /// What the source lacks at the step, in a sentence.
    pub(crate) without_data: Option<String>,
    /// Who led around the step, in order of time; `None` if the history does not say.
    pub(crate) led: Option<Vec<Led>>,
    /// The members, sorted by name.
    pub(crate) members: Vec<MemberMoment>,
}

/// Steps in a row at which the same members said that they lead: none, one, or several during a partition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Led {
    pub(crate) from_ms: i64,
    /// One step after the last of them.
    pub(crate) to_ms: i64,
    /// `None` if no member's reading is there.
    pub(crate) members: Option<Vec<Arc<str>>>,
}

/// A member at the step.
#[derive(Debug)]
pub(crate) struct MemberMoment {
    pub(crate) member: Member,
    /// The sums of one step; nothing is expected outside of the member's life.
    pub(crate) totals: StepTotals,
    pub(crate) is_after_restart: bool,
    /// Whether the member is a learner, which its cluster's score leaves out.
    pub(crate) is_learner: bool,
    /// When its process had started, seconds since 1970; `None` if the history does not say.
    pub(crate) started: Option<f64>,
    /// The version of its etcd, as a number; `None` if the history does not say.
    pub(crate) version: Option<f64>,
    /// The cap that applies, with the metric that it costs points.
    pub(crate) cap: Option<(Metric, Cap)>,
    /// The metrics, and the companions with a reading around the step, in the order of the specification.
    pub(crate) columns: Vec<ColumnMoment>,
}

/// The readings of one column of a member at the step and around it.
#[derive(Debug)]
pub(crate) struct ColumnMoment {
    pub(crate) column: Column,
    /// The reading at the step.
    pub(crate) reading: Reading,
    /// The lowest and the highest reading around the step; `None` without any.
    pub(crate) extremes: Option<(f64, f64)>,
    /// Steps around with a reading, and all of them.
    pub(crate) known: usize,
    pub(crate) steps: usize,
    /// What a metric gets at the step; `None` for a companion, and without a reading.
    pub(crate) points: Option<PointsMoment>,
    /// The bounds in seconds of the histogram bucket that holds a latency: it may lie anywhere between them.
    pub(crate) bucket: Option<(f64, f64)>,
}

/// A reading, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    Known(f64),
    /// A percentile of which nothing was observed in its window.
    Idle,
    Missing,
}

/// The points of a metric at the step.
#[derive(Debug, PartialEq)]
pub(crate) struct PointsMoment {
    /// 0 to 10.
    pub(crate) points: f64,
    /// The threshold above which the reading is; `None` in the best band.
    pub(crate) above: Option<f64>,
    /// The limit that the threshold is a share of, and the share that the reading has; `None` if it is absolute, or if
    /// there is no limit.
    pub(crate) share: Option<(Companion, f64)>,
}

impl Reading {
    fn of(value: f64) -> Self {
        match value {
            value if is_idle(value) => Self::Idle,
            value if value.is_nan() => Self::Missing,
            value => Self::Known(value),
        }
    }
}

/// A day, and the index of a step on it.
type Spot<'a> = (&'a ScoredWindow, usize);

/// What is looked at around an instant: that of the last step before it, and those within five minutes, but at least one to
/// each side.
pub(crate) fn around(at_ms: i64, step: Step) -> (i64, TimeRange) {
    let at_ms = at_ms.div_euclid(step.millis()) * step.millis();
    let reach = AROUND_MS.max(step.millis()) / step.millis() * step.millis();
    (at_ms, TimeRange { start_ms: at_ms - reach, end_ms: at_ms + reach + step.millis() })
}

/// Explains one step of a cluster. `days` are the UTC days that [`around`] touches, with only that cluster's members;
/// `only` selects one of them.
pub(crate) fn explain_moment(
    table: &ScoreTable,
    profile: &Profile,
    folding: Folding,
    (at_ms, around): (i64, TimeRange),
    days: &[ScoredWindow],
    only: Option<&str>,
) -> Moment {
    let steps_of = |day| steps_between(day, around).map(move |step| (day, step));
    // Before the history begins and after it ends, nothing is missing.
    let is_expected =
        |(day, step): &Spot<'_>| (0..day.scores.members.len()).any(|member| day.scores.codes(member)[*step] != ABSENT);
    let spots: Vec<Spot<'_>> = days.iter().flat_map(steps_of).filter(is_expected).collect();
    let at = |spot: Option<&Spot<'_>>| spot.map_or(at_ms, |(day, step)| day.scores.grid.at(*step));
    let mut moment = Moment {
        at_ms,
        first_ms: at(spots.first()),
        last_ms: at(spots.last()),
        cluster: StepTotals::default(),
        is_partial: false,
        without_data: None,
        led: led(&spots),
        members: Vec::new(),
    };
    let Some(here) = spots.iter().find(|(day, step)| day.scores.grid.at(*step) == at_ms) else { return moment };
    let (day, step) = *here;
    let all = &day.scores.members;
    moment.cluster.add(folding.rollup.line(table, &day.scores, 0..all.len())[step]);
    moment.is_partial = all.first().is_some_and(|of| day.scores.is_partial(&of.cluster, step));
    let is_told = |member: &&Member| only.is_none_or(|only| *member.member == *only);
    let members = all.iter().filter(is_told).map(|member| explain_member(table, profile, *here, &spots, member));
    moment.members = members.filter(|member| member.totals.expected > 0 || only.is_some()).collect();
    moment
}

fn steps_between(day: &ScoredWindow, range: TimeRange) -> std::ops::Range<usize> {
    day.scores.grid.indices_between(range.start_ms, range.end_ms - 1)
}

/// Who said to lead at each step at which a member is expected, one entry for equal neighbors.
fn led(spots: &[Spot<'_>]) -> Option<Vec<Led>> {
    let mut led: Vec<Led> = Vec::new();
    for (day, step) in spots {
        let all = day.scores.members.iter().enumerate();
        let expected = all.filter(|(index, _)| day.scores.codes(*index)[*step] != ABSENT);
        let has_column = day.window.companions().contains(&Companion::IsLeader);
        let said = expected.filter(|_| has_column);
        let said = said.map(|(index, member)| (member, day.window.row(Companion::IsLeader, index)[*step]));
        let said: Vec<_> = said.filter(|(_, reading)| !reading.is_nan()).collect();
        let leads = said.iter().filter(|(_, reading)| *reading > 0.0).map(|(member, _)| member.member.clone());
        let members = (!said.is_empty()).then(|| leads.collect());
        let (from_ms, to_ms) = (day.scores.grid.at(*step), day.scores.grid.at(*step + 1));
        match led.last_mut() {
            Some(last) if last.members == members => last.to_ms = to_ms,
            _ => led.push(Led { from_ms, to_ms, members }),
        }
    }
    let has_column = spots.iter().any(|(day, _)| day.window.companions().contains(&Companion::IsLeader));
    has_column.then_some(led)
}

fn explain_member(
    table: &ScoreTable,
    profile: &Profile,
    (day, step): Spot<'_>,
    spots: &[Spot<'_>],
    member: &Member,
) -> MemberMoment {
    let index = day.scores.members.binary_search(member).expect("it is a member of this day");
    let code = day.scores.codes(index)[step];
    let state = table.state(code);
    let mut totals = StepTotals::default();
    totals.add(state);
    let entry = (state != StepState::Absent).then(|| table.look_up(code));
    let restarts = day.scores.after_restart(index..index + 1).unwrap_or_default();
    let column = |column: Column| {
        let readings: Vec<f64> = spots.iter().filter_map(|spot| reading(*spot, column, member)).collect();
        let known: Vec<f64> = readings.iter().copied().filter(|reading| !reading.is_nan()).collect();
        let here = reading((day, step), column, member).map_or(Reading::Missing, Reading::of);
        let in_bucket = |value| (column.unit() == Unit::Seconds).then(|| bucket(value)).flatten();
        ColumnMoment {
            column,
            reading: here,
            extremes: extremes(&known),
            known: known.len(),
            steps: spots.len(),
            points: entry.and_then(|entry| points(profile, entry, (day, step), index, column)),
            bucket: if let Reading::Known(value) = here { in_bucket(value) } else { None },
        }
    };
    let told = |of: Companion| reading((day, step), of.into(), member).filter(|reading| !reading.is_nan());
    let is_told = |one: &ColumnMoment| match one.column {
        Column::Metric(_) => true,
        Column::Companion(Companion::StartTime | Companion::ServerVersion) => false,
        Column::Companion(_) => one.known > 0,
    };
    MemberMoment {
        member: member.clone(),
        totals,
        is_learner: day.scores.learner_steps(index).iter().any(|steps| steps.contains(&step)),
        is_after_restart: restarts.iter().any(|steps| steps.contains(&step)),
        started: told(Companion::StartTime),
        version: told(Companion::ServerVersion),
        cap: entry.and_then(|entry| entry.cap).map(|place| table.caps()[place]),
        columns: Column::all().map(column).filter(is_told).collect(),
    }
}

/// The reading of a column at a spot; `None` if the day does not have the member or the column.
fn reading((day, step): Spot<'_>, column: Column, member: &Member) -> Option<f64> {
    let index = day.scores.members.binary_search(member).ok()?;
    let has = column.companion().is_none_or(|companion| day.window.companions().contains(&companion));
    has.then(|| day.window.row(column, index)[step])
}

fn extremes(readings: &[f64]) -> Option<(f64, f64)> {
    let all = || readings.iter().copied();
    all().min_by(f64::total_cmp).zip(all().max_by(f64::total_cmp))
}

fn points(
    profile: &Profile,
    entry: &Entry,
    (day, step): Spot<'_>,
    member: usize,
    column: Column,
) -> Option<PointsMoment> {
    let Column::Metric(metric) = column else { return None };
    let points = entry.points[metric.index()]?;
    let band = profile.rule(metric).bands.list.iter().find(|band| band.points as f64 / POINT as f64 == points);
    let limit = profile.limit(metric).filter(|limit| day.window.companions().contains(limit));
    let share = limit.map(|limit| (limit, day.window.row(limit, member)[step])).filter(|(_, of)| *of > 0.0);
    let share = share.map(|(limit, of)| (limit, day.window.row(metric, member)[step] / of));
    Some(PointsMoment { points, above: band.map(|band| band.above), share })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_one_step_to_each_side_is_looked_at() {
        let step = |seconds: i64| Step::from_millis(seconds * 1000).unwrap_or_else(|error| panic!("{error}"));
        let minute = 60_000;
        let whole = |seconds, at| {
            let (at, around) = around(at, step(seconds));
            (at, around.start_ms, around.end_ms)
        };
        assert_eq!(whole(60, 10 * minute + 59_999), (10 * minute, 5 * minute, 16 * minute));
        assert_eq!(whole(3600, 90 * minute), (60 * minute, 0, 180 * minute));
        // Steps of 7 minutes: five minutes have none.
        assert_eq!(whole(420, 15 * minute), (14 * minute, 7 * minute, 28 * minute));
        assert_eq!(whole(120, 10 * minute), (10 * minute, 6 * minute, 16 * minute));
    }
}
