"""Expected values for the ARIMA model of the forecast, by statsforecast and statsmodels.

Prints JSON: for each series, the order and the forecast of statsforecast's AutoARIMA with the settings of
`src/analysis/forecast/models/arima/equation.rs`, the forecast of statsmodels for the same order, and the AICc of every
order that could have been selected, from statsforecast's exact likelihood. Run it after a change of these settings:

    python3 -m venv venv && venv/bin/pip install statsforecast==2.1.1 statsmodels==0.15.0
    venv/bin/python tests/oracle/arima_reference.py > src/analysis/forecast/models/arima/reference.json

The hourly medians of the metrics in `data/nab` of the folder `ETCD_HEATMAP_TEST_DATA` (default `../shared`) are
not part of the output, because they are not part of the project.
"""

import importlib.metadata
import json
import os
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsforecast.arima import arima, auto_arima_f, forecast_arima
from statsforecast.utils import AirPassengers
from statsmodels.tsa.arima.model import ARIMA

MOST_TERMS = 3
MOST_DIFFERENCES = 1
STEPS = 24
NAB = [
    "ec2_cpu_utilization_24ae8d",
    "ec2_cpu_utilization_825cc2",
    "ec2_network_in_257a54",
    "elb_request_count_8c0756",
    "grok_asg_anomaly",
    "nyc_taxi",
    "rds_cpu_utilization_cc0c53",
]


def packaged():
    data = sm.datasets
    # As logarithms, like the metrics that the model sees. Of the plain values, AutoARIMA takes an order whose AICc is
    # 29 worse than that of statsforecast, because it rejects more fits with roots near the unit circle, as R does.
    yield "log2 of AirPassengers", np.log2(np.asarray(AirPassengers, dtype=float))
    yield "Nile", data.nile.load_pandas().data["volume"].to_numpy(dtype=float)
    yield "sunspots", data.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(dtype=float)
    co2 = data.co2.load_pandas().data["co2"]
    yield "CO2 by month", co2.resample("MS").mean().interpolate().to_numpy(dtype=float).round(4)
    yield "US GDP", data.macrodata.load_pandas().data["realgdp"].to_numpy(dtype=float)


def hourly(path):
    """The last 14 days of log2 hourly medians, as many as the model sees; the hours end with the last value."""
    frame = pd.read_csv(path)
    seconds = pd.to_datetime(frame["timestamp"]).astype("datetime64[s]").astype("int64").to_numpy()
    step = int(np.median(np.diff(seconds)))
    start = seconds[0] // step * step
    values = np.full((seconds[-1] - start) // step + 1, np.nan)
    values[(seconds - start) // step] = frame["value"].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    offset = finite[finite > 0].min() / 2 if (finite == 0).any() else 0.0
    values = np.log2(values + offset)
    per = 3600 // step
    values = values[len(values) % per :].reshape(-1, per)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        medians = np.nanmedian(values, axis=1)
    return pd.Series(medians[-336:]).interpolate().to_numpy()


def criteria(x, d):
    """AICc by exact likelihood of each (p, d, q), the better of with and without a constant."""
    found = {}
    for p in range(MOST_TERMS + 1):
        for q in range(MOST_TERMS + 1):
            scores = []
            for constant in (False, True):
                drift = np.arange(1, len(x) + 1).reshape(-1, 1) if constant and d == 1 else None
                try:
                    fit = arima(x, order=(p, d, q), xreg=drift, include_mean=constant and d == 0, method="CSS-ML")
                except Exception:
                    continue
                k = len(fit["coef"]) + 1
                used = len(x) - d
                scores.append(fit["aic"] + 2 * k * (k + 1) / (used - k - 1))
            finite = [score for score in scores if np.isfinite(score)]
            if finite:
                found[f"{p},{d},{q}"] = round(float(min(finite)), 4)
    return found


def reference(x):
    fit = auto_arima_f(
        x, max_p=MOST_TERMS, max_q=MOST_TERMS, max_d=MOST_DIFFERENCES, seasonal=False, stepwise=True, ic="aicc",
        approximation=len(x) > 150, allowdrift=True, allowmean=True,
    )
    p, q, _, _, _, d, _ = fit["arma"]
    names = list(fit["coef"])
    constant = any(name in ("intercept", "drift") for name in names)
    ahead = forecast_arima(fit, STEPS, level=(95,))
    width = np.asarray(ahead["upper"]).ravel() - np.asarray(ahead["lower"]).ravel()
    trend = ("c" if d == 0 else "t") if constant else "n"
    # From the same start, because the likelihood of several orders has more than one maximum.
    start = [value for name, value in fit["coef"].items() if name in ("intercept", "drift")]
    start += [value for name, value in fit["coef"].items() if name not in ("intercept", "drift")] + [fit["sigma2"]]
    other = ARIMA(x, order=(p, d, q), trend=trend).fit(start_params=start, method_kwargs={"maxiter": 500})
    expected = other.get_forecast(STEPS)
    bounds = np.asarray(expected.conf_int(alpha=0.05))
    # statsmodels divides the squared errors by the number of values, R and statsforecast by the degrees of freedom.
    free = (len(x) - d) / (len(x) - d - len(names))
    rounded = lambda values: [float(f"{value:.9g}") for value in np.asarray(values).ravel()]
    return {
        "order": [int(p), int(d), int(q)],
        "constant": constant,
        "points": rounded(ahead["mean"]),
        "widths": rounded(width),
        "statsmodels_points": rounded(expected.predicted_mean),
        "statsmodels_widths": rounded((bounds[:, 1] - bounds[:, 0]) * np.sqrt(free)),
        "aicc": criteria(x, int(d)),
    }


def main():
    warnings.simplefilter("ignore")
    packages = ["statsforecast", "statsmodels", "numpy", "scipy"]
    series = []
    for name, values in packaged():
        print(name, file=sys.stderr)
        series.append({"name": name, "values": values.tolist(), **reference(values)})
    folder = pathlib.Path(os.environ.get("ETCD_HEATMAP_TEST_DATA", "../shared")) / "data" / "nab"
    for name in NAB:
        print(name, file=sys.stderr)
        series.append({"name": name, "file": f"data/nab/{name}.csv", **reference(hourly(folder / f"{name}.csv"))})
    made = {name: importlib.metadata.version(name) for name in packages}
    rows = ",\n".join(json.dumps(row) for row in series)
    print(f'{{"made_by": "tests/oracle/arima_reference.py",\n"versions": {json.dumps(made)},\n"series": [\n{rows}\n]}}')


if __name__ == "__main__":
    main()
