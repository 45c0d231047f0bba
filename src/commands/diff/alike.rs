//! Checks that two folders were scored with the same settings, so that their scores can be compared.

use super::{DiffError, Scored};
use crate::folder::Manifest;
use crate::spec::{Metric, Profile};
use crate::text::terminal::terminal_label;

/// Returns an error if profile, rollup, time zone or width of cells differ, with both values and a command that
/// scores one folder with the settings of the other.
pub(super) fn check_alike(before: &Scored<'_>, after: &Scored<'_>) -> Result<(), DiffError> {
    let (mut differs, mut flags) = (Vec::new(), Vec::new());
    if !same_rules(&before.manifest, &after.manifest) {
        let name = |manifest: &Manifest| manifest.profile.as_ref().map_or("unknown", |p| p.name.as_str()).to_owned();
        differs.push(format!("profile {} and {}", name(&before.manifest), name(&after.manifest)));
        flags.push(profile_flags(&before.manifest));
    }
    let settings = [
        ("rollup", "rollup", before.folding.rollup.to_string(), after.folding.rollup.to_string()),
        ("time zone", "time-zone", before.folding.zone.to_string(), after.folding.zone.to_string()),
        ("cells of", "cell", before.folding.width.to_string(), after.folding.width.to_string()),
    ];
    for (what, flag, of_before, of_after) in settings.into_iter().filter(|(_, _, b, a)| b != a) {
        differs.push(format!("{what} {of_before} and {of_after}"));
        flags.push(format!("--{flag} {of_before}"));
    }
    if differs.is_empty() {
        return Ok(());
    }
    let shown = |scored: &Scored<'_>| terminal_label(&scored.folder.display().to_string());
    let remedy = format!("score one again, such as: etcd-heatmap score {} {}", shown(after), flags.join(" "));
    Err(DiffError::NotAlike { before: shown(before), after: shown(after), differs: differs.join(", "), remedy })
}

fn same_rules(before: &Manifest, after: &Manifest) -> bool {
    match (before.profile(), after.profile()) {
        (Some(before), Some(after)) => judges_alike(&before, &after),
        _ => false,
    }
}

/// Whether two profiles give the same scores. Compares weights as shares of the score, because two
/// profiles may use different units.
fn judges_alike(a: &Profile, b: &Profile) -> bool {
    let same = |metric| {
        let of_limit = |profile: &Profile| profile.limit(metric);
        (a.share(metric) - b.share(metric)).abs() < 1e-9
            && (!a.counts(metric)
                || (a.rule(metric).bands == b.rule(metric).bands
                    && a.rule(metric).caps == b.rule(metric).caps
                    && of_limit(a) == of_limit(b)))
    };
    Metric::ALL.into_iter().all(same)
}

/// The flags that make `score` use the profile of a manifest. Changed weights and bands are not listed as flags;
/// instead, the text refers to the manifest.
fn profile_flags(manifest: &Manifest) -> String {
    let Some(written) = &manifest.profile else { return String::new() };
    let without = written.left_out.iter().map(|metric| format!(" --without {metric}")).collect::<String>();
    let base = written.name.split(' ').next().unwrap_or_default();
    let named = Profile::named(base).ok().and_then(|profile| {
        let left_out: Vec<Metric> = written.left_out.iter().filter_map(|name| name.parse().ok()).collect();
        profile.without(&left_out).ok()
    });
    match (named, manifest.profile()) {
        (Some(named), Some(used)) if judges_alike(&named, &used) => format!("--profile {base}{without}"),
        _ => format!("--profile {base}{without} --weight … --band … (values in the other manifest.json)"),
    }
}

/// Notes on differences that do not prevent a comparison but may explain its result.
pub(super) fn notes(before: &Scored<'_>, after: &Scored<'_>) -> Vec<String> {
    let (b, a) = (&before.manifest, &after.manifest);
    let mut notes = Vec::new();
    if b.asked.step_seconds != a.asked.step_seconds {
        let steps = (b.asked.step_seconds, a.asked.step_seconds);
        notes.push(format!(
            "the steps differ ({} s before, {} s after): a longer step misses short incidents",
            steps.0, steps.1
        ));
    }
    let asked = |manifest: &Manifest| serde_json::json!(manifest.queries);
    if asked(b) != asked(a) {
        notes.push("the queries differ: compare \"queries\" in the two manifest.json files".to_owned());
    }
    let start = |scored: &Scored<'_>| scored.lines.iter().filter_map(|l| Some(l.cells.first()?.start_ms)).min();
    let end = |scored: &Scored<'_>| scored.lines.iter().filter_map(|l| Some(l.cells.last()?.start_ms)).max();
    if start(after) < start(before) {
        notes.push("AFTER begins earlier than BEFORE: check the order of the two folders".to_owned());
    }
    if start(after) <= end(before) && start(before) <= end(after) {
        notes.push("the two ranges overlap: cells in both reduce the difference".to_owned());
    }
    notes
}
