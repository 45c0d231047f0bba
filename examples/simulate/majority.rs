//! When a cluster has too few members for a leader.

use crate::cluster::Instance;
use crate::elections::Trigger;
use crate::timeline::Interval;

/// The times in which fewer than a majority of the members live, in order.
fn without(instances: &[Instance]) -> Vec<Interval> {
    let ends = |intervals: &[Interval]| intervals.iter().flat_map(|i| [i.start, i.end]).collect::<Vec<_>>();
    let mut changes: Vec<i64> = instances
        .iter()
        .flat_map(|instance| [ends(&instance.outages), ends(&instance.hangs), ends(&[instance.present])].concat())
        .collect();
    changes.sort_unstable();
    changes.dedup();
    let mut lacking: Vec<Interval> = Vec::new();
    for two in changes.windows(2) {
        let (start, end) = (two[0], two[1]);
        let members = instances.iter().filter(|instance| instance.present.contains(start)).count();
        let live = instances.iter().filter(|instance| instance.lives(start)).count();
        if members == 0 || live > members / 2 {
            continue;
        }
        match lacking.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => lacking.push(Interval { start, end }),
        }
    }
    lacking
}

/// The triggers, but no election without a majority: the first one is when it is back.
pub(crate) fn with_majority(instances: &[Instance], triggers: &[(i64, Trigger)], end: i64) -> Vec<(i64, Trigger)> {
    let without = without(instances);
    let inside = |at: i64| without.iter().any(|lacking| lacking.contains(at));
    let mut kept: Vec<_> = triggers.iter().copied().filter(|(at, _)| !inside(*at)).collect();
    // With one member only, there is nobody to elect; after the end, nobody sees it.
    let several = instances.len() > 1;
    let regained = without.iter().filter(|lacking| several && lacking.end < end);
    kept.extend(regained.map(|lacking| (lacking.end, Trigger::Regained(lacking.start))));
    kept.sort_by_key(|(at, _)| *at);
    kept
}
