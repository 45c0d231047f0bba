//! The order in which clusters are shown: the one that lost the most points first.

use std::cmp::{Ordering, Reverse};

use super::{Line, Totals};

/// Orders clusters, each a name with the points that it lost: the highest loss first, equal losses by name. Losses are
/// compared in millionths of a point, so that rounding errors of sums do not decide.
pub(crate) fn by_loss((a, lost_a): (&str, f64), (b, lost_b): (&str, f64)) -> Ordering {
    let millionths = |lost: f64| Reverse((lost * 1e6).round() as u64);
    millionths(lost_a).cmp(&millionths(lost_b)).then_with(|| a.cmp(b))
}

/// The lines with the worst cluster first, see [`by_loss`]. `lines` has each cluster before its members, which stay in
/// their order behind it.
pub(crate) fn worst_first(lines: &[Line]) -> Vec<&Line> {
    let mut clusters: Vec<(&[Line], f64)> = lines
        .chunk_by(|a, b| a.cluster == b.cluster)
        .map(|chunk| (chunk, Totals::of(&chunk[0].cells).lost()))
        .collect();
    clusters.sort_by(|(a, lost_a), (b, lost_b)| by_loss((&a[0].cluster, *lost_a), (&b[0].cluster, *lost_b)));
    clusters.into_iter().flat_map(|(lines, _)| lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Cell;

    fn line(cluster: &str, member: Option<&str>, cells: &[(u32, f64)]) -> Line {
        let cells = cells.iter().map(|&(scored, mean)| Cell::hour(scored, scored, Some(mean), &[])).collect();
        Line { cluster: cluster.into(), member: member.map(Into::into), cells }
    }

    /// By hand: `a` loses 12 × 3 = 36 points, `b` 60 × 1 = 60 although its mean is better, `c` nothing, and `d` and `e`
    /// lose 36 in other portions.
    #[test]
    fn the_cluster_that_lost_the_most_points_comes_first_and_equal_ones_by_name() {
        let lines = [
            line("a", None, &[(12, 7.0)]),
            line("a", Some("m2"), &[(12, 10.0)]),
            line("a", Some("m1"), &[(12, 7.0)]),
            line("b", None, &[(60, 9.0)]),
            line("c", None, &[(12, 10.0)]),
            line("d", None, &[(360, 9.9)]),
            line("e", None, &[(49, 10.0 - 36.0 / 49.0)]),
        ];
        let order: Vec<_> = worst_first(&lines)
            .into_iter()
            .map(|line| format!("{}{}", line.cluster, line.member.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(order, ["b", "a", "am2", "am1", "d", "e", "c"]);
    }
}
