# shellcheck shell=bash
# Makes the year that several benchmarks score: 20 clusters with 3 members each at 1 minute, 31 million rows. Source it with
# $target set, in the project's folder; it builds the program and sets $ours and $year.

: "${target:?}"

export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
ours=$target/release/etcd-heatmap
year=$target/bench/year
if [ ! -e "$year/complete" ]; then
    rm -rf "$year"
    mkdir -p "${year%/*}"
    "$target/release/examples/history" --members 60 --clusters 20 --start 2025-10-01 --days 365 --step 1m --seed 1 \
        --out "$year"
    # A pull leaves a manifest, with the hashes of the days.
    "$ours" score "$year" --quiet --formats csv
    touch "$year/complete"
fi
cat "$year"/history/*/readings.parquet >/dev/null # warms the page cache
