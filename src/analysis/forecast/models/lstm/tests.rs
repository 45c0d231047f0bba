use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;

use super::super::super::random::Random;
use super::super::super::series::Series;
use super::inputs::{FEATURES, SEASONAL, STEPS};
use super::network::{Batch, loss, numbers, run, shapes};
use super::*;
use crate::time::Zone;

/// Made by tests/oracle/lstm_reference.py with NumPy and JAX.
const REFERENCE: &str = include_str!("reference.json");
const WINDOWS: usize = 4;
const LEADS: usize = 3;

fn reference(key: &str) -> Vec<Vec<f64>> {
    let all: Value = serde_json::from_str(REFERENCE).unwrap();
    let rows = all[key].as_array().unwrap().iter();
    rows.map(|row| row.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()).collect()
}

/// Weights and inputs that the reference draws too.
struct Drawn {
    weights: [Vec<f64>; 4],
    windows: Vec<Window>,
    outcomes: Vec<f32>,
    mask: Vec<f32>,
}

fn drawn() -> Drawn {
    let mut random = Random::new(17);
    let mut draw =
        |count: usize, reach: f64| (0..count).map(|_| (2.0 * random.unit() - 1.0) * reach).collect::<Vec<f64>>();
    let weights = shapes(LEADS).map(|(rows, columns)| draw(rows * columns, 0.3));
    let (mut windows, mut outcomes, mut mask) = (Vec::new(), Vec::new(), Vec::new());
    for window in 0..WINDOWS {
        let mut floats = |count, reach| draw(count, reach).into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        let (steps, seasonal) = (floats(STEPS * FEATURES, 1.0), floats(SEASONAL * LEADS, 1.0));
        windows.push(Window { level: 0.0, scale: 1.0, steps, seasonal });
        for (lead, outcome) in floats(LEADS, 2.0).into_iter().enumerate() {
            let present = (window + lead) % 4 != 0;
            outcomes.push(if present { outcome } else { 0.0 });
            mask.push(f32::from(u8::from(present)));
        }
    }
    Drawn { weights, windows, outcomes, mask }
}

impl Drawn {
    fn tensors(&self, dtype: DType) -> [Var; 4] {
        std::array::from_fn(|index| {
            let tensor = Tensor::from_slice(&self.weights[index], shapes(LEADS)[index], &Device::Cpu).unwrap();
            Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
        })
    }

