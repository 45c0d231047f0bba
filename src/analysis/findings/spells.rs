//! What else was true while a disk was slow: clients sent far more than usual, or the database was defragmented.

use super::signs::BUSY_TIMES;
use super::spans::{both, length, union};
use super::tracks::MemberTrack;
use super::{Collector, Evidence, Finding, told};
use crate::time::TimeRange;

/// More requests explain a slow disk if they last for at least this share of its time.
const BUSY_SHARE: f64 = 0.5;
/// A defragmentation shows in rates and percentiles for so long afterwards.
const SHOWS_MS: i64 = 5 * 60_000;

/// Adds what was true of the members while their disks were slow, to the sentence and to the evidence.
pub(super) fn tell(of: &Collector<'_>, members: &[&MemberTrack], slow: &[TimeRange], finding: &mut Finding) {
    let busy = union(members.iter().flat_map(|member| member.shows(|signs| signs.is_busy)));
    let busy_ms = length(&both(&busy, slow));
    if busy_ms > 0 && busy_ms as f64 >= BUSY_SHARE * length(slow) as f64 {
        let lasted = told::duration(busy_ms);
        finding.says += &format!("; clients sent more than {BUSY_TIMES} times as much as usual for {lasted} of it");
        finding.tell("clients_sent_more_for", Evidence::Duration(busy_ms));
    }
    let defragmented = |member: &&&MemberTrack| {
        let shows = |one: TimeRange| TimeRange { end_ms: one.end_ms + SHOWS_MS, ..one };
        let ranges = member.defragmented(of.rate_window_ms).into_iter().map(|one| shows(one.range()));
        !both(&union(ranges), slow).is_empty()
    };
    let names: Vec<String> = members.iter().filter(defragmented).map(|member| member.name()).collect();
    if !names.is_empty() {
        finding.says += &format!("; the database of {} was defragmented meanwhile", names.join(", "));
        finding.tell("defragmented", names.join(", "));
    }
}
