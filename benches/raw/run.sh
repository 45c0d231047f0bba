#!/usr/bin/env bash
# Compares a pull from raw samples (--from, --read raw) with one that leaves the queries to Prometheus, over the same
# blocks. First checks that all give the same readings, bit for bit.
#
#   benches/raw/run.sh                          7 days of 60 members scraped every 15 s, 3 runs each
#   DAYS=14 MEMBERS=100 RUNS=5 benches/raw/run.sh
#
# Needs prometheus, promtool, curl, GNU time, and the Python environment of the tests (./test makes it).
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3} days=${DAYS:-7} clusters=${CLUSTERS:-3} members=${MEMBERS:-20} step=${STEP:-1m}
first=2026-10-01
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/raw
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}
mkdir -p "$work"
export CARGO_TARGET_DIR=$target
if [ -z "${BIN:-}" ]; then
    cargo build --release --quiet --bin etcd-heatmap --example simulate --example block_speed --example dump_speed
    BIN=$target/release
    cp "$BIN"/examples/{simulate,block_speed,dump_speed} "$work/"
else
    cp "$BIN"/{simulate,block_speed,dump_speed} "$work/"
fi
ours=$BIN/etcd-heatmap
# shellcheck source=benches/server.sh
. benches/server.sh

# Blocks of raw etcd metrics, scraped every 15 s, made day by day: a year as one text would have 100 GB. Counters start
# again with each day.
data=$target/bench/simulated/raw-$clusters-$members-$days
if [ ! -e "$data/complete" ]; then
    rm -rf "$data"
    mkdir -p "$data"
    for day in $(seq 0 $((days - 1))); do
        "$work/simulate" --clusters "$clusters" --members "$members" --days 1 --scrape 15s --seed "$day" \
            --start "$(date -u -d "$first + $day days" +%F)" --out "$work/day.om" >/dev/null
        promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=18h "$work/day.om" "$data"
    done
    rm "$work/day.om"
    touch "$data/complete"
fi
end=$(date -u -d "$first + $days days" +%F)
range="--start $first --end $end --step $step --series raw"
samples=$(jq -s 'map(.stats.numSamples) | add' "$data"/*/meta.json)
echo "== $((clusters * members)) members, $days days, $samples samples in $(du -sh "$data" | cut -f1), step $step, $(nproc) cores"

# The server would join blocks while we read them.
rm -rf "$work/served"
cp -rl "$data" "$work/served"
serve "$work/served"
trap 'kill $server; wait $server || true' EXIT
from="$ours pull --quiet --from $data --promql $(prometheus --version | awk 'NR == 1 { print $3 }') $range --out"
promql="$ours pull --quiet --url $url $range --out"
remote="$ours pull --quiet --url $url --read raw $range --out"

echo "== readings"
rm -rf "$work"/{from,promql,remote}
/usr/bin/time -f "pull --from: %e s, %U s of processor time, at most %M KiB" $from "$work/from"
# The note at the end of a pull has the bytes that were read.
rm -rf "$work/from"
read=$(${from/--quiet/} "$work/from" 2>&1 | sed -n 's/^pulled .* from \([0-9.]*\) MiB.*/\1/p')
tables=$(du -cb "$data"/*/index | tail -1 | cut -f1) chunks=$(du -cb "$data"/*/chunks | tail -1 | cut -f1)
awk -v read="$read" -v tables="$tables" -v chunks="$chunks" 'BEGIN {
    allowed = (tables + 1.2 * chunks) / 1048576
    printf "read %.1f MiB; index files and 1.2 times the chunks have %.1f MiB: %s\n", read, allowed, read <= allowed ? "held" : "MISSED"
}'
for way in promql remote; do
    before=$(server_seconds)
    ${!way} "$work/$way"
    awk -v way="$way" -v before="$before" -v after="$(server_seconds)" \
        'BEGIN { printf "%-8s %8.2f s of the server\x27s processor time\n", way, after - before }'
done
"$python" -B benches/raw/same.py "$work/from" "$work/promql" "$work/remote"

echo "== time of a pull"
missed=0
benches/alternate.py --runs "$runs" --warmup 0 --bar 0.2 \
    --fresh "$work/from" --fresh "$work/remote" --fresh "$work/promql" \
    "from files=$from $work/from" "remote read=$remote $work/remote" "PromQL=$promql $work/promql" || missed=1

echo "== decoding, on one core"
"$work/block_speed" "$data" etcd_disk_wal_fsync_duration_seconds_bucket | tail -4
# All samples of one histogram, counted by Prometheus.
query="sum(count_over_time(etcd_disk_wal_fsync_duration_seconds_bucket[${days}d]))"
for _ in 1 2 3; do
    before=$(server_seconds)
    count=$(curl --silent --data-urlencode "query=$query" --data "time=$(date -u -d "$end" +%s)" "$url/api/v1/query" |
        jq -r '.data.result[0].value[1]')
    awk -v count="$count" -v before="$before" -v after="$(server_seconds)" \
        'BEGIN { printf "count_over_time: %d samples, %.1f million a second of processor time\n", count, count / (after - before + 1e-9) / 1e6 }'
done

echo "== dumps, on one core"
"$work/dump_speed"
exit "$missed"
