"""Compares the time of an ARIMA fit with statsforecast's, on the same windows with the same settings.

    python3 -m venv venv && venv/bin/pip install statsforecast==2.1.1 pandas
    OMP_NUM_THREADS=1 venv/bin/python benches/forecast/arima_speed.py

`DATA` is a folder of CSV files with `timestamp,value` (default `../shared/data/nab`). Of each file, windows at even
distances become series of one day of values and of 14 days of hourly medians, as in
`src/analysis/forecast/models/arima.rs`. A program with its `equation.rs` is built in the target folder. It and
statsforecast take turns, `RUNS` times (3) on all windows (`WINDOWS` of each file, 4), each on one thread; the fastest
run counts. Prints the medians, and exits with code 1 if ours is slower. Run it on an idle machine.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
from statsforecast.arima import auto_arima_f

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("DATA", ROOT / "../shared/data/nab"))
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench" / "arima"
WINDOWS = int(os.environ.get("WINDOWS", "4"))
RUNS = int(os.environ.get("RUNS", "3"))

MANIFEST = """[package]
name = "arima-speed"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
anofox-forecast = { version = "=0.19.0", default-features = false }
chrono = { version = "0.4", default-features = false, features = ["std"] }
"""

# Reads a window a line, and prints the seconds of AutoARIMA and of both equations of the model for each.
PROGRAM = """#![allow(dead_code)]
mod forecast {
    #[path = "SRC/order.rs"]
    pub(crate) mod order;
    pub(crate) mod models {
        pub(crate) mod arima {
            #[path = "SRC/models/arima/equation.rs"]
            mod equation;
            pub(crate) fn both(values: &[f64]) -> bool {
                !equation::Pair::of(values).is_empty()
            }
        }
    }
}

use anofox_forecast::core::TimeSeries;
use anofox_forecast::models::Forecaster;
use anofox_forecast::models::arima::{AutoARIMA, AutoARIMAConfig};
use std::time::Instant;

fn main() {
    for line in std::io::stdin().lines() {
        let values: Vec<f64> = line.unwrap().split(' ').map(|value| value.parse().unwrap()).collect();
        let started = Instant::now();
        let times = (0..values.len()).map(|at| chrono::DateTime::from_timestamp(at as i64, 0).unwrap()).collect();
        let series = TimeSeries::univariate(times, values.clone()).unwrap();
        let mut model = AutoARIMA::with_config(AutoARIMAConfig::default().with_max_orders(3, 1, 3));
        let fits = model.fit(&series).is_ok();
        let one = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let fits = forecast::models::arima::both(&values) && fits;
        println!("{one} {} {fits}", started.elapsed().as_secs_f64());
    }
}
"""


def build():
    (WORK / "src").mkdir(parents=True, exist_ok=True)
    (WORK / "Cargo.toml").write_text(MANIFEST)
    (WORK / "Cargo.lock").write_bytes((ROOT / "Cargo.lock").read_bytes())
    source = str(ROOT / "src/analysis/forecast")
    (WORK / "src/main.rs").write_text(PROGRAM.replace("SRC", source))
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORK / "target")}
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=WORK, env=environment, check=True)
    return WORK / "target/release/arima-speed"


def windows():
    """Name and values of each window without a gap, in log2."""
    for path in sorted(DATA.glob("*.csv")):
        frame = pd.read_csv(path, parse_dates=["timestamp"]).drop_duplicates("timestamp").set_index("timestamp")["value"]
        step = frame.index.to_series().diff().median()
        values = frame.resample(step).mean()
        if (values.dropna() <= 0).any():
            values += values[values > 0].min() / 2
        values = np.log2(values)
        day = pd.Timedelta("1D")
        for kind, series, length in (
            ("1 day of values", values, max(day // step, 192)),
            ("14 days of hours", values.resample("1h").median(), 14 * 24),
        ):
            series = series.interpolate().dropna().to_numpy()
            if len(series) < length:
                continue
            for start in np.linspace(0, len(series) - length, WINDOWS).astype(int):
                yield kind, series[start : start + length]


def theirs(values):
    started = time.perf_counter()
    auto_arima_f(
        values, max_p=3, max_q=3, max_d=1, seasonal=False, stepwise=True, ic="aicc",
        approximation=len(values) > 150, allowdrift=True, allowmean=True,
    )
    return time.perf_counter() - started


def main():
    warnings.simplefilter("ignore")
    program = build()
    kinds, series = zip(*windows(), strict=True)
    text = "\n".join(" ".join(map(repr, map(float, values))) for values in series)
    theirs(series[0])  # loads what is compiled at the first call
    best = np.full((len(series), 3), np.inf)
    for _ in range(RUNS):
        lines = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
        ours = [[float(part) for part in line.split()[:2]] for line in lines]
        other = [[theirs(values)] for values in series]
        best = np.minimum(best, np.hstack([ours, other]))
    slower = False
    print("window            n    AutoARIMA  both equations  statsforecast  ratio (ms, median; AutoARIMA / statsforecast)")
    for kind in sorted(set(kinds)):
        rows = best[[at for at, of in enumerate(kinds) if of == kind]] * 1e3
        one, both, other = (statistics.median(column) for column in rows.T)
        print(f"{kind:16} {len(rows):3} {one:12.1f} {both:15.1f} {other:14.1f} {one / other:6.2f}")
        slower |= one > other
    sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
