#!/usr/bin/env bash
# A fleet on one machine: `score --formats parquet,csv` (scores and cells) of 1,000 clusters with 3 members each, 7 days at 1
# minute (30 million rows). Bars: 30 s and 1 GB on two cores; time in proportion to members and to days.
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

# Makes the history of so many clusters and days, once.
history() {
    local folder=$work/$1-$2
    [ -e "$folder/complete" ] && return
    rm -rf "$folder"
    "$target/release/examples/history" --members $(($1 * 3)) --clusters "$1" --start 2026-08-01 --days "$2" --step 1m \
        --seed 1 --out "$folder" >&2
    touch "$folder/complete"
}

# Prints the medians of seconds, processor seconds and MiB of scoring so many clusters and days.
score() {
    for _ in $(seq "$runs"); do
        rm -rf "$work/out"
        /usr/bin/time -f '%e %U %S %M' -o "$work/time" \
            "$ours" score "$work/$1-$2" --out "$work/out" --quiet --formats parquet,csv
        awk '{ print $1, $2 + $3, $4 / 1024 }' "$work/time"
    done >"$work/times"
    for column in 1 2 3; do sort -n -k "$column,$column" "$work/times" | awk -v c="$column" -v n="$(((runs + 1) / 2))" 'NR == n { print $c }'; done | paste -sd ' '
}

sizes=("1000 7" "500 7" "250 7" "1000 4" "1000 2")
missed=0
echo "== medians of $runs runs, $(nproc) cores"
echo "| clusters | days | seconds | processor seconds | MiB | processor time against 1,000 clusters and 7 days, for each member and day |"
echo "|---|---|---|---|---|---|"
for size in "${sizes[@]}"; do
    read -r clusters days <<<"$size"
    history "$clusters" "$days"
    cat "$work/$clusters-$days"/history/*/readings.parquet >/dev/null # warms the page cache
    read -r seconds cpu mib <<<"$(score "$clusters" "$days")"
    [ -n "${first:-}" ] || {
        first=$cpu
        awk -v s="$seconds" -v m="$mib" 'BEGIN { exit !(s <= 30 && m <= 954) }' || missed=1
    }
    awk -v c="$clusters" -v d="$days" -v s="$seconds" -v p="$cpu" -v m="$mib" -v f="$first" \
        'BEGIN { printf "| %d | %d | %.1f | %.1f | %.0f | %.2f |\n", c, d, s, p, m, (p / f) / (c * d / 7000) }'
done
rm -rf "$work/out"
[ "$missed" = 0 ] && echo "bars of 30 s and 1 GB: held" || echo "bars of 30 s and 1 GB: MISSED"
exit "$missed"
