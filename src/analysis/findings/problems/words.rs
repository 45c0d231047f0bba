//! A problem in words, for every output: what, when, how bad, what next.

use super::super::told::{duration, reading};
use super::{Problem, Shape};
use crate::spec::percent;
use crate::text::count;
use crate::text::rounding::{loss_short, percent_short, score_short};
use crate::time::{Zone, format_instant};

/// Members that a heading names; the others are counted.
const NAMED: usize = 3;

impl Problem {
    /// What is wrong, and where: `slow disk on 10.0.1.1:2379`.
    pub(crate) fn title(&self) -> String {
        if let Some(source) = &self.source {
            return format!("{}: {source}", self.cause.title());
        }
        let members = self.members.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match self.members.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {}", count(more, "more member")),
        };
        match self.members.is_empty() {
            true => self.cause.title().to_owned(),
            false => format!("{}{}{members}{more}", self.cause.title(), self.cause.joins_members()),
        }
    }

    /// When it happened: `daily 02:00 to 04:00 UTC since 2026-03-02, 29 times, 58 h in all`.
    pub(crate) fn when(&self, zone: Zone) -> String {
        let (low, times) = (duration(self.low_ms), count(self.occurrences, "time"));
        let (first, last) = (zone.in_words(self.first_ms()), zone.in_words(self.last_ms()));
        let date = |text: &str| text.chars().take("2026-03-02".len()).collect::<String>();
        let dates = match self.is_open {
            true => format!("since {}", date(&first)),
            false if date(&first) == date(&last) => format!("on {}", date(&first)),
            false => format!("from {} to {}", date(&first), date(&last)),
        };
        match &self.shape {
            Shape::Once => {
                let span = duration(self.last_ms() - self.first_ms());
                let within = if span == low { low } else { format!("{low} within {span}") };
                match self.is_open {
                    true => format!("since {first}, to the end of the history ({within})"),
                    false => format!("from {first} to {last} ({within})"),
                }
            }
            Shape::Repeated => format!("{times} {dates}, {low} in all"),
            Shape::Scheduled(words) => format!("{words} {dates}, {times}, {low} in all"),
            Shape::Constant => format!("most of the time {dates}, {low} in all"),
            Shape::Scattered => format!("{} {dates}, {low} in all", count(self.occurrences, "short dip")),
        }
    }

    /// What it cost: `13.2 points × h lost (49 % of c01's), lowest score 5`; for absent members what was left of them.
    pub(crate) fn impact_text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(staffing) = self.staffing {
            let worst = if self.occurrences > 1 { "at worst " } else { "" };
            parts.push(format!("{worst}{} of {} left", staffing.left, count(staffing.expected, "member")));
            parts.push(staffing.margin_while_down());
        }
        if let Some(share) = self.share.filter(|_| self.lost > 0.0) {
            let lost = loss_short(self.lost);
            parts.push(format!("{lost} points × h lost ({} % of the cluster's loss)", percent_short(share)));
        }
        if self.unknown_ms > 0 {
            parts.push(format!("{} without a score", duration(self.unknown_ms)));
        }
        parts.extend(
            self.lowest.filter(|_| self.lost > 0.0).map(|score| format!("lowest score {}", score_short(score))),
        );
        parts.join(", ")
    }

    /// The worst reading with its threshold: `WAL fsync p99 up to 38.3 ms on 10.0.1.1:2379 (threshold 10 ms)`. Of databases at
    /// their quota, how full they were and what makes room.
    pub(crate) fn reading_text(&self) -> Option<String> {
        let Some(worst) = self.worst.as_ref() else { return self.fullness.clone() };
        let share = worst.limit.filter(|limit| *limit > 0.0).map(|limit| worst.value / limit);
        let share = share.map_or_else(String::new, |share| {
            let limit = worst.metric.limit().map_or("limit", |limit| limit.name());
            format!(", {} of its {limit}", percent((share * 1000.0).ceil() / 1000.0))
        });
        let threshold = self.threshold.as_ref().map_or_else(String::new, |text| format!(" (threshold {text})"));
        let value = reading(worst.metric, worst.value);
        Some(format!("{} up to {value}{share} on {}{threshold}", worst.metric.title(), worst.member))
    }

    /// What people noted near its incidents: `"etcd upgrade" (2026-10-01 at 12:00), at 2 of 3 incidents`.
    pub(crate) fn noted_text(&self, zone: Zone) -> Option<String> {
        Some(self.noted.as_ref()?.in_words(self.occurrences, zone))
    }

    /// What to do next, and etcd's documentation page about it.
    pub(crate) fn next_step(&self) -> String {
        let advice = self.cause.advice();
        match advice.page {
            "" => advice.sentence.to_owned(),
            page => format!("{} See \"{page}\" in etcd's documentation.", advice.sentence),
        }
    }

    /// The command that shows the worst moment of the problem, for a scored folder.
    pub(crate) fn explain_command(&self, folder: &str) -> String {
        let at_ms = self.worst.as_ref().map_or(self.first_ms(), |worst| worst.at_ms);
        let (folder, cluster) = (quoted(folder), quoted(&self.cluster));
        format!("etcd-heatmap explain {folder} --cluster {cluster} --at {}", format_instant(at_ms))
    }
}

/// An argument as a shell takes it: quoted unless it is plain.
fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/:-@%+=".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) && !argument.starts_with('-') {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        assert_eq!(quoted("c01"), "c01");
        assert_eq!(quoted("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(quoted("-x"), "'-x'");
    }
}
