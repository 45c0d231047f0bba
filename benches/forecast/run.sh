#!/usr/bin/env bash
# Judges forecasts: every model on public series and on simulated members, coverage, probabilities of red, warnings before
# simulated faults, quota dates, and how long a forecast and a backtest take.
#
#   DATA=/path/to/csv benches/forecast/run.sh    # a folder of CSV files with timestamp and value
#   SETS="members red-mix" benches/forecast/run.sh
#
# Needs python3 with tests/oracle/requirements.txt (./test makes it); 2 GB under the target folder. The set `speeds` installs
# statsforecast and JAX there.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-$PWD/target}
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}
data=${DATA:-../shared/data/nab}
sets=${SETS:-members seasonal trend red-mix ramps disk-ramps steps sawtooth fleet speeds}
work=$target/bench/forecast
missed=0

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example forecast_series
ours=$target/release/etcd-heatmap
judge=("$python" -B benches/forecast/judge.py)

if [ -d "$data" ]; then
    echo "== public series in $data"
    "$target/release/examples/forecast_series" "$data" >"$work/series.csv"
    "${judge[@]}" models "$work/series.csv" || missed=1
else
    echo "not run: there is no folder $data with public series"
fi

# simulate SET [FLAG...]: makes the set, if it is not there, and runs a backtest of it.
backtest() {
    local set=$1
    shift
    if [ ! -e "$work/$set/complete" ]; then
        rm -rf "${work:?}/$set"
        "$python" -B benches/forecast/simulated.py "$work/$set" --set "$set" >/dev/null
        touch "$work/$set/complete"
    fi
    echo "== $set"
    local start=$EPOCHREALTIME
    "$ours" forecast "$work/$set" --backtest --quiet "$@" >"$work/$set/forecast.txt"
    awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { printf "backtest: %.0f s\n", to - from }'
}

for set in $sets; do
    case $set in
        members)
            backtest "$set"
            "${judge[@]}" models "$work/$set/backtest-models.csv" || missed=1
            ;;
        seasonal | trend)
            backtest "$set"
            "${judge[@]}" models "$work/$set/backtest-models.csv" --bars || missed=1
            ;;
        red-mix)
            backtest "$set"
            "${judge[@]}" models "$work/$set/backtest-models.csv" || true
            "${judge[@]}" breaches "$work/$set/backtest-breaches.csv" || missed=1
            ;;
        ramps)
            backtest "$set"
            "${judge[@]}" warnings "$work/$set" --bars || missed=1
            ;;
        disk-ramps)
            backtest "$set" --weight wal_fsync=0.6
            "${judge[@]}" warnings "$work/$set" --bars || missed=1
            ;;
        steps)
            # Nothing announces a fault that begins within a minute: the figure shows that no one claims to.
            backtest "$set"
            "${judge[@]}" warnings "$work/$set"
            ;;
        sawtooth)
            backtest "$set"
            "${judge[@]}" limits "$work/$set/forecast.json" "$work/$set/truth.csv" || missed=1
            ;;
        fleet)
            backtest "$set"
            echo "a forecast of every day, as often as 5 times:"
            benches/alternate.py --runs 5 "forecast=$ours forecast $work/fleet --quiet"
            ;;
        speeds)
            if [ ! -x "$work/venv/bin/python" ]; then
                python3 -m venv "$work/venv"
                "$work/venv/bin/pip" install --quiet --disable-pip-version-check statsforecast==2.1.1 pandas jax==0.10.2
            fi
            echo "== speed of ARIMA and the LSTM (on an idle machine)"
            if [ -d "$data" ]; then
                DATA=$data OMP_NUM_THREADS=1 "$work/venv/bin/python" -B benches/forecast/arima_speed.py || missed=1
            else
                echo "not run: ARIMA's speed, because there is no folder $data"
            fi
            "$work/venv/bin/python" -B benches/forecast/lstm_speed.py || missed=1
            taskset -c 0 "$work/venv/bin/python" -B benches/forecast/lstm_speed.py || missed=1
            ;;
    esac
done
exit "$missed"
