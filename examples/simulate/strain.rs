//! What troubles a cluster as a whole: too many requests, long round trips, a full database.

use crate::incidents::{Incident, Kind};
use crate::timeline::{Interval, MINUTE};

/// More requests than usual.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surge {
    /// For how long.
    pub(crate) during: Interval,
    /// How many times the usual traffic.
    pub(crate) factor: f64,
}

/// The incidents that concern all members.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strain {
    /// Traffic above the usual one.
    pub(crate) surges: Vec<Surge>,
    /// When all round trips are long.
    pub(crate) far: Vec<Interval>,
    /// From the first growth of the database until it is made smaller.
    pub(crate) fills: Vec<Interval>,
}

impl Strain {
    /// Of the incidents of one cluster.
    pub(crate) fn of(incidents: &[&Incident]) -> Self {
        let mut strain = Self::default();
        for incident in incidents {
            match incident.kind {
                Kind::Overload { factor, .. } => {
                    strain.surges.push(Surge { during: incident.during, factor: f64::from(factor) });
                }
                Kind::Network { changes } if changes > 1 => strain.far.push(incident.during),
                Kind::QuotaFull => strain.fills.push(incident.during),
                _ => {}
            }
        }
        strain
    }

    /// The traffic as a multiple of the usual one. It rises and falls within two minutes.
    pub(crate) fn traffic(&self, at: i64) -> f64 {
        let surge = self.surges.iter().find(|surge| surge.during.contains(at));
        surge.map_or(1.0, |Surge { during, factor }| {
            let edge = (at - during.start).min(during.end - at) as f64 / (2 * MINUTE) as f64;
            1.0 + (factor - 1.0) * edge.min(1.0)
        })
    }

    /// When etcd refuses writes.
    pub(crate) fn full(&self) -> Vec<Interval> {
        self.fills.iter().map(|fill| Interval { start: full_from(*fill), ..*fill }).collect()
    }

    /// How much of the way to the quota the database has grown; 0 to 1.
    pub(crate) fn filled(&self, at: i64) -> f64 {
        let fill = self.fills.iter().find(|fill| fill.contains(at));
        fill.map_or(0.0, |fill| ((at - fill.start) as f64 / (full_from(*fill) - fill.start) as f64).min(1.0))
    }
}

/// When a database that grows to its quota reaches it: half-way.
pub(crate) fn full_from(fill: Interval) -> i64 {
    fill.start + fill.length() / 2
}
