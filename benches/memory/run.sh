#!/usr/bin/env bash
# Checks that memory stays bounded with many members: `etcd-heatmap score` and `findings` of 3,000 members at 1 minute.
#
# The bound, in bytes, for any number of days and threads:
#   readings  members × steps × columns × 8 of one day, but at least 256 MiB
#   scores    members × steps × 2 × (4 days for each day in progress, and the days of a block of openmetrics/)
#   the rest  64 MiB: the program itself, files being written, cells
#
#   benches/memory/run.sh
#   MEMBERS=6000 DAYS=8 benches/memory/run.sh
#
# Needs GNU time; 110 MB under the target folder for each day.
set -euo pipefail
cd "$(dirname "$0")/../.."

members=${MEMBERS:-3000}
days=${DAYS:-3}
steps=1440 columns=9
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/memory
history=$work/history-$members-$days
out=$work/out

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
if [ ! -e "$history/complete" ]; then
    rm -rf "$history"
    "$target/release/examples/history" --members "$members" --clusters $((members / 15)) --start 2026-08-01 \
        --days "$days" --step 1m --out "$history"
    touch "$history/complete"
fi

day=$((members * steps * columns * 8))
budget=$((256 << 20))
readings=$((day > budget ? day : budget))
at_once=$((readings / day))
cores=$(nproc)
at_once=$((at_once < cores ? at_once : cores))
# A file of openmetrics/ for a retention of 15 days spans 18 hours: it touches two days at most.
scores=$((members * steps * 2 * (4 * at_once + 2)))
bar=$(((readings + scores + (64 << 20)) >> 20))

missed=0
peak() {
    local name=$1
    shift
    /usr/bin/time -f '%M %e' -o "$work/peak" "$@" >/dev/null
    read -r kib seconds <"$work/peak"
    local held=held
    [ $((kib >> 10)) -le "$bar" ] || held=MISSED missed=1
    echo "$name: peak $((kib >> 10)) MiB in $seconds s, bar $bar MiB: $held"
}

echo "== peak memory with $members members, $days days at 1 minute, $at_once at once, $cores cores"
rm -rf "$out"
peak score "$target/release/etcd-heatmap" score "$history" --out "$out" --quiet --formats parquet,csv,openmetrics
peak findings "$target/release/etcd-heatmap" findings "$history" --csv
rm -rf "$out"
exit "$missed"
