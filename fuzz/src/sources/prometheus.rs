//! The parsers of `src/sources/prometheus`, without the code that sends requests.

#[path = "../../../src/sources/prometheus/access/mod.rs"]
mod access;
#[path = "../../../src/sources/prometheus/error.rs"]
mod error;
#[path = "../../../src/sources/prometheus/matrix.rs"]
mod matrix;
#[path = "../../../src/sources/prometheus/null.rs"]
mod null;

use std::path::Path;

pub use access::{AccessError, HttpConfig, PlainHeaders};
pub use error::PromError;

use crate::time::Grid;

const USER_AGENT: &str = "etcd-heatmap-fuzz";

/// A decoded answer.
#[derive(Debug)]
pub struct Decoded {
    /// The envelope in its `Debug` form.
    pub envelope: String,
    /// The number of samples that the decoder counted.
    pub samples: u64,
    /// Labels, and values on the grid, in the order of the answer.
    pub series: Vec<(Vec<(String, String)>, Vec<f64>)>,
}

/// Decodes the body of an answer to a range query.
pub fn decode_matrix(body: &[u8], grid: &Grid) -> Result<Decoded, String> {
    let mut series = Vec::new();
    let mut take = |labels: &matrix::SeriesLabels, values: &[f64]| {
        let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        series.push((labels, values.to_vec()));
    };
    let envelope = matrix::decode_matrix(body, grid, &mut take).map_err(|e| e.to_string())?;
    Ok(Decoded { samples: envelope.samples, envelope: format!("{envelope:?}"), series })
}

/// Parses the text of a `--http.config.file`.
pub fn parse_http_config(path: &Path, text: &str) -> Result<HttpConfig, AccessError> {
    HttpConfig::parse(path, text)
}
