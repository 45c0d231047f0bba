//! Settings, members and range of a folder, as the manifest gives them back.

use super::{Manifest, ManifestMember};
use crate::heatmap::Folding;
use crate::readings::{Life, Lives, Member, Shard, Votes};
use crate::spec::{METRICS, Metric, Profile, Rule};
use crate::time::{Step, TimeRange, UtcDay, parse_instant};

impl Manifest {
    /// The step, and the range from the first requested step to the end of the last requested day with a file; `None`
    /// if the step or a time is invalid.
    pub(crate) fn grid(&self) -> Option<(Step, TimeRange)> {
        let step = Step::from_millis(self.asked.step_seconds.checked_mul(1000)?).ok()?;
        let start_ms = parse_instant(&self.asked.start, 0).ok()?;
        let mut end_ms = parse_instant(&self.asked.end, 0).ok()?;
        for missing in self.days_missing.iter().rev().filter_map(|day| day.parse::<UtcDay>().ok()) {
            if UtcDay::of(end_ms - 1) == missing {
                end_ms = missing.start_ms();
            }
        }
        Some((step, TimeRange { start_ms, end_ms: end_ms.max(start_ms) }))
    }

    /// When each member was first and last seen; a member with an invalid time is left out.
    pub(crate) fn lives(&self) -> Lives {
        let mut lives = Lives::default();
        for member in &self.members {
            let ends = (parse_instant(&member.first, 0), parse_instant(&member.last, 0));
            if let (Ok(first_ms), Ok(last_ms)) = ends {
                lives.add(Member::new(&member.cluster, &member.member), Life { first_ms, last_ms });
            }
        }
        lives
    }

    /// The share of the clusters that was pulled; `None` if all were, or the text is not a shard.
    pub(crate) fn shard(&self) -> Option<Shard> {
        self.shard.as_ref()?.parse().ok()
    }

    /// The days that each of several sources lacks, in words.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = (&str, String)> {
        self.days_lacking.iter().map(|(name, days)| {
            let days: Vec<UtcDay> = days.iter().filter_map(|day| day.parse().ok()).collect();
            (name.as_str(), UtcDay::describe(&days))
        })
    }

    /// Which members began as learners, and since when they vote.
    pub(crate) fn votes(&self) -> Votes {
        let learners = self.members.iter().filter_map(|member| Some((member, member.votes_from.as_deref()?)));
        let vote = |(member, from): (&ManifestMember, &str)| {
            (Member::new(&member.cluster, &member.member), parse_instant(from, 0).ok())
        };
        Votes::of(learners.map(vote))
    }

    /// The profile of the scores; `None` if the folder was not scored or the rules in the manifest are invalid.
    pub(crate) fn profile(&self) -> Option<Profile> {
        let written = self.profile.as_ref()?;
        let mut rules: [Rule; METRICS] = Default::default();
        for metric in Metric::ALL {
            // The version that wrote the manifest did not have this metric, so the metric had no weight.
            let Some(rule) = written.rules.get(metric.name()) else { continue };
            rules[metric.index()] = rule.rule();
        }
        Profile::of_rules(&written.name, &written.source, rules)
    }

    /// The settings of cells and cluster scores; `None` if the folder was not scored or a setting
    /// in the manifest is invalid.
    pub(crate) fn folding(&self) -> Option<Folding> {
        Some(Folding {
            zone: self.time_zone.as_ref()?.parse().ok()?,
            width: self.cell.as_ref()?.parse().ok()?,
            rollup: self.rollup.as_ref()?.parse().ok()?,
        })
    }
}
