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
work=$target/bench/reading

mkdir -p "$work"
# shellcheck source=benches/year.sh
source benches/year.sh

missed=0
echo "== scores against a sum, $(nproc) cores"
old=()
[ -z "${OLD:-}" ] || old=("another version=$OLD score $year --out $work/old --quiet --formats parquet")
benches/alternate.py --runs "$runs" --fresh "$work/scores" --fresh "$work/old" --cpu-bar 3 --mib 250 \
    "scores=$ours score $year --out $work/scores --quiet --formats parquet" \
    "${old[@]}" \
    "DuckDB, sum=$python benches/score/sum.py $year" || missed=1
if [ -n "${OLD:-}" ]; then
    # The timed folders were emptied.
    "$ours" score "$year" --out "$work/scores" --quiet --formats parquet
    "$OLD" score "$year" --out "$work/old" --quiet --formats parquet
    diff -rq --exclude manifest.json --exclude '.*' "$work/scores" "$work/old" && echo "the same bytes" || missed=1
fi
echo "== all outputs against scores"
benches/alternate.py --runs "$runs" --fresh "$work/all" --fresh "$work/scores" --cpu-bar 2 --mib 250 \
    "everything=$ours score $year --out $work/all --quiet" \
    "scores=$ours score $year --out $work/scores --quiet --formats parquet" || missed=1
rm -rf "$work/all" "$work/scores" "$work/old"
exit "$missed"
