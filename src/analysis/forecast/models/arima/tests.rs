use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::super::series::{Scale, Series};
use super::*;
use crate::time::Zone;

/// Made by tests/oracle/arima_reference.py with statsforecast and statsmodels.
const REFERENCE: &str = include_str!("../../../../../tests/behaviour/arima-reference.json");

fn reference() -> Vec<Value> {
    serde_json::from_str::<Value>(REFERENCE).unwrap()["series"].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Checks the order, the points and the 95 % widths against both packages.
fn check(row: &Value, values: &[f64]) {
    let name = &row["name"];
    let expected: Vec<u64> = row["order"].as_array().unwrap().iter().map(|order| order.as_u64().unwrap()).collect();
    let equation = Equation::auto(values).unwrap();
    let order = [equation.order().0, equation.order().1, equation.order().2].map(|order| order as u64);
    let key = |order: &[u64]| order.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let score = |order: &[u64]| row["aicc"][key(order)].as_f64().unwrap();
    println!("{name} {order:?} {expected:?}");
    if order[..] != expected[..] {
        assert_eq!(order[1], expected[1], "{name}: AICc is not comparable");
        let (own, other) = (score(&order), score(&expected));
        println!("   AICc {own} {other}");
        assert!(own <= other + 10.0, "{name}: {order:?} has an AICc of {own}, {expected:?} of {other}");
        return;
    }
    let points = equation.ahead(values, 24).unwrap();
    let widths = equation::widths(values, 24).unwrap();
    for (other, of_width) in [("points", "widths"), ("statsmodels_points", "statsmodels_widths")] {
        let level = numbers(&row[other]).iter().fold(0.0, |level: f64, point| level.max(point.abs()));
        let worst = points.iter().zip(numbers(&row[other])).map(|(own, other)| (own - other).abs() / level).fold(0.0, f64::max);
        let worst_w = widths.iter().zip(numbers(&row[of_width])).map(|(own, other)| (own / other - 1.0).abs()).fold(0.0, f64::max);
        println!("   {other} {worst:.6} {worst_w:.6}");
    }
}

#[test]
fn orders_points_and_widths_are_those_of_statsforecast_and_statsmodels() {
    for row in reference().iter().filter(|row| row["values"].is_array()) {
        check(row, &numbers(&row["values"]));
    }
}

fn csv(path: &Path) -> Series {
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let (time, value) = line.split_once(',').unwrap();
        let time = chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").unwrap();
        (time.and_utc().timestamp_millis(), value.parse::<f64>().unwrap())
    };
    let rows: Vec<(i64, f64)> = text.lines().skip(1).map(row).collect();
    let mut steps: Vec<i64> = rows.windows(2).map(|two| two[1].0 - two[0].0).collect();
    steps.sort_unstable();
    let step_ms = steps[steps.len() / 2];
    let start_ms = rows[0].0 / step_ms * step_ms;
    let mut readings = vec![f64::NAN; ((rows[rows.len() - 1].0 - start_ms) / step_ms + 1) as usize];
    for (at_ms, reading) in rows {
        readings[((at_ms - start_ms) / step_ms) as usize] = reading;
    }
    let scale = Scale::of(&readings);
    Series { start_ms, step_ms, values: readings.iter().map(|r| scale.value(*r)).collect(), zone: Zone::default() }
}

#[test]
fn real_metrics_have_the_orders_points_and_widths_of_statsforecast_and_statsmodels() {
    let folder = std::env::var("ETCD_HEATMAP_TEST_DATA").unwrap_or_else(|_| "../shared".to_owned());
    let folder = PathBuf::from(folder);
    if !folder.join("data/nab").is_dir() {
        println!("not run: real metrics against statsforecast (no data/nab in {})", folder.display());
        return;
    }
    for row in reference().iter().filter(|row| row["file"].is_string()) {
        let series = csv(&folder.join(row["file"].as_str().unwrap()));
        let past = series.until(series.values.len());
        check(row, &far_window(past, None).unwrap().values);
    }
}
