//! The metric families of the OpenMetrics files, and how their series are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ExtraLabels;
use super::text::WindowText;
use crate::outputs::OutputError;
use crate::readings::Member;
use crate::score::{DayScores, Rollup, ScoreTable, StepState};
use crate::spec::Metric;
use crate::text::named::named;

named! {
    /// A metric family, by its name in `--emit`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Family {
        /// `etcd_score{cluster,member}`: the score of each member.
        Scores = "scores",
        /// `cluster:etcd_score:worst{cluster}`: the lowest score of its members.
        Worst = "worst",
        /// `etcd_points{cluster,member,metric}`: the points of each metric of a member.
        Points = "points",
    }
    parsed "unknown series"
}

impl Family {
    /// The metric name of the family's series.
    pub(crate) const fn metric_name(self) -> &'static str {
        match self {
            Self::Scores => "etcd_score",
            Self::Worst => "cluster:etcd_score:worst",
            Self::Points => "etcd_points",
        }
    }

    pub(in crate::outputs) const fn help(self) -> &'static str {
        match self {
            Self::Scores => "Health of an etcd member, from 0 (red) to 10 (green).",
            Self::Worst => "Health of the worst member of an etcd cluster, from 0 (red) to 10 (green).",
            Self::Points => "What one metric of an etcd member is worth, from 0 (red) to 10 (green).",
        }
    }

    /// Writes all series of the family for these days, sorted by labels.
    pub(super) fn write(
        self,
        table: &ScoreTable,
        labels: &ExtraLabels,
        days: &[Arc<DayScores>],
        text: &mut WindowText<'_>,
    ) -> Result<(), OutputError> {
        text.begin(self.metric_name(), self.help());
        match self {
            Self::Scores => {
                let values = by_code(table.scores().into_iter());
                of_members(days, |member| {
                    let own = [("cluster", &*member.cluster), ("member", &*member.member)];
                    codes(&labels.series(self.metric_name(), &own), member, &values, days, text)
                })
            }
            Self::Worst => write_worst(self, table, labels, days, text),
            Self::Points => {
                let entries = || (0..table.len() as u16).map(|code| table.look_up(code));
                let mut values: Vec<(Metric, Vec<Option<String>>)> =
                    Metric::ALL.map(|m| (m, by_code(entries().map(|entry| entry.points[m.index()])))).into();
                values.sort_by_key(|(metric, _)| metric.name());
                of_members(days, |member| {
                    for (metric, values) in &values {
                        let own =
                            [("cluster", &*member.cluster), ("member", &*member.member), ("metric", metric.name())];
                        codes(&labels.series(self.metric_name(), &own), member, values, days, text)?;
                    }
                    Ok(())
                })
            }
        }
    }
}

/// The value of each score code as text, followed by a space; `None` for a code without a value.
fn by_code(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<String>> {
    values.map(|value| value.map(|value| format!("{value} "))).collect()
}

fn of_members(
    days: &[Arc<DayScores>],
    write: impl FnMut(&Member) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    let mut members: Vec<&Member> = days.iter().flat_map(|day| &day.members).collect();
    members.sort_unstable();
    members.dedup();
    members.into_iter().try_for_each(write)
}

/// Writes one series of a member. Its value at a step is the entry of `values` for the step's score code.
fn codes(
    series: &str,
    member: &Member,
    values: &[Option<String>],
    days: &[Arc<DayScores>],
    text: &mut WindowText<'_>,
) -> Result<(), OutputError> {
    let windows = days.iter().map(|day| text.steps(&day.grid)).collect::<Vec<_>>();
    let mut line = text.begin_series(series);
    for (day, steps) in days.iter().zip(windows) {
        if let Ok(index) = day.members.binary_search(member) {
            let codes = &day.codes(index)[steps.clone()];
            // The code ABSENT has no entry in `values`, so there is no sample while the member is not expected.
            let values = codes.iter().map(|&code| values.get(code as usize).and_then(Option::as_deref));
            line.append(&day.grid, steps.start, values)?;
        }
    }
    Ok(())
}

fn write_worst(
    family: Family,
    table: &ScoreTable,
    labels: &ExtraLabels,
    days: &[Arc<DayScores>],
    text: &mut WindowText<'_>,
) -> Result<(), OutputError> {
    let mut scores: BTreeMap<u64, String> = BTreeMap::new();
    let mut clusters: Vec<&str> = days.iter().flat_map(|day| &day.members).map(|m| &*m.cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    for cluster in clusters {
        let windows = days.iter().map(|day| text.steps(&day.grid)).collect::<Vec<_>>();
        let series = labels.series(family.metric_name(), &[("cluster", cluster)]);
        let mut line = text.begin_series(&series);
        for (day, steps) in days.iter().zip(windows) {
            let Some(members) = day.clusters().find(|m| &*day.members[m.start].cluster == cluster) else { continue };
            let states = &Rollup::Worst.line(table, day, members)[steps.clone()];
            for state in states {
                if let StepState::Scored(worth) = state {
                    scores.entry(worth.score).or_insert_with(|| format!("{} ", table.points(worth.score)));
                }
            }
            let value = |state: &StepState| match state {
                StepState::Scored(worth) => scores.get(&worth.score).map(String::as_str),
                _ => None,
            };
            line.append(&day.grid, steps.start, states.iter().map(value))?;
        }
    }
    Ok(())
}
