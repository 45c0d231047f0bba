#!/usr/bin/env bash
# Compares the readings of two days as Prometheus 2.42 and 3 compute them, for scrapes at any time (each target has its own
# offset) and for scrapes exactly on the steps.
#
#   benches/raw/versions.sh
#
# Run benches/raw/run.sh first. Needs the Python environment of the tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/raw
ours=${BIN:-$target/release}/etcd-heatmap
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}

"$work/simulate" --clusters 2 --members 3 --days 2 --scrape 15s --seed 7 --start 2026-10-01 --out "$work/offset.om" >/dev/null
awk '/^#/ { print; next } { $NF = int($NF / 15) * 15; print }' "$work/offset.om" >"$work/grid.om"
for scrapes in offset grid; do
    for version in 2.42 3; do
        rm -rf "$work/$scrapes-$version"
        "$ours" pull --quiet --from "$work/$scrapes.om" --promql $version --start 2026-10-01 --end 2026-10-03 --step 1m \
            --out "$work/$scrapes-$version"
    done
    echo "== scrapes ${scrapes/offset/at any time}"
    "$python" -B benches/raw/versions.py "$work/$scrapes-2.42" "$work/$scrapes-3"
done
