//! Verifies that the series of each member come from one process, with a few instant queries spread over the range.
//!
//! At each instant, one query lists the members that have more than one series of a metric; usually there are
//! none. Otherwise, the start times, counters and gauges of these members are read around some of the
//! instants, and [`readings::identity`](crate::readings::identity) compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use futures_util::future::try_join_all;
use tracing::{Instrument, info, warn_span};

use super::client::Labeled;
use super::labels::in_promql;
use super::probe::SeriesForm;
use super::query::{RAW, RECORDED};
use super::question::Question;
use super::slices::{ask_in_slices, joined};
use super::transport::Kind;
use super::{Client, PromError, QuerySet};
use crate::readings::identity::{
    Clue, Doubles, Evidence, Identity, Labels, Look, MixedMembers, Moments, Naming, Verdict, ends_and_middle,
    shares_start, to_study,
};
use crate::readings::{Member, QuerySource};
use crate::spec::{Column, Companion, Metric};
use crate::time::Grid;

/// Maximum age of the sample behind a value, by Prometheus's default.
const SLACK_MS: i64 = 300_000;

/// The metrics to verify, each with the form of its query.
pub(crate) type Forms<'a> = Vec<(Metric, &'a str)>;

/// The forms that were chosen for a pull.
pub(crate) fn forms_of(chosen: &BTreeMap<String, QuerySource>) -> Forms<'_> {
    Metric::ALL.into_iter().filter_map(|metric| Some((metric, chosen.get(metric.name())?.form.as_str()))).collect()
}

/// The forms of all metrics except `left_out`, for a setting of `--series`; `auto` counts as `raw`.
pub(crate) fn forms_by_setting(form: SeriesForm, left_out: &[Metric]) -> Forms<'static> {
    let form = if form == SeriesForm::Recorded { RECORDED } else { RAW };
    Metric::ALL.into_iter().filter(|metric| !left_out.contains(metric)).map(|metric| (metric, form)).collect()
}

/// Verifies the members at some moments. A failed lookup is not an error: it becomes a note that the
/// members could not be verified.
pub(crate) async fn verify_members(
    client: &Client,
    queries: &QuerySet,
    forms: &Forms<'_>,
    moments: Moments,
) -> Identity {
    let investigation = Investigation::new(client, queries, forms);
    // In the log, the span separates these lookups from the queries of the pull.
    match investigation.run(moments).instrument(warn_span!("look")).await {
        Ok(identity) => identity,
        Err(error) => {
            let notes = vec![format!("could not verify that each member is a single process: {error}")];
            Identity { notes, ..Identity::default() }
        }
    }
}

/// A vector of series that shows which targets a metric has.
#[derive(Clone, Copy, Debug)]
struct Base<'a> {
    column: Column,
    form: &'a str,
    clue: Clue,
}

impl<'a> Base<'a> {
    /// `None` for a query from `--queries`: its series are not known.
    fn of(queries: &QuerySet, column: Column, form: &'a str) -> Option<Self> {
        let clue = match column {
            _ if form == RECORDED => return Some(Self { column, form, clue: Clue::Gauge }),
            _ if !queries.is_embedded(column) => return None,
            Column::Companion(Companion::StartTime) => Clue::StartTime,
            _ if counter(column).is_some() => Clue::Counter,
            _ => Clue::Gauge,
        };
        Some(Self { column, form: RAW, clue })
    }

    /// The vector for the series that match the selector and more matchers.
    fn promql(&self, queries: &QuerySet, matchers: &str) -> String {
        match counter(self.column) {
            Some((name, more)) if self.form == RAW => {
                format!("{name}{{{}}}", joined(&joined(queries.selector(), matchers), more))
            }
            _ => queries.text(self.column, self.form, matchers),
        }
    }
}

/// The counter that the raw query of a column reads, and a matcher that leaves one series of each histogram. `None` for
/// a gauge, which the query returns as it is.
fn counter(column: Column) -> Option<(&'static str, &'static str)> {
    const ALL: &str = r#"le="+Inf""#;
    match column {
        Column::Metric(Metric::WalFsync) => Some(("etcd_disk_wal_fsync_duration_seconds_bucket", ALL)),
        Column::Metric(Metric::BackendCommit) => Some(("etcd_disk_backend_commit_duration_seconds_bucket", ALL)),
        Column::Metric(Metric::LeaderChanges) => Some(("etcd_server_leader_changes_seen_total", "")),
        Column::Metric(Metric::ClientTrafficIn) => Some(("etcd_network_client_grpc_received_bytes_total", "")),
        _ => None,
    }
}

