//! Any bytes as the body of the answer to a range query.

#![no_main]

use libfuzzer_sys::fuzz_target;
use under_test::reference::{Series, Tree, read_matrix};
use under_test::sources::prometheus::{Decoded, decode_matrix};
use under_test::time::{Grid, Step, TimeRange};

fuzz_target!(|body: &[u8]| {
    let tree: Option<Tree> = serde_json::from_slice(body).ok();
    for grid in grids() {
        let decoded = decode_matrix(body, &grid);
        if let Ok(decoded) = &decoded {
            has_the_shape_of(&grid, decoded);
        }
        assert_eq!(format!("{decoded:?}"), format!("{:?}", decode_matrix(body, &grid)), "decoded twice");

        if let Some(expected) = tree.as_ref().and_then(|tree| read_matrix(tree, &grid)) {
            let found = decoded.expect("the tree holds a matrix on the grid").series;
            assert_eq!(bits(found), bits(expected));
        }
    }
});

/// The grid of the answers in the corpus, one around 1970, and one with a single step.
fn grids() -> [Grid; 3] {
    [(1_790_812_800_000, 1_790_816_400_000, 60_000), (-4_000, 5_000, 1_000), (0, 0, 60_000)].map(
        |(start_ms, end_ms, step)| {
            Grid::within(TimeRange { start_ms, end_ms }, Step::from_millis(step).expect("whole seconds"))
        },
    )
}

fn has_the_shape_of(grid: &Grid, decoded: &Decoded) {
    let mut known = 0;
    for (labels, values) in &decoded.series {
        assert_eq!(values.len(), grid.len());
        assert!(labels.windows(2).all(|pair| pair[0].0 < pair[1].0), "labels are sorted and unique");
        known += values.iter().filter(|value| !value.is_nan()).count() as u64;
    }
    assert!(known <= decoded.samples, "{known} values of {} samples", decoded.samples);
}

/// Compares values, with all NaNs equal.
fn bits(series: Vec<Series>) -> Vec<(Vec<(String, String)>, Vec<Option<u64>>)> {
    let bits = |values: Vec<f64>| values.into_iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect();
    series.into_iter().map(|(labels, values)| (labels, bits(values))).collect()
}
