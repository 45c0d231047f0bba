//! Tests of the whole program against real servers. Its output is compared, value for value, with the data of a
//! Prometheus and with an independent computation in Python (`tests/oracle`).
//!
//! `./test` installs what these tests need; a test fails with the name of what is missing.

mod access;
mod bad_input;
mod check;
mod companions;
mod compare;
mod config;
mod deploy;
mod diff;
mod docs;
mod emit;
mod engines;
mod explain;
mod fail_below;
mod faults;
mod figures;
mod findings;
mod gaps;
mod generated;
mod grafana;
mod import;
mod import_victoria_metrics;
mod interruption;
mod killed;
mod lint;
mod live;
mod local_time;
mod log;
mod look_ups;
mod manifest;
mod mutations;
mod notebook;
mod old_history;
mod packaged;
mod picture;
mod power_failure;
mod presets;
mod recorded;
mod report;
mod requests;
mod rollup;
mod sample;
mod series;
mod snapshots;
mod spreadsheet;
mod stages;
mod standard_output;
mod stopped;
mod support;
mod systemd;
mod textfile;
mod unknown;
mod victoria_metrics;
mod whole_road;
