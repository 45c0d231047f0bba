//! Runs the cases of Prometheus's own PromQL tests (version 3) that consist only of functions of this project, and
//! prints how many are passed over and why. The `.test` files are in `promqltest` of the folder
//! `ETCD_HEATMAP_TEST_DATA` (default `../shared`); without them, the test only prints that it has not run.

mod evaluate;
mod expression;
mod script;

use std::collections::BTreeMap;

use etcd_heatmap::promql::Version;
use evaluate::{Columns, Evaluation};
use script::{Case, Labels, sequence, series_line};

/// The relative difference that Prometheus's test runner accepts.
const TOLERANCE: f64 = 1e-6;

#[test]
fn the_answers_are_those_of_prometheus_own_tests() {
    let data = std::env::var("ETCD_HEATMAP_TEST_DATA").unwrap_or_else(|_| "../shared".to_owned());
    let folder = std::path::Path::new(&data).join("promqltest");
    if !folder.is_dir() {
        println!("not run: the answers are those of Prometheus's own tests (no promqltest in {data})");
        return;
    }
    let mut passed = 0;
    let mut failures = Vec::new();
    let mut passed_over: BTreeMap<String, usize> = BTreeMap::new();
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("the folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "test")) {
        let text = std::fs::read_to_string(path).expect("a test file");
        let before = passed;
        let cases = script::cases(&text);
        for case in &cases {
            match run(case) {
                Ok(None) => passed += 1,
                Ok(Some(difference)) => {
                    failures.push(format!("{} line {}: {}: {difference}", path.display(), case.line, case.expression));
                }
                Err(reason) => *passed_over.entry(reason).or_default() += 1,
            }
        }
        println!("{}: {} of {} cases", path.file_name().unwrap_or_default().display(), passed - before, cases.len());
    }
    let mut reasons: Vec<(usize, String)> = passed_over.into_iter().map(|(reason, cases)| (cases, reason)).collect();
    reasons.sort_by(|a, b| b.cmp(a));
    println!("{passed} cases passed, {} failed", failures.len());
    println!("{} cases passed over:", reasons.iter().map(|(cases, _)| cases).sum::<usize>());
    for (cases, reason) in reasons {
        println!("{cases:>6} {reason}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(passed > 0, "no case in {}", folder.display());
}

/// The difference from the expected answer, if any. The error is the reason why the case is passed over.
fn run(case: &Case) -> Result<Option<String>, String> {
    let expected = expected(case)?;
    let expression = expression::parse(&case.expression)?;
    let evaluation = Evaluation { loaded: &case.loaded, times_ms: &case.times_ms, version: Version::default() };
    Ok(difference(&evaluation.of(&expression)?, &expected))
}

fn expected(case: &Case) -> Result<Columns, String> {
    if case.times_ms.is_empty() {
        return Err("unusual evaluation times".to_owned());
    }
    let mut columns = Vec::new();
    for line in &case.expected {
        match line.strip_prefix("expect ") {
            Some(rest) if rest.starts_with("fail") => return Err("an error is expected".to_owned()),
            Some(rest) if rest.starts_with("range vector") => return Err("a range vector is expected".to_owned()),
            Some(rest) if rest.starts_with("string") => return Err("a string is expected".to_owned()),
            Some(_) => {}
            None => columns.push(expected_series(line, case.times_ms.len())?),
        }
    }
    Ok(columns)
}

fn expected_series(line: &str, times: usize) -> Result<(Labels, Vec<Option<f64>>), String> {
    let (labels, values) = series_line(line).ok_or("labels in a form not read here")?;
    if values.is_empty() {
        return Err("a scalar or a string".to_owned());
    }
    let mut values = sequence(values).ok_or("native histograms")?;
    values.resize(times, None);
    Ok((labels, values))
}

fn difference(actual: &Columns, expected: &Columns) -> Option<String> {
    let present = |columns: &Columns| -> BTreeMap<Labels, Vec<Option<f64>>> {
        columns.iter().filter(|(_, column)| column.iter().any(Option::is_some)).cloned().collect()
    };
    let (actual, expected) = (present(actual), present(expected));
    if actual.keys().ne(expected.keys()) {
        return Some(format!("{actual:?} instead of {expected:?}"));
    }
    let pairs = actual.iter().zip(expected.values());
    let wrong = pairs.filter(|((_, actual), expected)| {
        actual.len() != expected.len() || actual.iter().zip(expected.iter()).any(|(a, b)| !nearly_equal(*a, *b))
    });
    wrong.map(|((labels, actual), expected)| format!("{labels:?} {actual:?} instead of {expected:?}")).next()
}

fn nearly_equal(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a.is_nan() || b.is_nan() => a.is_nan() && b.is_nan(),
        (Some(a), Some(b)) if a == 0.0 || b == 0.0 => (a - b).abs() < TOLERANCE * f64::MIN_POSITIVE,
        (Some(a), Some(b)) => a == b || (a - b).abs() / (a.abs() + b.abs()).min(f64::MAX) < TOLERANCE,
        (a, b) => a.is_none() && b.is_none(),
    }
}
