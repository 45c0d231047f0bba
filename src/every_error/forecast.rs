//! Samples of the errors of models of forecasts.

use super::{Samples, samples_of};
use crate::analysis::forecast::leads::{HORIZON_MS, Leads};
use crate::analysis::forecast::model::Unfit;
use crate::analysis::forecast::models::{LoadError, Network};

pub(super) fn samples() -> Vec<Samples> {
    vec![samples_of(vec![Unfit("2d of history; it needs 5days".to_owned())]), samples_of(networks())]
}

fn networks() -> Vec<LoadError> {
    let leads = Leads::up_to(HORIZON_MS, 300_000);
    vec![
        Network::from_bytes(b"no network", "wal_fsync", &leads).expect_err("ten bytes are no safetensors file"),
        LoadError::Foreign("it lacks the key etcd-heatmap".to_owned()),
        LoadError::Version { found: 2 },
        LoadError::Metric { found: "backend_commit".to_owned(), wanted: "wal_fsync".to_owned() },
        LoadError::Step { found_ms: 300_000, wanted_ms: 3_600_000 },
        LoadError::Horizon { found_ms: 21_600_000, wanted_ms: 86_400_000 },
    ]
}
