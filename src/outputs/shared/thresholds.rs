//! The thresholds of a profile as labels and values of the series `etcd_threshold`, so
//! that dashboards can draw them.

use crate::spec::{Metric, POINT, Profile};

/// A reading of `metric` strictly above `above` gets `points`.
pub(in crate::outputs) struct Threshold<'a> {
    profile: &'a str,
    metric: Metric,
    points: String,
    /// If `above` is a share of a limit, the name of the limit.
    of: Option<&'static str>,
    pub(in crate::outputs) above: f64,
}

impl Threshold<'_> {
    pub(in crate::outputs) fn labels(&self) -> Vec<(&str, &str)> {
        let labels = [("profile", self.profile), ("metric", self.metric.name()), ("points", &self.points)];
        labels.into_iter().chain(self.of.map(|limit| ("of", limit))).collect()
    }
}

/// All thresholds of a profile, including those of metrics that are left out of the score,
/// because they still have points.
pub(in crate::outputs) fn of(profile: &Profile) -> Vec<Threshold<'_>> {
    let of_metric = |metric: Metric| {
        let of = profile.limit(metric).map(|limit| limit.name());
        profile.rule(metric).bands.list.iter().map(move |band| Threshold {
            profile: &profile.name,
            metric,
            points: (band.points as f64 / POINT as f64).to_string(),
            of,
            above: band.above,
        })
    };
    Metric::ALL.into_iter().flat_map(of_metric).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn thresholds_name_their_limit_and_keep_fractions_of_points() {
        let bands = "5%:9.999,33.3%:0.1".parse().unwrap();
        let profile = Profile::seed().with_bands(Metric::DbSize, bands).unwrap();
        let all = of(&profile);
        let of_db: Vec<_> = all.iter().filter(|t| t.metric == Metric::DbSize).collect();
        let labels =
            |points| vec![("profile", "seed (changed)"), ("metric", "db_size"), ("points", points), ("of", "quota")];
        assert_eq!(of_db.iter().map(|t| t.above).collect::<Vec<_>>(), [0.05, 0.333]);
        assert_eq!(of_db.iter().map(|t| t.labels()).collect::<Vec<_>>(), [labels("9.999"), labels("0.1")]);
        assert_eq!(all.len(), 7);
    }
}
