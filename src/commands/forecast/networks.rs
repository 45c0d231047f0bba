//! The LSTM of each metric: trained on the first half of the panel, or loaded from files.

use std::path::Path;

use super::super::{CommandError, Writing};
use crate::analysis::forecast::forecaster::{Plan, forecast_metrics};
use crate::analysis::forecast::leads::{HORIZON_MS, Leads};
use crate::analysis::forecast::member_metric::Trained;
use crate::analysis::forecast::model::Model;
use crate::analysis::forecast::models::{LSTM, Lstm, ModelChoice, Network};
use crate::analysis::forecast::panel::Panel;
use crate::analysis::forecast::series::{Past, Scale, Series};
use crate::cli::ForecastArgs;
use crate::files::{FileError, WholeFile};
use crate::spec::Metric;
use crate::time::DAY_MS;

/// The share of the panel that a network is trained on: the rest shows how good it is.
const TRAINING_SHARE: f64 = 0.5;
/// The seed of all networks: the same history gives the same network.
const SEED: u64 = 1;

/// A network for each metric that has one.
pub(super) struct Networks(Vec<(Metric, Network, usize)>);

impl Networks {
    /// Loads or trains what the flags ask for. A metric with too little history for a network has none, with a note, unless only
    /// networks are to forecast.
    pub(super) fn for_run(
        args: &ForecastArgs,
        panel: &Panel,
        plan: &Plan<'_>,
        run: &Writing,
    ) -> Result<Self, CommandError> {
        let is_wanted = args.backtest || args.load.is_some() || *plan.choice == ModelChoice::Named(LSTM.to_owned());
        let mut networks = Vec::new();
        for metric in forecast_metrics(plan).filter(|_| is_wanted) {
            let leads = Leads::up_to(HORIZON_MS, panel.slot_ms);
            let found = match &args.load {
                Some(folder) => Some(load(folder, metric, &leads)?),
                None => train(panel, plan, metric, leads, run),
            };
            let Some(network) = found else { continue };
            if let Some(folder) = &args.save {
                save(folder, metric, &network)?;
            }
            let after = network.trained_ms().1 + panel.slot_ms + DAY_MS - panel.start_ms;
            let from = usize::try_from(after.div_euclid(panel.slot_ms)).unwrap_or(0);
            networks.push((metric, network, from));
        }
        Ok(Self(networks))
    }

    /// The network of a metric, if it has one.
    pub(super) fn of(&self, metric: Metric) -> Vec<Trained<'_>> {
        let own = self.0.iter().filter(|(known, ..)| *known == metric);
        own.map(|(_, network, from)| Trained { name: LSTM, fitted: network, from: *from }).collect()
    }
}

fn train(panel: &Panel, plan: &Plan<'_>, metric: Metric, leads: Leads, run: &Writing) -> Option<Network> {
    let scale = Scale::of_metric(metric);
    let of = |readings: &[f64]| Series {
        start_ms: panel.start_ms,
        step_ms: panel.slot_ms,
        values: readings.iter().map(|reading| scale.value(*reading)).collect(),
        zone: plan.zone,
    };
    let series: Vec<Series> = panel.members.iter().map(|member| of(member.readings(metric))).collect();
    let end = (panel.len as f64 * TRAINING_SHARE) as usize;
    let pasts: Vec<Past<'_>> = series.iter().map(|series| series.until(end)).collect();
    let model = Lstm { metric: metric.name().to_owned(), leads, seed: SEED };
    let progress = run.reporter.start("training", "networks", 1);
    let trained = model.train(&pasts);
    progress.clear();
    match trained {
        Ok(network) => Some(network),
        Err(reason) => {
            run.reporter.note(&format!("no {} of {metric}: {reason}", model.name()));
            None
        }
    }
}

fn file(folder: &Path, metric: Metric) -> std::path::PathBuf {
    folder.join(format!("{LSTM}-{metric}.safetensors"))
}

fn load(folder: &Path, metric: Metric, leads: &Leads) -> Result<Network, CommandError> {
    let path = file(folder, metric);
    let bytes = std::fs::read(&path).map_err(|e| FileError::new("read", &path, e))?;
    Network::from_bytes(&bytes, metric.name(), leads)
        .map_err(|reason| CommandError::Network { path, reason: reason.to_string() })
}

fn save(folder: &Path, metric: Metric, network: &Network) -> Result<(), CommandError> {
    let path = file(folder, metric);
    std::fs::create_dir_all(folder).map_err(|e| FileError::new("create", folder, e))?;
    let bytes = network
        .to_bytes()
        .map_err(|reason| CommandError::Network { path: path.clone(), reason: reason.to_string() })?;
    WholeFile::write(&path, &bytes)?;
    Ok(())
}