    /// The loss of these weights.
    fn loss(&self, vars: &[Var; 4], dtype: DType) -> Tensor {
        let batch = Batch::of(&self.windows.iter().collect::<Vec<_>>(), dtype).unwrap();
        let tensor = |numbers: &[f32]| {
            Tensor::from_slice(numbers, (WINDOWS, LEADS), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
        };
        loss(&run(&weights(vars), &batch).unwrap(), &tensor(&self.outcomes), &tensor(&self.mask)).unwrap()
    }
}

fn weights(vars: &[Var; 4]) -> Weights<Tensor> {
    let [gates, gates_bias, head, head_bias] = vars.each_ref().map(|var| var.as_tensor().clone());
    Weights { gates, gates_bias, head, head_bias }
}

fn furthest(own: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    let own: Vec<f64> = own.into_iter().collect();
    assert_eq!(own.len(), expected.len());
    own.iter().zip(expected).map(|(own, expected)| (own - expected).abs()).fold(0.0, f64::max)
}

#[test]
fn the_output_is_that_of_a_network_written_out_in_numpy() {
    let drawn = drawn();
    let expected = reference("quantiles");
    let batch = Batch::of(&drawn.windows.iter().collect::<Vec<_>>(), DType::F32).unwrap();
    let output = run(&weights(&drawn.tensors(DType::F32)), &batch).unwrap();
    for (tensor, expected) in [&output.median, &output.below, &output.above].into_iter().zip(&expected) {
        let error = furthest(numbers(tensor).unwrap().into_iter().map(f64::from), expected);
        assert!(error < 1e-5, "as a batch: {error}");
    }
    let [gates, gates_bias, head, head_bias] =
        drawn.weights.each_ref().map(|numbers| numbers.iter().map(|number| *number as f32).collect());
    let weights = Weights { gates, gates_bias, head, head_bias };
    for (place, window) in drawn.windows.iter().enumerate() {
        for (own, expected) in single::run(&weights, window).into_iter().zip(&expected) {
            let error = furthest(own.into_iter().map(f64::from), &expected[place * LEADS..(place + 1) * LEADS]);
            assert!(error < 1e-5, "window {place} alone: {error}");
        }
    }
}

#[test]
fn the_gradients_are_those_of_jax() {
    let drawn = drawn();
    let all: Value = serde_json::from_str(REFERENCE).unwrap();
    let norms: Vec<f64> = all["norms"].as_array().unwrap().iter().map(|norm| norm.as_f64().unwrap()).collect();
    for (dtype, slack) in [(DType::F64, 1e-9), (DType::F32, 1e-5)] {
        let vars = drawn.tensors(dtype);
        let loss = drawn.loss(&vars, dtype);
        let value = loss.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap();
        assert!((value - all["loss"].as_f64().unwrap()).abs() < slack, "loss {value}");
        let gradients = loss.backward().unwrap();
        for ((var, expected), norm) in vars.iter().zip(reference("gradients")).zip(&norms) {
            let gradient = gradients.get(var).unwrap().to_dtype(DType::F64).unwrap().flatten_all().unwrap();
            let gradient = gradient.to_vec1::<f64>().unwrap();
            let error = furthest(gradient.iter().copied().step_by(97), &expected);
            assert!(error < slack, "{dtype:?} {:?}: {error}", var.dims());
            let own = gradient.iter().map(|number| number * number).sum::<f64>().sqrt();
            assert!((own - norm).abs() < slack * norm, "{dtype:?} {:?}: norm {own}, expected {norm}", var.dims());
        }
    }
}

/// Central differences of 64-bit numbers; with steps of 1e-5 they are exact to about 1e-10.
#[test]
fn the_gradients_are_those_of_finite_differences() {
    const STEP: f64 = 1e-5;
    let drawn = drawn();
    let vars = drawn.tensors(DType::F64);
    let gradients = drawn.loss(&vars, DType::F64).backward().unwrap();
    for (index, var) in vars.iter().enumerate() {
        let gradient = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for place in (0..gradient.len()).step_by(gradient.len().div_ceil(12)) {
            let moved = |by: f64| {
                let mut numbers = drawn.weights[index].clone();
                numbers[place] += by;
                var.set(&Tensor::from_vec(numbers, var.dims(), &Device::Cpu).unwrap()).unwrap();
                drawn.loss(&vars, DType::F64).to_scalar::<f64>().unwrap()
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            moved(0.0);
            assert!((slope - gradient[place]).abs() < 1e-8, "weight {index} at {place}: {slope}, {}", gradient[place]);
        }
    }
}

/// Hourly values of a day's rhythm with noise, and a gap.
fn rhythm(days: usize, seed: u64) -> Series {
    let mut random = Random::new(seed);
    let values = (0..days * 24).map(|hour| match hour % 100 {
        40..46 => f64::NAN,
        _ => (hour as f64 * std::f64::consts::TAU / 24.0).sin() + 0.2 * random.unit(),
    });
    Series { start_ms: 0, step_ms: HOUR_MS, values: values.collect(), zone: Zone::default() }
}

fn lstm() -> Lstm {
    Lstm { metric: "wal_fsync".to_owned(), leads: Leads::up_to(6 * HOUR_MS, HOUR_MS), seed: 1 }
}

fn trained(days: usize) -> Trained {
    let series = [rhythm(days, 1), rhythm(days, 2)];
    lstm().train(&series.each_ref().map(|series| series.until(series.values.len()))).unwrap()
}

#[test]
fn a_rhythm_is_learned() {
    let series = rhythm(30, 3);
    let trained = trained(21);
    let (mut own, mut level, mut inside, mut count) = (0.0, 0.0, 0.0, 0.0);
    for origin in 21 * 24..series.values.len() - 6 {
        let past = series.until(origin);
        let shape = trained.forecast(past, &trained.leads).unwrap();
        let (center, [below, above]) = (shape.center[5], shape.spread.unwrap()[5]);
        let outcome = series.values[origin + 5];
        if !outcome.is_nan() {
            own += (outcome - center).abs();
            level += (outcome - super::super::last_hour::level(past).unwrap()).abs();
            inside += f64::from(u8::from(outcome > center - below && outcome < center + above));
            count += 1.0;
        }
    }
    // The noise alone has a mean absolute error of 0.05.
    assert!(own / count < 0.15, "six hours ahead: {}", own / count);
    assert!(own < 0.25 * level, "{own}, the median of the last hour {level}");
    assert!((0.5..1.0).contains(&(inside / count)), "{}", inside / count);
}

/// Set for a process of this test program that only prints a digest of what it trained.
const ONLY_PRINT: &str = "ETCD_HEATMAP_TEST_PRINT_DIGEST";

/// FNV-1a (Fowler, Noll and Vo).
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The number of threads is read from the environment once in a process, so each number has a process of its own.
#[test]
fn the_same_seed_and_history_give_the_same_bytes_with_any_number_of_threads() {
    let own = format!("digest {:016x}", digest(&trained(7).to_bytes().unwrap()));
    if std::env::var_os(ONLY_PRINT).is_some() {
        println!("{own}");
        return;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::the_same_seed_and_history_give_the_same_bytes_with_any_number_of_threads");
    for threads in ["1", "2", "5"] {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &name, "--nocapture"]).env("RAYON_NUM_THREADS", threads).env(ONLY_PRINT, "1");
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(printed.contains(&own), "{threads} threads: {printed}, here: {own}");
    }
}

#[test]
fn another_seed_gives_another_network() {
    let series = rhythm(7, 1);
    let bytes =
        |seed: u64| Lstm { seed, ..lstm() }.train(&[series.until(series.values.len())]).unwrap().to_bytes().unwrap();
    assert!(bytes(1) != bytes(2));
}

#[test]
fn a_loaded_network_forecasts_the_same() {
    let (trained, series) = (trained(7), rhythm(8, 4));
    let bytes = trained.to_bytes().unwrap();
    let loaded = Trained::from_bytes(&bytes, "wal_fsync", &trained.leads).unwrap();
    let past = series.until(180);
    assert!(trained.forecast(past, &trained.leads).is_some());
    assert_eq!(loaded.forecast(past, &trained.leads), trained.forecast(past, &trained.leads));
    assert_eq!(loaded.trained_ms(), (0, 7 * DAY_MS - HOUR_MS));
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
}

#[test]
fn a_network_of_another_metric_step_or_horizon_is_refused() {
    let bytes = trained(7).to_bytes().unwrap();
    let refused = |metric: &str, horizon_ms: i64, step_ms: i64| {
        Trained::from_bytes(&bytes, metric, &Leads::up_to(horizon_ms, step_ms)).unwrap_err().to_string()
    };
    assert_eq!(refused("open_fds", 6 * HOUR_MS, HOUR_MS), "trained on wal_fsync, not on open_fds");
    assert_eq!(refused("wal_fsync", 6 * HOUR_MS, 300_000), "trained on a step of 1h, but the history has 5m");
    assert_eq!(refused("wal_fsync", 24 * HOUR_MS, HOUR_MS), "trained for a horizon of 6h, not of 1day");
    let leads = Leads::up_to(6 * HOUR_MS, HOUR_MS);
    for end in [0, 7, 8, 100, bytes.len() - 1] {
        assert!(Trained::from_bytes(&bytes[..end], "wal_fsync", &leads).is_err(), "the first {end} bytes");
    }
    let other = safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None).unwrap();
    let error = Trained::from_bytes(&other, "wal_fsync", &leads).unwrap_err().to_string();
    assert_eq!(error, "not a saved model of etcd-heatmap: no etcd-heatmap-lstm in its metadata");
}

