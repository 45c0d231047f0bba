//! The note about caps that could not be looked at.

use std::collections::BTreeMap;

use crate::commands::progress::Reporter;
use crate::history::DayMeta;
use crate::score::ScoreTable;
use crate::spec::Companion;
use crate::time::UtcDay;

/// Notes which caps of the profile need readings that days of the history lack: they do not apply there, and must not pass
/// for caps that were looked at. Days without a limit that bands need have no score anyway.
pub(in crate::commands) fn note_caps(table: &ScoreTable, metas: &[(UtcDay, DayMeta)], reporter: &Reporter) {
    let mut by_days: BTreeMap<Vec<UtcDay>, Vec<Companion>> = BTreeMap::new();
    for column in table.companions().into_iter().filter(|column| !table.limits().any(|limit| limit == *column)) {
        let lacks = |meta: &DayMeta| meta.known.get(column.name()).is_none_or(|readings| *readings == 0);
        let days: Vec<UtcDay> = metas.iter().filter(|(_, meta)| lacks(meta)).map(|(day, _)| *day).collect();
        by_days.entry(days).or_default().push(column);
    }
    for (days, columns) in by_days.into_iter().filter(|(days, _)| !days.is_empty()) {
        let when = if days.len() == metas.len() { String::new() } else { format!(" on {}", UtcDay::describe(&days)) };
        reporter.note(&note(table, &columns, &when));
    }
}

fn note(table: &ScoreTable, columns: &[Companion], when: &str) -> String {
    let needs = |column: Companion| columns.contains(&column);
    let caps = table.caps().iter().filter(|(metric, cap)| cap.columns(*metric).any(needs));
    let caps: Vec<String> = caps.map(|(metric, cap)| format!("{metric} {}:{}", cap.condition, cap.score())).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    let advice =
        if columns.iter().any(|column| column.is_evidence()) { ": pull them with --evidence auto" } else { "" };
    format!(
        "without readings of {}{when}, these caps were not applied: {}{advice}",
        names.join(" and "),
        caps.join(", ")
    )
}
