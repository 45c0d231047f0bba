//! Probabilities, instants and lists of names, as pages and the text of a forecast show them.

use chrono::DateTime;

use crate::text::count;
use crate::text::terminal::terminal_label;
use crate::time::{DAY_MS, Zone};

/// Most names in a list.
const NAMES: usize = 10;

/// A probability or a share in whole percent, to the nearest: neither direction is the careful one. Only 0 and 1 are shown as
/// 0 % and 100 %.
pub(in crate::outputs) fn percent(share: f64) -> String {
    match share {
        _ if share <= 0.0 => "0 %".to_owned(),
        _ if share < 0.01 => "under 1 %".to_owned(),
        _ if share >= 1.0 => "100 %".to_owned(),
        _ if share > 0.99 => "over 99 %".to_owned(),
        _ => format!("{:.0} %", share * 100.0),
    }
}

/// Instants in local time, beside the origin of the forecast.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct Clock {
    pub(in crate::outputs) zone: Zone,
    pub(in crate::outputs) origin_ms: i64,
}

impl Clock {
    /// `Oct 7 14:00`.
    pub(in crate::outputs) fn instant(&self, ms: i64) -> String {
        self.local(ms, "%b %-d %H:%M")
    }

    /// `14:00`, with the day if it differs from that of `beside_ms`.
    pub(in crate::outputs) fn beside(&self, ms: i64, beside_ms: i64) -> String {
        let is_same = self.local(ms, "%F") == self.local(beside_ms, "%F");
        self.local(ms, if is_same { "%H:%M" } else { "%b %-d %H:%M" })
    }

    /// `Nov 2`, with the time if it is within two days of the origin: further ahead, no forecast is that exact.
    pub(in crate::outputs) fn date(&self, ms: i64) -> String {
        if ms - self.origin_ms < 2 * DAY_MS { self.instant(ms) } else { self.local(ms, "%b %-d") }
    }

    fn local(&self, ms: i64, format: &str) -> String {
        let local = DateTime::from_timestamp_millis(ms.saturating_add(self.zone.offset_ms(ms)));
        local.map_or_else(|| "an unknown time".to_owned(), |local| local.format(format).to_string())
    }
}

/// Names with commas; those after the first ten are counted.
pub(in crate::outputs) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = all.into_iter().map(terminal_label).collect();
    let shown = all.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Parts as a sentence has them: `a`, `a and b`, `a, b and c`.
pub(in crate::outputs) fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A count without a noun for 0: `None`.
pub(in crate::outputs) fn counted(n: usize, noun: &str) -> Option<String> {
    (n > 0).then(|| count(n, noun))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn only_never_and_always_are_0_and_100_percent() {
        for (share, text) in [
            (0.0, "0 %"),
            (1e-9, "under 1 %"),
            (0.009_9, "under 1 %"),
            (0.01, "1 %"),
            (0.614, "61 %"),
            (0.99, "99 %"),
            (0.990_1, "over 99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text, "{share}");
        }
    }

    #[test]
    fn instants_are_local_and_have_a_day_where_it_differs() {
        let clock = Clock { zone: "Europe/Berlin".parse().unwrap(), origin_ms: 1_791_374_400_000 };
        assert_eq!(clock.instant(1_791_374_400_000), "Oct 7 14:00");
        assert_eq!(clock.beside(1_791_378_000_000, 1_791_374_400_000), "15:00");
        // Midnight in Berlin is 22:00 in UTC.
        assert_eq!(clock.beside(1_791_410_400_000, 1_791_374_400_000), "Oct 8 00:00");
        assert_eq!(clock.date(1_791_374_400_000 + 2 * DAY_MS), "Oct 9");
        assert_eq!(clock.date(i64::MAX), "an unknown time");
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let all: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
        assert_eq!(names(all[..2].iter().map(String::as_str)), "c0, c1");
        assert!(names(all.iter().map(String::as_str)).ends_with("c9 and 2 more"));
        assert_eq!(and(&["a", "b", "c"].map(str::to_owned)), "a, b and c");
    }
}