#[test]
fn a_damaged_network_is_refused_or_forecasts_numbers() {
    let (trained, series) = (trained(7), rhythm(8, 4));
    let bytes = trained.to_bytes().unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut random = Random::new(1);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.below(3) {
            // Half of them in the header, which is a small part of the file.
            let within = [header, bytes.len()][random.below(2)];
            damaged[random.below(within)] = random.bits() as u8;
        }
        if random.below(8) == 0 {
            damaged.truncate(random.below(bytes.len()));
        }
        match Trained::from_bytes(&damaged, "wal_fsync", &trained.leads) {
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
            Ok(loaded) => {
                read += 1;
                let shape = loaded.forecast(series.until(180), &trained.leads);
                assert!(shape.iter().flat_map(|shape| &shape.center).all(|value| value.is_finite()));
            }
        }
    }
    assert!(refused > 300 && read > 300, "{refused} refused, {read} read");
}

#[test]
fn a_history_without_enough_to_learn_from_is_refused() {
    let of = |values: Vec<f64>| Series { start_ms: 0, step_ms: HOUR_MS, values, zone: Zone::default() };
    let refused = |series: &Series| lstm().train(&[series.until(series.values.len())]).unwrap_err().0;
    assert_eq!(refused(&rhythm(2, 1)), "2 d of history; it needs 3 d");
    assert_eq!(refused(&of(vec![5.0; 400])), "its history never changes");
    assert_eq!(refused(&of(vec![f64::NAN; 400])), "no values in its history");
    assert_eq!(lstm().train(&[]).unwrap_err().0, "0 h of history; it needs 3 d");
}

