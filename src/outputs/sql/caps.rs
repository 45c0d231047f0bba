//! The parts of the script for a profile with caps. Without caps they are empty, and the script is that of the bands alone.

use super::super::shared::figures::{Figures, number};
use super::{Dialect, idle_columns, share, short, wrapped};
use crate::spec::{Cap, Companion, Condition, METRICS, Metric, Profile};

/// The caps of a profile, the lowest first.
pub(super) struct CapsSql {
    list: Vec<(Metric, Cap)>,
    /// The highest score of each, in units of [`Figures::point`].
    most: Vec<u64>,
    flags: Vec<Companion>,
}

impl CapsSql {
    pub(super) fn of(profile: &Profile, figures: &Figures) -> Self {
        let list = profile.caps();
        let most = list.iter().map(|(_, cap)| figures.points(cap.most)).collect();
        let columns = list.iter().flat_map(|(metric, cap)| cap.columns(*metric));
        let mut flags: Vec<Companion> = columns.filter(|column| column.is_evidence()).collect();
        flags.sort_unstable();
        flags.dedup();
        Self { list, most, flags }
    }

    /// What caps look at besides metrics and limits: whether a member leads or has a leader.
    pub(super) fn flags(&self) -> &[Companion] {
        &self.flags
    }

    /// The number of values of the digit: no cap, or each of them.
    pub(super) fn digits(&self) -> u64 {
        self.list.len() as u64 + 1
    }

    /// Expression for the place of the first cap that applies, counted from 1, times `stride`; else 0. `None` without caps.
    pub(super) fn digit(&self, stride: u64) -> Option<String> {
        let when = |(place, (metric, cap)): (u64, &(Metric, Cap))| {
            let kept = format!("NOT list_contains(getvariable('without'), '{metric}')");
            format!("WHEN {} AND {kept}\n           THEN {}", condition(*metric, cap), place * stride)
        };
        let cases: Vec<String> = (1..).zip(&self.list).map(when).collect();
        (!cases.is_empty()).then(|| format!("CASE {} ELSE 0 END", cases.join("\n           ")))
    }

    /// Columns of the cap that a band number stands for: its score, and the metric that it costs points.
    pub(super) fn columns(&self, dialect: Dialect, band: &str) -> [String; 2] {
        let place = format!("{band} % {}", self.digits());
        let most: Vec<String> = self.most.iter().map(u64::to_string).collect();
        let metrics: Vec<String> = self.list.iter().map(|(metric, _)| format!("'{metric}'")).collect();
        [(most, "cap"), (metrics, "cap_of")]
            .map(|(list, name)| format!("{} AS {name}", dialect.item(&format!("NULL, {}", list.join(", ")), &place)))
    }

    /// The column with the cap in the units of the score; `None` without caps.
    pub(super) fn most(&self) -> Option<String> {
        let weights = Metric::ALL.map(|metric| metric.to_string()).join(" + ");
        (!self.list.is_empty()).then(|| format!("cap * ({weights}) AS most"))
    }

    /// The queries that take from the losses what the cap takes, in place of [`Self::judged`] without caps.
    pub(super) fn capped(&self) -> String {
        if self.list.is_empty() {
            return String::new();
        }
        let known =
            Metric::ALL.map(|metric| format!("coalesce({}, 0)", metric.loss_column())).join("\n                - ");
        let all = Metric::ALL.map(Metric::loss_column).join(" - ");
        let losses: [String; METRICS] = Metric::ALL.map(|metric| {
            let loss = metric.loss_column();
            format!("if(most = 0, coalesce({loss}, 0), {loss}) + if(cap_of = '{metric}', taken, 0) AS {loss}")
        });
        let losses = losses.join(",\n           ");
        let kept = ["band".to_owned(), "after_restart".to_owned()].into_iter().chain(Metric::ALL.map(short));
        let kept = wrapped(kept.chain(idle_columns()).chain(["weight".to_owned()]), ", ", 11);
        format!(
            ",
capping AS (  -- what the cap takes; no score is below 0, so one of 0 takes all that the known readings leave
    SELECT *, CASE WHEN most = 0 THEN 10 * weight - {known}
                   ELSE greatest(10 * weight - {all} - most, 0) END AS taken
    FROM losses),
capped AS (  -- the cap costs its metric what it takes
    SELECT {kept},
           {losses}
    FROM capping)"
        )
    }

    /// The query whose losses make the score.
    pub(super) fn judged(&self) -> &'static str {
        if self.list.is_empty() { "losses" } else { "capped" }
    }

    /// Expression for the number of a cluster's members whose scores decide its own: those with a score, but all of them if
    /// one has a score of 0 in a profile with a cap of 0.
    pub(super) fn members_judged(&self) -> &'static str {
        match self.list.first() {
            Some((_, cap)) if cap.is_zero() => "if(min(units) = 0, count(band), count(units))",
            _ => "count(units)",
        }
    }
}

/// The condition of a cap, NULL if a reading that it needs is missing.
fn condition(metric: Metric, cap: &Cap) -> String {
    match cap.condition {
        Condition::NoLeader => format!("{} = 0", Companion::HasLeader),
        Condition::Above { threshold, of_limit, on_leader } => {
            let value = match metric.limit().filter(|_| of_limit) {
                Some(_) => share(metric),
                None => metric.to_string(),
            };
            let leads = if on_leader { format!(" AND {} = 1", Companion::IsLeader) } else { String::new() };
            format!("{value} > {}{leads}", number(threshold))
        }
    }
}
