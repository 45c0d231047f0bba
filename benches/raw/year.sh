#!/usr/bin/env bash
# Measures `pull --from` over a year of 30 members scraped every 15 s: 2.4 billion samples. The year is made of 14 simulated
# days that repeat; counters start again with each day.
#
#   benches/raw/year.sh
#
# Needs promtool, GNU time, jq, and PyPI for crc32c; 6 GB of disk.
set -euo pipefail
cd "$(dirname "$0")/../.."

first=2025-10-01 end=2026-10-01
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/raw
export CARGO_TARGET_DIR=$target
if [ -z "${BIN:-}" ]; then
    cargo build --release --quiet --bin etcd-heatmap --example simulate
    BIN=$target/release
    cp "$BIN/examples/simulate" "$work/"
fi

data=$target/bench/simulated/raw-year
if [ ! -e "$data/complete" ]; then
    rm -rf "$data" "$work/days"
    mkdir -p "$data" "$work/days"
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check crc32c==2.9.post0
    for day in $(seq 0 13); do
        "$work/simulate" --clusters 3 --members 10 --days 1 --scrape 15s --seed "$day" \
            --start "$(date -u -d "$first + $day days" +%F)" --out "$work/day.om" >/dev/null
        promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=18h "$work/day.om" "$work/days"
    done
    for days in $(seq 0 14 364); do
        "$work/venv/bin/python" benches/raw/shift.py "$days" "$work/days" "$data"
    done
    rm -r "$work/day.om" "$work/days"
    touch "$data/complete"
fi

samples=$(jq -s 'map(.stats.numSamples) | add' "$data"/*/meta.json)
echo "== $samples samples in $(du -sh "$data" | cut -f1), of which a year is read"
rm -rf "$work/year"
/usr/bin/time -f "%e s, %U s of processor time and %S s of the system's, at most %M KiB" \
    "$BIN/etcd-heatmap" pull --from "$data" --start $first --end $end --step 1m --out "$work/year"
/usr/bin/time -f "check: %e s, at most %M KiB" "$BIN/etcd-heatmap" check --from "$data"
du -sh "$work/year" | cut -f1
