#!/usr/bin/env bash
# A fleet on one machine: `score --formats parquet,csv` (scores and cells) of 1,000 clusters with 3 members each, 7 days at 1
# minute (30 million rows), and of fewer clusters and days. Bars of the first: 30 s and 1 GB on two cores. The processor time
# of the others must be in proportion to their clusters and days.
#
#   benches/score/fleet.sh
#   RUNS=5 benches/score/fleet.sh
#
# Needs GNU time; 2 GB under the target folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3}
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/fleet
mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
ours=$target/release/etcd-heatmap

# Makes the history of so many clusters and days, if it is not there.
history() {
    local folder=$work/$1-$2
    [ -e "$folder/complete" ] && return
    rm -rf "$folder"
    "$target/release/examples/history" --members $(($1 * 3)) --clusters "$1" --start 2026-08-01 --days "$2" --step 1m \
        --seed 1 --out "$folder"
    touch "$folder/complete"
}

sizes=("1000 7" "500 7" "250 7" "1000 4" "1000 2")
commands=()
for size in "${sizes[@]}"; do
    read -r clusters days <<<"$size"
    history "$clusters" "$days"
    cat "$work/$clusters-$days"/history/*/readings.parquet >/dev/null # warms the page cache
    commands+=("$clusters clusters, $days days=$ours score $work/$clusters-$days --out $work/out --quiet --formats parquet,csv")
done
echo "== scores and cells of a fleet, $(nproc) cores"
status=0
benches/alternate.py --runs "$runs" --fresh "$work/out" --seconds 30 --mib 954 "${commands[@]}" || status=$?
rm -rf "$work/out"
exit "$status"
