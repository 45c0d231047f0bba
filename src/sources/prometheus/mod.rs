//! Reads from and imports into Prometheus-compatible servers: builds queries, sends them over HTTP, and decodes the
//! answers into readings. All network access is here; scoring and storage are not.

#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
mod access;
mod answer;
mod client;
mod dialect;
mod direct;
mod echo;
mod elsewhere;
#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
mod error;
mod evidence;
mod extent;
mod failure;
mod identity;
mod import;
mod instant;
mod labels;
mod limits;
mod matrix;
mod notes;
mod null;
mod pace;
mod places;
mod presence;
mod preset;
mod probe;
mod pull;
mod query;
mod question;
mod read_mode;
mod refusal;
mod remote_read;
mod retry;
mod samples;
mod scrapes;
mod server;
mod slices;
mod survey;
mod terms;
mod traffic;
mod transport;
mod windows;

#[cfg(test)]
pub(crate) use access::ProgramError;
pub(crate) use access::{AccessError, HttpConfig, PlainHeaders};
pub(crate) use client::Client;
pub(crate) use client::shown_url;
pub(crate) use dialect::{HttpMethod, ServerKind};
pub(crate) use elsewhere::{elsewhere, jobs};
pub(crate) use error::PromError;
pub(crate) use evidence::EvidenceMode;
pub(crate) use extent::days_left_out;
pub(crate) use identity::{forms_by_setting, forms_of, verify_members};
pub(crate) use instant::read_instant;
pub(crate) use labels::{in_promql, label_names, quoted};
pub(crate) use places::places;
pub(crate) use preset::Preset;
pub(crate) use probe::{Choice, SeriesForm, Thoroughness, Wanted, choose_queries};
pub(crate) use pull::{PrometheusSource, notes};
pub(crate) use query::{QueryError, QuerySet, RATE_WINDOW};
pub(crate) use read_mode::ReadMode;
pub(crate) use remote_read::RemoteReader;
pub(crate) use scrapes::ScrapeDistance;
pub(crate) use server::{ServerInfo, identify};
pub(crate) use slices::leave_out_clusters;
pub(crate) use survey::{Seen, Sighting, nothing_happened, scrape_advice, sight};
pub(crate) use terms::Terms;
pub(crate) use traffic::{Received, Traffic};

const USER_AGENT: &str = concat!("etcd-heatmap/", env!("CARGO_PKG_VERSION"));