/// Series whose members are named by the same labels.
struct Group {
    /// A matcher that selects the series of the group; empty selects all series.
    matcher: &'static str,
    /// The labels that name the members, as a list for `by (…)`.
    labels: String,
}

impl Group {
    /// By default, the label `cluster` names the cluster, and `job` does only in series without `cluster`. Series with
    /// `cluster` that differ only in `job` therefore belong to the same member.
    fn all(client: &Client, queries: &QuerySet) -> Vec<Self> {
        if !client.naming().cluster().is_empty() {
            return vec![Self { matcher: "", labels: queries.labels().to_owned() }];
        }
        let member = client.naming().member().iter().map(|name| in_promql(name)).collect::<Vec<_>>().join(", ");
        let group = |matcher, name| Self { matcher, labels: format!("{name}, {member}") };
        vec![group(r#"cluster!="""#, "cluster"), group(r#"cluster="""#, "job")]
    }
}

struct Investigation<'a> {
    client: &'a Client,
    queries: &'a QuerySet,
    groups: Vec<Group>,
    /// The series that the pull reads; it merges those of the same member.
    bases: Vec<Base<'a>>,
    /// The series that tell processes apart.
    clues: Vec<Base<'a>>,
    start_time: Option<Base<'a>>,
}

impl<'a> Investigation<'a> {
    fn new(client: &'a Client, queries: &'a QuerySet, forms: &Forms<'a>) -> Self {
        let bases: Vec<Base<'a>> =
            forms.iter().filter_map(|&(metric, form)| Base::of(queries, metric.into(), form)).collect();
        let start_time = Base::of(queries, Companion::StartTime.into(), RAW);
        let raw = Metric::ALL.into_iter().filter_map(|metric| Base::of(queries, metric.into(), RAW));
        let recorded = bases.iter().copied().filter(|base| base.form == RECORDED);
        let clues = start_time.into_iter().chain(raw).chain(recorded).collect();
        Self { client, queries, groups: Group::all(client, queries), bases, clues, start_time }
    }

    async fn run(&self, moments: Moments) -> Result<Identity, PromError> {
        if self.bases.is_empty() {
            return Ok(Identity::default());
        }
        let mut looks = self.look(moments.instants()).await?;
        if let Some(closer) = moments.closer(&looks) {
            looks.extend(self.look(closer).await?);
            looks.sort_by_key(|look| look.at_seconds);
        }
        let naming = Naming {
            cluster: self.client.naming().cluster().to_vec(),
            member: self.client.naming().member().to_vec(),
            selector: self.queries.selector().to_owned(),
        };
        let mut identity = Identity::default();
        let crowded: BTreeSet<&Member> = looks.iter().flat_map(|look| &look.crowded).collect();
        info!(instants = looks.len(), members = crowded.len(), "looked for members with several series of a metric");
        if !crowded.is_empty() {
            let verdict = self.evidence(&to_study(&looks), moments, true).await?.verdict();
            let hide = |text: &str| self.client.access().hide(text);
            identity.is_open = verdict.same.is_empty() && verdict.different.is_empty();
            identity.notes = verdict.notes(hide);
            let everyone = self.everyone(&verdict, &looks).await?;
            identity.mixed = MixedMembers::of(&verdict, &everyone, &naming, hide);
        }
        identity.notes.extend(self.doubles(&looks, moments, &naming).await?);
        Ok(identity)
    }

    /// Looks for members with several series of one metric at these instants, in seconds since 1970.
    async fn look(&self, at: Vec<i64>) -> Result<Vec<Look>, PromError> {
        try_join_all(at.into_iter().map(|at| self.look_at(at))).await
    }

    async fn look_at(&self, at_seconds: i64) -> Result<Look, PromError> {
        let narrow = |matchers: &str| {
            let crowded = self.bases.iter().flat_map(|base| {
                self.groups.iter().map(|Group { matcher, labels }| {
                    let vector = base.promql(self.queries, &joined(matchers, matcher));
                    format!("(count by ({labels}) ({vector}) > 1)")
                })
            });
            // This count has no labels: its value shows that there are samples at this instant.
            let any = format!("count({})", self.bases[0].promql(self.queries, matchers));
            crowded.chain([any]).collect::<Vec<_>>().join(" or ")
        };
        let found = self.ask(self.bases[0], narrow, Grid::second(at_seconds), Kind::Instant).await?;
        let of_members = found.iter().filter(|series| !series.labels.is_empty());
        let crowded = of_members.filter_map(|series| self.client.name(self.bases[0].column, &series.labels).ok());
        Ok(Look { at_seconds, has_samples: !found.is_empty(), crowded: crowded.collect() })
    }

