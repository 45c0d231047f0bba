#!/usr/bin/env bash
# Scores at reading speed: `score --formats parquet` for a year of 20 clusters with 3 members each at 1 minute (31 million
# rows), against DuckDB that only adds up the six columns of the same files; all outputs against those scores.
#
#   benches/score/reading.sh
#   RUNS=9 OLD=/path/to/another/etcd-heatmap benches/score/reading.sh    beside another version, whose bytes it compares
#
# Needs GNU time and python3 with tests/oracle/requirements.txt (./test makes it); 6 GB under the target folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-5}
target=${CARGO_TARGET_DIR:-$PWD/target}
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}
work=$target/bench/look # the year of benches/look/run.sh

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
if [ ! -e "$work/year/complete" ]; then
    rm -rf "$work/year"
    "$target/release/examples/history" --members 60 --clusters 20 --start 2025-10-01 --days 365 --step 1m --seed 1 \
        --out "$work/year"
    touch "$work/year/complete"
fi
ours=$target/release/etcd-heatmap
# A pull leaves a manifest, with the hashes of the days.
[ -e "$work/year/manifest.json" ] || "$ours" score "$work/year" --quiet --formats csv
cat "$work"/year/history/*/readings.parquet >/dev/null # warms the page cache

missed=0
echo "== scores against a sum, $(nproc) cores"
old=()
[ -z "${OLD:-}" ] || old=("another version=$OLD score $work/year --out $work/old --quiet --formats parquet")
benches/alternate.py --runs "$runs" --fresh "$work/scores" --fresh "$work/old" --cpu-bar 3 --mib 250 \
    "scores=$ours score $work/year --out $work/scores --quiet --formats parquet" \
    "${old[@]}" \
    "DuckDB, sum=$python benches/score/sum.py $work/year" || missed=1
if [ -n "${OLD:-}" ]; then
    # The timed folders were emptied.
    "$ours" score "$work/year" --out "$work/scores" --quiet --formats parquet
    "$OLD" score "$work/year" --out "$work/old" --quiet --formats parquet
    diff -rq --exclude manifest.json --exclude '.*' "$work/scores" "$work/old" && echo "the same bytes" || missed=1
fi
echo "== all outputs against scores"
benches/alternate.py --runs "$runs" --fresh "$work/all" --fresh "$work/scores" --cpu-bar 2 --mib 250 \
    "everything=$ours score $work/year --out $work/all --quiet" \
    "scores=$ours score $work/year --out $work/scores --quiet --formats parquet" || missed=1
rm -rf "$work/all" "$work/scores" "$work/old"
exit "$missed"
