//! The only room with a network: queries, HTTP, decoding, and pulling days of readings.

mod access;
mod answer;
mod client;
mod direct;
mod error;
mod failure;
mod import;
mod instant;
mod matrix;
mod notes;
mod pace;
mod preset;
mod probe;
mod pull;
mod query;
mod question;
mod retry;
mod server;
mod slices;
mod survey;
mod terms;
mod traffic;
mod transport;
mod windows;

pub use access::{AccessError, HttpConfig, PlainHeaders};
pub use client::Client;
pub(crate) use client::shown_url;
pub use error::PromError;
pub use import::ExportedSeries;
pub use instant::read_instant;
pub use preset::{PRESETS, Preset};
pub use probe::{SeriesForm, Wanted, choose_queries};
pub use pull::{PullPlan, PulledDay, pull_days};
pub use query::{QueryError, QuerySet};
pub use server::{ServerInfo, identify};
pub use survey::{Sighting, elsewhere, jobs, sight};
pub use terms::Terms;
pub use traffic::{Received, Traffic};

/// How we introduce ourselves.
const USER_AGENT: &str = concat!("etcd-heatmap/", env!("CARGO_PKG_VERSION"));