#[test]
fn hard_values_never_give_a_forecast_that_is_not_finite() {
    let of =
        |values: Vec<f64>| Series { start_ms: 0, step_ms: HOUR_MS, values, zone: "Europe/Berlin".parse().unwrap() };
    let mut random = Random::new(5);
    let mut with = |of: &dyn Fn(usize, f64) -> f64| (0..200).map(|hour| of(hour, random.unit())).collect::<Vec<f64>>();
    let hard = [
        with(&|_, random| 1e300 * (random - 0.5)),
        with(&|hour, _| if hour == 150 { 1e308 } else { -1e308 }),
        with(&|_, random| 1e-300 * random),
        with(&|hour, random| if hour % 2 == 0 { f64::NAN } else { random }),
        with(&|hour, _| if hour < 199 { f64::NAN } else { 1.0 }),
        with(&|hour, _| if hour > 199 { 1.0 } else { 0.0 }),
        with(&|hour, random| if hour < 170 { random } else { f64::NAN }),
    ];
    let learned = trained(7);
    for (index, values) in hard.into_iter().enumerate() {
        let series = of(values);
        let own = lstm().train(&[series.until(200)]);
        for model in own.iter().chain([&learned]) {
            for origin in [1, 20, 150, 170, 200] {
                if let Some(shape) = model.forecast(series.until(origin), &model.leads) {
                    assert!(shape.center.iter().all(|center| center.is_finite()), "series {index} at {origin}");
                    let spread = shape.spread.unwrap();
                    assert!(spread.iter().flatten().all(|s| s.is_finite() && *s > 0.0), "series {index} at {origin}");
                }
            }
        }
    }
    let gaps = of(vec![f64::NAN; 200]);
    assert_eq!(learned.forecast(gaps.until(200), &learned.leads), None);
    assert_eq!(learned.forecast(rhythm(7, 1).until(100), &Leads::up_to(HOUR_MS, HOUR_MS)), None);
}
