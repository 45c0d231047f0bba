#!/usr/bin/env bash
# Recomputes scores from a history of 20 million rows: `etcd-heatmap score` against DuckDB, which reads the same files,
# computes the same in SQL (../../queries/score.sql) and writes the same files.
# Then checks that the results are equal, and that a range four times as long does not need more memory.
#
#   benches/score/run.sh            everything
#   RUNS=9 benches/score/run.sh     9 runs instead of 5
#
# Needs 15 GB under the target folder, python3 with venv, GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-5}
days=${DAYS:-47}
members=${MEMBERS:-300}
clusters=${CLUSTERS:-20}
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/score
duckdb_version=1.5.6 # faster here: 2.0.0 took about 5 % longer

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
ours=$target/release/etcd-heatmap
# The formats that DuckDB writes too; ours adds heatmap_wide.csv.
same=(--formats 'parquet,csv,openmetrics')

python=$work/venv-$duckdb_version/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv "$work/venv-$duckdb_version"
fi
"$python" -c 'import duckdb' 2>/dev/null || "$python" -m pip install --quiet "duckdb==$duckdb_version"

# Creates a history of this many days, once; prints its folder.
history_of() {
    local folder="$work/history-with-companions-$members-$clusters-$1"
    if [ ! -e "$folder/complete" ]; then
        rm -rf "$folder"
        "$target/release/examples/history" --members "$members" --clusters "$clusters" \
            --start 2026-08-01 --days "$1" --step 1m --seed 1 --out "$folder" >"$folder.log"
        mv "$folder.log" "$folder/complete"
    fi
    cat "$folder/complete" >&2
    echo "$folder"
}

history=$(history_of "$days")
cat "$history"/history/*/readings.parquet >/dev/null # warms the page cache
ours_out=$work/out-etcd-heatmap
duckdb_out=$work/out-duckdb

echo "== recompute of $members members, $days days at 1 minute, all outputs, $(nproc) cores"
missed=0
benches/alternate.py --runs "$runs" --bar 1 --fresh "$ours_out" --fresh "$duckdb_out" \
    "etcd-heatmap=$ours score $history --out $ours_out --quiet ${same[*]}" \
    "DuckDB $duckdb_version=$python benches/score/recompute.py $history $duckdb_out" || missed=1

echo "== the same without OpenMetrics, DuckDB only: etcd-heatmap always writes it"
benches/alternate.py --runs "$runs" --fresh "$duckdb_out" \
    "DuckDB, no OpenMetrics=$python benches/score/recompute.py $history $duckdb_out --without-openmetrics"

echo "== comparison of the results"
rm -rf "$ours_out" "$duckdb_out"
"$ours" score "$history" --out "$ours_out" --quiet "${same[@]}"
"$python" benches/score/recompute.py "$history" "$duckdb_out"
"$python" benches/score/compare.py "$ours_out" "$duckdb_out"
rm -rf "$duckdb_out"

echo "== a profile with limits, against the profile seed"
limits_out=$work/out-limits
benches/alternate.py --runs "$runs" --bar 1.1 --fresh "$limits_out" --fresh "$ours_out" \
    "openshift=$ours score $history --out $limits_out --quiet ${same[*]} --profile openshift" \
    "seed=$ours score $history --out $ours_out --quiet ${same[*]}" || missed=1
rm -rf "$limits_out" "$ours_out"

# Scoring one profile with cells as CSV is the closest match to the output of a comparison.
echo "== three profiles compared, against one scored"
mkdir -p "$limits_out"
benches/alternate.py --runs "$runs" --bar 1.5 \
    "three=$ours score $history --out $limits_out --quiet --compare seed,etcd-faq,fleet" \
    "one=$ours score $history --out $limits_out --quiet --formats csv" || missed=1
rm -rf "$limits_out"

echo "== memory: a range four times as long"
long=$(history_of $((4 * days)))
peak() {
    rm -rf "$ours_out"
    /usr/bin/time -f %M -o "$work/peak" "$ours" score "$1" --out "$ours_out" --quiet "${same[@]}"
    cat "$work/peak"
}
short_kib=$(peak "$history")
long_kib=$(peak "$long")
rm -rf "$ours_out"
awk -v a="$short_kib" -v b="$long_kib" -v days="$days" 'BEGIN {
    printf "%d days: %.0f MiB, %d days: %.0f MiB, ratio %.2f, bar 1.2: %s\n",
        days, a / 1024, 4 * days, b / 1024, b / a, b <= 1.2 * a ? "held" : "MISSED"
    exit b > 1.2 * a
}' || missed=1
exit "$missed"
