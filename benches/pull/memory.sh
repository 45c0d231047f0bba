#!/usr/bin/env bash
# Checks that a longer range does not need more memory: `etcd-heatmap pull` of 30 and of 365 days from the same
# Prometheus, with the same number of queries in flight. It pulls recorded series, because importing a year of
# histograms takes hours.
#
#   benches/pull/memory.sh          3 runs each
#   RUNS=5 CONCURRENCY=8 benches/pull/memory.sh
#
# Needs prometheus, promtool, curl, python3, GNU time. The first run creates the data, which takes some minutes and,
# temporarily, 5 GB in the target folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3}
concurrency=${CONCURRENCY:-4}
members=20 start=2025-10-01 days=365 month=2025-10-31 year=2026-10-01 step=120
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/pull
data=$work/recorded-$members-$days-$step
out=$work/out

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap
# shellcheck source=benches/server.sh
. benches/server.sh

if [ ! -e "$data/complete" ]; then
    rm -rf "$data"
    python3 benches/pull/recorded.py $members $start $days $step >"$work/recorded.om"
    promtool tsdb create-blocks-from openmetrics --max-block-duration=4374h --quiet "$work/recorded.om" "$data"
    rm "$work/recorded.om"
    touch "$data/complete"
fi
serve "$data"
trap 'kill $server; wait $server || true' EXIT

pull="$target/release/etcd-heatmap pull --url $url --start $start --step ${step}s --series recorded \
--concurrency $concurrency --out $out --quiet"
echo "== peak memory of a pull of $members members at $step s, $concurrency queries at once, $(nproc) cores"
benches/alternate.py --runs "$runs" --warmup 0 --memory-bar 1.2 --fresh "$out" \
    "365 days=$pull --end $year" "30 days=$pull --end $month"
