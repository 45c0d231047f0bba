#!/usr/bin/env bash
# Measures the whole way from raw metrics in a Prometheus to blocks of etcd_score: `etcd-heatmap backfill` and `import`
# against `promtool tsdb create-blocks-from rules` with our recording rules.
#
#   benches/promtool/rules.sh
#
# Rules read the series of other rules, but promtool evaluates all rules of a file against the data that the server
# already has. Its manual therefore says to run it level by level, and to load the blocks into the server in between.
# Only promtool's own time is counted.
#
# Needs prometheus, promtool, curl, python3, GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."

clusters=${CLUSTERS:-3} members=${MEMBERS:-20}
start=2026-10-01 days=2 end=2026-10-03 last=2026-10-02T23:59:59Z
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/promtool
ours=$target/release/etcd-heatmap

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example simulate
# shellcheck source=benches/server.sh
. benches/server.sh

raw=$(simulated "$clusters" "$members" $start $days)
rm -rf "$work/rules" "$work/data" "$work/audit" "$work/imported"
mkdir -p "$work/rules" "$work/imported"
cp -al "$raw" "$work/data"
"$ours" rules >"$work/rules/all.yml"
python3 benches/promtool/levels.py "$work/rules/all.yml" "$work/rules"

since() { echo "$(date +%s.%N) - $1" | bc; }
stop() { kill "$server"; wait "$server" || true; }

serve "$work/data"
trap 'stop' EXIT
began=$(date +%s.%N)
"$ours" backfill --quiet --series raw --url "$url" --start $start --end $end --step 1m --formats openmetrics \
    --out "$work/audit"
"$ours" import --quiet "$work/audit" --data-dir "$work/imported"
mine=$(since "$began")

theirs=0
for level in "$work"/rules/level-*.yml; do
    began=$(date +%s.%N)
    promtool tsdb create-blocks-from rules --quiet --url "$url" --start ${start}T00:00:00Z --end $last \
        --eval-interval 1m --output-dir "$work/data" "$level"
    theirs=$(echo "$theirs + $(since "$began")" | bc)
    # The next level reads the series of this one.
    stop
    serve "$work/data"
done
# promtool requires a WAL, even an empty one.
count() { mkdir -p "$1/wal"; promtool tsdb dump --match='etcd_score{}' "$1" 2>/dev/null | wc -l; }
echo "== $((clusters * members)) members, $days days at 1 minute, $(nproc) cores"
printf 'samples of etcd_score: %s imported, %s of rules\n' "$(count "$work/imported")" "$(count "$work/data")"
awk -v mine="$mine" -v theirs="$theirs" 'BEGIN {
    printf "backfill and import %.2f s, promtool with rules %.2f s: %.1f times (bar 5)\n", mine, theirs, theirs / mine
    exit theirs / mine < 5
}'
