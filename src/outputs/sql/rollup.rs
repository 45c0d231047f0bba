//! The parts of the script that compute the score of a cluster from its members.

use super::{Parts, wrapped};
use crate::score::Rollup;
use crate::spec::Metric;

/// The parts of the script that depend on the rollup.
pub(super) struct RollupSql {
    /// Comment lines that explain the rollup.
    pub(super) words: String,
    /// The order of bands: in that of their places, the member whose score is the cluster's is at a known place.
    pub(super) order: &'static str,
    /// Columns of a cluster at a step: its band, or its losses and marks.
    pub(super) of_cluster: String,
    /// The query that counts the steps of clusters by band, or by losses.
    pub(super) by_band: String,
    pub(super) by_loss: String,
}

/// Counts of clusters with a band.
const BY_BAND: &str = "
    UNION ALL
    SELECT CAST(NULL AS INTEGER), cluster_position, step // {{slot}}, band, count(*)
    FROM of_cluster GROUP BY ALL";

impl RollupSql {
    pub(super) fn of(rollup: Rollup, parts: &Parts<'_>) -> Self {
        match rollup {
            Rollup::Worst => Self {
                words: WORST.to_owned(),
                order: "units NULLS LAST",
                of_cluster: parts.worst(),
                by_band: BY_BAND.to_owned(),
                by_loss: String::new(),
            },
            Rollup::Quorum => Self {
                words: QUORUM.to_owned(),
                order: "units DESC NULLS LAST, idle DESC",
                of_cluster: parts.quorum(),
                by_band: BY_BAND.to_owned(),
                by_loss: String::new(),
            },
            Rollup::Mean => Self {
                words: MEAN.to_owned(),
                order: "units NULLS LAST",
                of_cluster: means(),
                by_band: String::new(),
                by_loss: by_loss(),
            },
        }
    }
}

const WORST: &str = "\
-- The band of a cluster at a step is that of the member with the lowest score, the first one on ties:
-- the minimum over (units, position, band), packed into one integer. It is missing (band 0) if that of
-- any expected member is, else idle (band {{idle_band}}) if that of any is, and is after a restart if any
-- expected member is.";

const QUORUM: &str = "\
-- The band of a cluster at a step is that of the member whose score a majority reaches: the one in the
-- middle if all are sorted by score, the best first, then idle, then missing members, and by position.
-- Score, position and band are packed into one integer. It is after a restart if any expected member is.";

const MEAN: &str = "\
-- The losses of a cluster at a step are the means of its members' losses, rounded to whole units. It has
-- no score if any expected member has none, is idle if the others are idle, and is after a restart if
-- any is.";

impl Parts<'_> {
    fn worst(&self) -> String {
        let place = format!("min({})", self.place());
        format!(
            "CASE count(band)
               WHEN 0 THEN 0
               WHEN {} THEN {place} % {{{{place_bands}}}} % {{{{codes}}}}
               WHEN count(units) + count(*) FILTER (WHERE idle) THEN {{{{idle_band}}}}
               ELSE 0 END
           + {RESTARTED} AS band",
            self.caps.members_judged()
        )
    }

    fn quorum(&self) -> String {
        let middle = self.dialect.in_order(&self.place(), "count(band) // 2");
        format!(
            "coalesce({middle}\n               % {{{{place_bands}}}} % {{{{codes}}}}, 0)\n           + {RESTARTED} AS band"
        )
    }

    /// The place of a member's score among all, and its position and band.
    fn place(&self) -> String {
        "place + CAST(position AS BIGINT) * {{place_bands}}".to_owned()
    }
}

const RESTARTED: &str = "if(max(band) >= {{codes}}, {{codes}}, 0)";

fn means() -> String {
    let mean = |m: Metric| {
        let loss = m.loss_column();
        format!(
            "CASE WHEN count(band) > 0 AND count(band) = count(units)\n                \
             THEN CAST((sum({loss}) + count(band) // 2) // count(band) AS BIGINT) END AS {loss}"
        )
    };
    let marks = [
        "max(weight) AS weight".to_owned(),
        "if(getvariable('restarts_known'), coalesce(bool_or(after_restart), false), NULL) AS after_restart".to_owned(),
        "count(units) < count(band) AND count(units) + count(*) FILTER (WHERE idle) = count(band) AS idle".to_owned(),
    ];
    marks.into_iter().chain(Metric::ALL.map(mean)).collect::<Vec<_>>().join(",\n           ")
}

fn by_loss() -> String {
    let losses = wrapped(Metric::ALL.map(|m| m.loss_column().to_owned()), ", ", 7);
    let sum = wrapped(Metric::ALL.map(|m| m.loss_column().to_owned()), " + ", 31);
    format!(
        "
UNION ALL
SELECT CAST(NULL AS INTEGER), cluster_position, slot, count(*), weight, units, after_restart, idle,
       {losses}
FROM (SELECT *, step // {{{{slot}}}} AS slot,
             10 * weight - ({sum}) AS units FROM of_cluster) AS scored_clusters
GROUP BY ALL"
    )
}