    /// Reads the clues around these instants, either of crowded members only or of all members.
    async fn evidence(&self, at: &[i64], moments: Moments, is_of_crowded: bool) -> Result<Evidence, PromError> {
        let crowded = |clue: Base<'_>, matchers: &str| {
            let of_group = |Group { matcher, labels }: &Group| {
                let vector = clue.promql(self.queries, &joined(matchers, matcher));
                format!("(({vector}) and on ({labels}) (count by ({labels}) ({vector}) > 1))")
            };
            self.groups.iter().map(of_group).collect::<Vec<_>>().join(" or ")
        };
        let asked = at.iter().flat_map(|at| self.clues.iter().map(move |clue| (*clue, moments.around(*at))));
        let read = asked.map(async |(clue, grid)| {
            let narrow = |matchers: &str| match is_of_crowded {
                true => crowded(clue, matchers),
                false => clue.promql(self.queries, matchers),
            };
            Ok::<_, PromError>((clue, self.ask(clue, narrow, grid, Kind::Range).await?))
        });
        let mut evidence = Evidence::new(SLACK_MS);
        for (clue, series) in try_join_all(read).await? {
            let name = format!("{} {}", clue.column, clue.form);
            for Labeled { labels, samples } in series {
                if let Ok(member) = self.client.name(clue.column, &labels) {
                    evidence.add(&member, labels, (&name, clue.clue), samples);
                }
            }
        }
        Ok(evidence)
    }

    /// The targets of all members at an instant at which different processes were found.
    async fn everyone(&self, verdict: &Verdict, looks: &[Look]) -> Result<Vec<(Member, Labels)>, PromError> {
        let Some(pair) = verdict.different.first() else { return Ok(Vec::new()) };
        let look = looks.iter().rfind(|look| look.crowded.contains(&pair.member));
        let Some(look) = look else { return Ok(Vec::new()) };
        for base in &self.bases {
            let everyone = self.targets(*base, look.at_seconds).await?;
            if !everyone.is_empty() {
                return Ok(everyone.into_iter().map(|(member, labels, _)| (member, labels)).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The series of a vector at an instant, with their values.
    async fn targets(&self, base: Base<'_>, at_seconds: i64) -> Result<Vec<(Member, Labels, f64)>, PromError> {
        let narrow = |matchers: &str| base.promql(self.queries, matchers);
        let found = self.ask(base, narrow, Grid::second(at_seconds), Kind::Instant).await?;
        let target = |series: Labeled| {
            let member = self.client.name(base.column, &series.labels).ok()?;
            let mut labels = series.labels;
            labels.retain(|name, value| name != "__name__" && name != "le" && !value.is_empty());
            Some((member, labels, series.samples.first()?.1))
        };
        Ok(found.into_iter().filter_map(target).collect())
    }

    /// A note about processes that are counted as several members.
    async fn doubles(&self, looks: &[Look], moments: Moments, naming: &Naming) -> Result<Option<String>, PromError> {
        let Some(start_time) = self.start_time else { return Ok(None) };
        let with_samples: Vec<i64> = looks.iter().filter(|look| look.has_samples).map(|look| look.at_seconds).collect();
        for at in ends_and_middle(&with_samples) {
            let started = self.targets(start_time, at).await?;
            let pairs = shares_start(&started);
            if pairs.is_empty() {
                continue;
            }
            let evidence = self.evidence(&[at], moments, false).await?;
            if let Some(doubles) = Doubles::of(&pairs, &started, &evidence) {
                return Ok(Some(doubles.note(&started, naming, |text| self.client.access().hide(text))));
            }
        }
        Ok(None)
    }

    /// Evaluates a vector in as many slices as the server requires.
    async fn ask(
        &self,
        base: Base<'_>,
        narrow: impl Fn(&str) -> String,
        grid: Grid,
        kind: Kind,
    ) -> Result<Vec<Labeled>, PromError> {
        let question = Question::about(self.queries, base.column, base.form, narrow);
        let mut found = Vec::new();
        let ask = async |promql: String, part: Grid, _| self.client.query_labeled(&promql, part, kind).await;
        ask_in_slices(self.client, &question, grid, ask, |series| {
            found.extend(series);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }
}
