//! Valid matrices, written with keys and samples in any order and with unknown parts, must be decoded unchanged.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use std::collections::BTreeMap;
use under_test::sources::prometheus::decode_matrix;
use under_test::time::{Grid, Step, TimeRange};

#[derive(Arbitrary, Debug)]
struct Answer {
    start_s: u32,
    step_s: u16,
    steps: u8,
    series: Vec<Series>,
    order: u8,
    extra: String,
}

#[derive(Arbitrary, Debug)]
struct Series {
    labels: BTreeMap<String, String>,
    values: Vec<Option<f64>>,
    order: u8,
    backwards: bool,
    twice: bool,
    histograms: bool,
}

fuzz_target!(|data: &[u8]| {
    let Ok(answer) = Answer::arbitrary(&mut Unstructured::new(data)) else { return };
    let step_ms = (i64::from(answer.step_s) % 3600 + 1) * 1000;
    let start_ms = i64::from(answer.start_s) * 1000;
    let range = TimeRange { start_ms, end_ms: start_ms + i64::from(answer.steps) * step_ms };
    let grid = Grid::within(range, Step::from_millis(step_ms).expect("from 1 s to 1 h"));

    let series: Vec<String> = answer.series.iter().map(|series| written(series, &grid)).collect();
    let kind = member("resultType", "\"matrix\"");
    let result = member("result", &format!("[{}]", series.join(",")));
    let data = member("data", &object(vec![kind, result], answer.order >> 4));
    let extra = member(&format!("x{}", answer.extra), &json!({"result": [answer.extra], "data": null}).to_string());
    let body = object(vec![member("status", "\"success\""), data, extra], answer.order);

    let decoded = decode_matrix(body.as_bytes(), &grid).unwrap_or_else(|e| panic!("{e}: {body}"));
    assert_eq!(decoded.series.len(), answer.series.len());
    let mut samples = 0;
    for (found, sent) in decoded.series.iter().zip(&answer.series) {
        let labels: Vec<_> = sent.labels.clone().into_iter().collect();
        assert_eq!(found.0, labels);
        for step in 0..grid.len() {
            let value = sent.values.get(step).copied().flatten();
            samples += value.map_or(0, |_| 1 + u64::from(sent.twice));
            let value = value.filter(|v| !v.is_nan());
            assert_eq!(
                Some(found.1[step]).filter(|v| !v.is_nan()).map(f64::to_bits),
                value.map(f64::to_bits),
                "{body}"
            );
        }
    }
    assert_eq!(decoded.samples, samples);
});

fn written(series: &Series, grid: &Grid) -> String {
    let samples = series.values.iter().take(grid.len()).enumerate();
    let mut samples: Vec<String> = samples
        .filter_map(|(step, value)| Some(format!("[{},\"{}\"]", grid.at(step) as f64 / 1000.0, number((*value)?))))
        .collect();
    if series.backwards {
        samples.reverse();
    }
    if series.twice {
        samples.extend(samples.clone());
    }
    let mut members = vec![
        member("metric", &json!(series.labels).to_string()),
        member("values", &format!("[{}]", samples.join(","))),
    ];
    if series.histograms {
        members.push(member("histograms", r#"[[1,{"count":"1","buckets":[[0,"1","2","3"]]}]]"#));
    }
    object(members, series.order)
}

/// A number as Go writes it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value if value.is_nan() => "NaN".to_owned(),
        value => format!("{value:e}"),
    }
}

fn member(key: &str, value: &str) -> String {
    format!("{}:{value}", json!(key))
}

fn object(mut members: Vec<String>, order: u8) -> String {
    let turns = usize::from(order) % members.len();
    members.rotate_left(turns);
    if order & 8 != 0 {
        members.reverse();
    }
    format!("{{{}}}", members.join(","))
}
