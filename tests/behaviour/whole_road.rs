//! From a Prometheus's history to files that a second Prometheus imports.

use std::path::Path;

use crate::support::{Asked, DAY, Folder, Prometheus, START, Simulated, import, oracle, simulated};

#[test]
fn scores_of_a_prometheus_are_imported_exactly_into_a_second_one() {
    let first = simulated();
    let folder = Folder::new("whole-road");
    Asked::all(&first.prometheus, START, Simulated::END).is_answered_exactly(&folder);

    imports_exactly(&folder);
}

/// Every emitted file goes through promtool as the README says, and the samples come out as the scores went in.
#[track_caller]
pub(crate) fn imports_exactly(folder: &Folder) {
    let fresh = Folder::new("second-prometheus");
    for name in folder.tree("audit/openmetrics").keys() {
        import(Path::new(&folder.at(&format!("audit/openmetrics/{name}"))), &fresh, &[]);
    }
    let second = Prometheus::start(fresh, |_| String::new());
    oracle("samples.py", &[&second.url(), &folder.at("audit")]);
}

#[test]
fn a_day_with_more_steps_than_the_server_allows_is_queried_in_parts() {
    let folder = Folder::new("many-steps");
    let prometheus = &simulated().prometheus;
    let one_cluster = Some(r#"cluster="c01""#);
    let day = Asked { step: 5, selector: one_cluster, ..Asked::all(prometheus, START + DAY, START + 2 * DAY) };
    assert!((day.end - day.start) / day.step > 11_000, "Prometheus answers 11,000 steps and no more");
    day.is_answered_exactly(&folder);
}

#[test]
fn a_step_that_does_not_divide_a_day_keeps_its_grid_across_midnight() {
    let folder = Folder::new("seven-seconds");
    // Neither end is a multiple of 7 seconds, and midnight is none either.
    let around_midnight =
        Asked { step: 7, ..Asked::all(&simulated().prometheus, START + DAY - 3600, START + DAY + 3601) };
    around_midnight.is_answered_exactly(&folder);
}
