//! A trained network as a safetensors file.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::Trained;
use super::network::{Weights, shapes};
use crate::analysis::forecast::leads::Leads;

/// The key in the metadata of the file. One key with JSON, because the format keeps several keys in no fixed order, and the
/// same network must give the same bytes.
const KEY: &str = "etcd-heatmap-lstm";
/// Raised when the network or its inputs change, so that older weights would be misread.
const VERSION: u32 = 1;

/// What the file says about its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct About {
    version: u32,
    metric: String,
    step_ms: i64,
    leads: Vec<usize>,
    floor: f64,
    trained_from_ms: i64,
    trained_until_ms: i64,
}

/// Why a saved network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// The file is a safetensors file of another program, or damaged.
    #[error("not a saved model of etcd-heatmap: {0}")]
    Foreign(String),
    /// The file is of another version of the network.
    #[error("saved by another version of etcd-heatmap (model version {found}; this one reads {VERSION}): train it again")]
    Version {
        /// The version of the file.
        found: u32,
    },
    /// The network was trained on another metric.
    #[error("trained on {found}, not on {wanted}")]
    Metric {
        /// The metric of the file.
        found: String,
        /// The metric to forecast.
        wanted: String,
    },
    /// The network was trained on values of another distance.
    #[error("trained on a step of {}, but the history has {}", seconds(*found_ms), seconds(*wanted_ms))]
    Step {
        /// The distance in the file, milliseconds.
        found_ms: i64,
        /// The distance in the history, milliseconds.
        wanted_ms: i64,
    },
    /// The network was trained for other leads.
    #[error("trained for a horizon of {}, not of {}", seconds(*found_ms), seconds(*wanted_ms))]
    Horizon {
        /// The longest lead in the file, milliseconds.
        found_ms: i64,
        /// The longest lead to forecast, milliseconds.
        wanted_ms: i64,
    },
}

fn seconds(ms: i64) -> humantime::FormattedDuration {
    humantime::format_duration(std::time::Duration::from_millis(ms.unsigned_abs()))
}

impl Trained {
    /// The network as the bytes of a safetensors file, with its scaling, training range, metric, step and leads in the metadata.
    /// The same network always gives the same bytes. Fails only if the metadata is too long for the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let about = serde_json::to_string(&self.about())?;
        let bytes = self.weights.all().map(|numbers| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
        let views = Weights::<()>::NAMES.into_iter().zip(shapes(self.leads.len())).zip(&bytes);
        let views = views.map(|((name, (rows, columns)), bytes)| {
            Ok((name, TensorView::new(Dtype::F32, vec![rows, columns], bytes)?))
        });
        let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        serialize(views, Some(HashMap::from([(KEY.to_owned(), about)])))
    }

    /// Reads what [`Self::to_bytes`] gave. Fails if the network is of another metric, step, or set of leads.
    pub fn from_bytes(bytes: &[u8], metric: &str, leads: &Leads) -> Result<Self, LoadError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let about = header.metadata().as_ref().and_then(|keys| keys.get(KEY));
        let about = about.ok_or_else(|| LoadError::Foreign(format!("no {KEY} in its metadata")))?;
        let about: About = serde_json::from_str(about).map_err(|error| LoadError::Foreign(error.to_string()))?;
        about.check(metric, leads)?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let read = |(name, (rows, columns)): (&str, (usize, usize))| -> Result<Vec<f32>, LoadError> {
            let tensor = tensors.tensor(name)?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != [rows, columns] {
                return Err(LoadError::Foreign(format!("{name} has another shape")));
            }
            let numbers = tensor.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            let numbers: Vec<f32> = numbers.collect();
            let finite = numbers.iter().all(|number| number.is_finite());
            finite.then_some(numbers).ok_or_else(|| LoadError::Foreign(format!("{name} has numbers that are not finite")))
        };
        let [gates, gates_bias, head, head_bias] = Weights::<()>::NAMES.map(|name| name);
        let [of_gates, of_gates_bias, of_head, of_head_bias] = shapes(leads.len());
        let weights = Weights {
            gates: read((gates, of_gates))?,
            gates_bias: read((gates_bias, of_gates_bias))?,
            head: read((head, of_head))?,
            head_bias: read((head_bias, of_head_bias))?,
        };
        Ok(Self {
            metric: about.metric,
            leads: leads.clone(),
            floor: about.floor,
            trained_ms: (about.trained_from_ms, about.trained_until_ms),
            weights,
        })
    }

    fn about(&self) -> About {
        About {
            version: VERSION,
            metric: self.metric.clone(),
            step_ms: step_ms(&self.leads),
            leads: self.leads.steps().to_vec(),
            floor: self.floor,
            trained_from_ms: self.trained_ms.0,
            trained_until_ms: self.trained_ms.1,
        }
    }
}

impl About {
    fn check(&self, metric: &str, leads: &Leads) -> Result<(), LoadError> {
        let longest = |steps: &[usize], step_ms: i64| steps.last().map_or(0, |steps| *steps as i64 * step_ms);
        match self {
            Self { version, .. } if *version != VERSION => Err(LoadError::Version { found: *version }),
            Self { metric: found, .. } if found != metric => {
                Err(LoadError::Metric { found: found.clone(), wanted: metric.to_owned() })
            }
            Self { step_ms: found_ms, .. } if *found_ms != step_ms(leads) => {
                Err(LoadError::Step { found_ms: *found_ms, wanted_ms: step_ms(leads) })
            }
            Self { leads: found, step_ms: of, .. } if found != leads.steps() => Err(LoadError::Horizon {
                found_ms: longest(found, *of),
                wanted_ms: longest(leads.steps(), step_ms(leads)),
            }),
            Self { floor, .. } if !floor.is_finite() || *floor < 0.0 => {
                Err(LoadError::Foreign("its scaling is not a number".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The distance of two values in milliseconds.
pub(super) fn step_ms(leads: &Leads) -> i64 {
    leads.ms(0) / leads.steps()[0] as i64
}
