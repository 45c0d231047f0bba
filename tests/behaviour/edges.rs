//! The rules of findings at their limits: `tests/oracle/edges.py` makes histories with a case just inside and just
//! outside of each threshold, and computes by itself what must be found in them.

use crate::support::{BINARY, Folder, oracle};

/// Runs the cases of a group.
#[track_caller]
fn hold(group: &str) {
    let folder = Folder::new("edges");
    oracle("edges.py", &[BINARY, &folder.at(""), group]);
}

#[test]
fn incidents_begin_and_end_at_their_limits() {
    hold("incidents");
}

#[test]
fn absences_are_reported_from_one_step_on_and_departures_from_ten_minutes_on() {
    hold("absences");
    hold("departures");
}

#[test]
fn leader_changes_have_the_causes_within_ten_minutes_of_them() {
    hold("leader_changes");
    hold("elections");
}

#[test]
fn storms_have_more_than_five_leader_changes_within_two_hours_of_each_other() {
    hold("storms");
}

#[test]
fn recurrences_are_significant_at_one_percent_and_bad_half_of_the_time() {
    hold("recurrences");
}

#[test]
fn defragmentations_free_five_percent_without_a_restart_or_are_counted_by_etcd() {
    hold("defragmentations");
}

#[test]
fn fragmented_databases_are_less_than_half_in_use_for_ten_minutes_at_the_end() {
    hold("fragmentation");
}

#[test]
fn even_sizes_last_a_day_or_an_hour_at_the_end_and_learners_do_not_count() {
    hold("cluster_sizes");
}

#[test]
fn two_leaders_are_reported_from_two_steps_on_and_not_in_the_look_back() {
    hold("leaders");
}

#[test]
fn growth_is_reported_within_a_year_from_a_week_of_days_whose_slope_is_surely_above_zero() {
    hold("growth");
}

#[test]
fn maintenance_windows_are_scored_for_99_percent_and_may_wrap() {
    hold("maintenance");
}
