//! Shared helpers of the tests: real servers, proxies with faults, hand-made histories, and calls of `tests/oracle`.

mod answering;
mod asked;
mod authority;
mod background;
mod block_folder;
mod cases;
mod connections;
mod doorman;
mod etcd;
mod fault;
mod faults;
mod folder;
mod gate;
mod heatmap;
mod history;
mod http;
mod isolated;
mod metrics;
mod port;
mod program;
mod promtool;
mod recorded;
mod s3;
mod s3_door;
mod server;
mod simulated;
mod victoria_metrics;

pub(crate) use answering::Answering;
pub(crate) use asked::Asked;
pub(crate) use authority::Authority;
pub(crate) use background::Background;
pub(crate) use block_folder::{as_long_as, copy_blocks, days_of};
pub(crate) use cases::{behind, case, case_text, native_histograms};
pub(crate) use connections::each_connection;
pub(crate) use doorman::{Doorman, answer};
pub(crate) use etcd::{etcd_cluster, etcd_programs, holds, now, put, started};
pub(crate) use fault::Fault;
pub(crate) use faults::Faults;
pub(crate) use folder::{Folder, Tree, assert_empty, assert_same};
pub(crate) use gate::{Gate, read_request};
pub(crate) use heatmap::{Cell, cells};
pub(crate) use history::{
    History, agrees_with_the_oracle, autumn, bad_and_healthy, mix, sample_is_scored_exactly, spring,
};
pub(crate) use http::request;
pub(crate) use isolated::isolated;
pub(crate) use metrics::{METRICS, Metrics, escaped};
pub(crate) use port::free_port;
pub(crate) use program::{
    BINARY, Run, etcd_heatmap, etcd_heatmap_command, example, needed, oracle, oracle_run, python,
};
pub(crate) use promtool::{Blocks, Counts, blocks_of};
pub(crate) use recorded::Recorded;
pub(crate) use s3::S3;
pub(crate) use s3_door::{S3Door, s3_error};
pub(crate) use server::{Prometheus, Server, guarded_prometheus_of, import, prometheus_of, prometheus_with, until};
pub(crate) use simulated::{Simulated, simulated};
pub(crate) use victoria_metrics::VictoriaMetrics;

/// 2026-10-01T00:00:00Z, the start of most histories in these tests: midnight UTC, in the past.
pub(crate) const START: i64 = 1_790_812_800;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;
