//! One evaluation: reads metrics and limits at an instant and scores the members.

use crate::commands::CommandError;
use crate::config::Settings;
use crate::outputs::{Live, LiveScores};
use crate::readings::identity::{MixedMembers, Moments};
use crate::readings::{Life, Member};
use crate::score::{ScoreTable, score_window};
use crate::sources::prometheus::{Client, QuerySet, SeriesForm, Terms, forms_by_setting, read_instant, verify_members};
use crate::spec::{Column, Companion, Metric, Unit};

/// Maximum number of queries at once: enough to query every column as a raw and as a recorded series.
const IN_FLIGHT: usize = 16;
/// How often to verify, in seconds, that each member is one process. New members are verified at once.
const VERIFY_SECONDS: u64 = 600;
/// Interval of verification, in seconds, if some series were too new to be compared.
const SOON_SECONDS: u64 = 60;

/// The queries and the profile of all evaluations.
pub(super) struct Evaluator {
    client: Client,
    queries: QuerySet,
    form: SeriesForm,
    columns: Vec<Column>,
    live: Live,
    /// Metrics left out with `--without`; leader changes are queried anyway.
    without: Vec<Metric>,
    merge_members: bool,
    verified: Option<Verified>,
}

/// The last verification that each member is one process.
struct Verified {
    members: Vec<Member>,
    at_seconds: i64,
    /// Whether some series were too new to be compared.
    is_open: bool,
    /// The error, if the series of a member come from different processes.
    mixed: Option<MixedMembers>,
}

impl Evaluator {
    pub(super) fn new(settings: &Settings, allow_partial: bool) -> Result<Self, CommandError> {
        let asked = &settings.source;
        let terms = Terms { allow_partial, concurrency: IN_FLIGHT, max_qps: None, ..asked.terms };
        let (cluster, member) = (asked.cluster_label.as_deref(), asked.member_label.as_str());
        let client = Client::new(asked.url()?, &asked.http_config()?, terms, cluster, member)?;
        let profile = settings.how.profile.clone();
        let table = ScoreTable::new(&profile);
        // The query for leader changes looks back one day, so it also finds a member that stopped sending metrics.
        // Send it even with `--without leader_changes`.
        let is_asked = |m: &Metric| *m == Metric::LeaderChanges || !settings.without.contains(m);
        let columns = Metric::ALL.into_iter().filter(is_asked).map(Column::from);
        let companions = table.companions().into_iter().chain([Companion::IsLearner]);
        let columns = columns.chain(companions.map(Column::from)).collect();
        let live =
            Live { profile, table, rollup: settings.how.folding.rollup, labels: settings.emission.labels.clone() };
        let (without, merge_members) = (settings.without.clone(), asked.merge_members);
        let queries = asked.query_set()?;
        Ok(Self { client, queries, form: asked.series, columns, live, without, merge_members, verified: None })
    }

    pub(super) fn live(&self) -> Live {
        self.live.clone()
    }

    /// Reads all columns at an instant, in seconds since 1970, and scores every member that has a series. Passes each
    /// finding about the identity of members to `note`.
    pub(super) async fn evaluate(
        &mut self,
        at_seconds: i64,
        note: impl FnMut(&str),
    ) -> Result<LiveScores, CommandError> {
        let window = read_instant(&self.client, &self.queries, self.form, &self.columns, at_seconds).await?;
        self.verify(window.members(), at_seconds, note).await?;
        let at_ms = at_seconds * 1000;
        // Every member in the window has sent metrics within the last day, so each one is expected at this instant.
        let life = Life { first_ms: at_ms, last_ms: at_ms };
        let alive: Vec<(Member, Life)> = window.members().iter().map(|member| (member.clone(), life)).collect();
        let scores = score_window(&self.live.table, &window, &alive);
        Ok(LiveScores { window, scores })
    }

    /// Verifies that each member is one process: in the first evaluation, when the members change, and then every ten
    /// minutes, or after one minute if some series were too new.
    async fn verify(
        &mut self,
        members: &[Member],
        at_seconds: i64,
        note: impl FnMut(&str),
    ) -> Result<(), MixedMembers> {
        let is_due = |last: &Verified| {
            let age = at_seconds.abs_diff(last.at_seconds);
            last.members != members || age >= if last.is_open { SOON_SECONDS } else { VERIFY_SECONDS }
        };
        if self.verified.as_ref().is_none_or(is_due) {
            let mixed = self.verified.take().filter(|last| last.members == members).and_then(|last| last.mixed);
            // Record the attempt first: if a slow server exceeds the time limit, the evaluation is canceled here, and
            // those of the next ten minutes run without verification instead of failing again.
            self.verified = Some(Verified { members: members.to_vec(), at_seconds, is_open: false, mixed });
            let forms = forms_by_setting(self.form, &self.without);
            let identity = verify_members(&self.client, &self.queries, &forms, Moments::Until(at_seconds)).await;
            let is_open = identity.is_open;
            let settled = identity.settled(self.merge_members);
            settled.iter().flatten().map(String::as_str).for_each(note);
            let mixed = settled.err();
            self.verified = Some(Verified { members: members.to_vec(), at_seconds, is_open, mixed });
        }
        self.verified.as_ref().and_then(|last| last.mixed.clone()).map_or(Ok(()), Err)
    }

    /// The note if a metric with a weight, or a limit of the profile, has no readings, so that no member has a score, or if
    /// something that caps need has none. Idle readings count as readings here.
    pub(super) fn silent(&self, found: &LiveScores) -> Option<String> {
        let counts = |column: &Column| match column {
            Column::Metric(metric) => self.live.profile.counts(*metric),
            Column::Companion(companion) => self.live.table.limits().any(|limit| limit == *companion),
        };
        let readings = |c: Column| found.window.known_readings(c) + found.window.idle_readings(c);
        // Without a reading of who is a learner, every member counts: an etcd before 3.4 has none.
        let is_of_cap = |column: &Column| column.companion().is_some_and(|one| one != Companion::IsLearner);
        let of_caps = self.columns.iter().filter(|c| is_of_cap(c) && !counts(c) && readings(**c) == 0);
        let of_caps: Vec<&str> = of_caps.map(|column| column.name()).collect();
        let silent = self.columns.iter().filter(|c| counts(c) && readings(**c) == 0);
        let silent: Vec<Column> = silent.copied().collect();
        let names: Vec<&str> = silent.iter().map(|column| column.name()).collect();
        let (url, names) = (self.client.shown_url(), names.join(", "));
        // Without a write in the window, VictoriaMetrics returns no percentile although its series are there.
        let may_be_idle = |column: &Column| column.unit() == Unit::Seconds;
        match silent.as_slice() {
            [] if of_caps.is_empty() => None,
            [] => Some(format!(
                "{url} has no series of {} now, so the caps of the profile that need them do not apply",
                of_caps.join(", ")
            )),
            silent if silent.iter().all(may_be_idle) => Some(format!(
                "{url} has no p99 of {names} now (no writes in the window, or no series), so no member has a score: use \
                 --without to leave out an idle metric"
            )),
            _ => Some(format!(
                "{url} has no series of {names} now, so no member has a score: name its series in --queries DIR or with \
                 --selector, or use --without"
            )),
        }
    }
}
