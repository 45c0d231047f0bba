#!/usr/bin/env bash
# Compares `etcd-heatmap pull` with its alternatives, for the same six series, range and step from the same Prometheus:
# promtool's backfill of recording rules, vmalert's replay into a VictoriaMetrics, and a Python script with
# prometheus-api-client and pandas; and `pull --from` the blocks with the first two. Checks that all get the same data.
#
#   benches/peers/run.sh            3 runs each
#   RUNS=5 CONCURRENCY=8 benches/peers/run.sh
#
# Needs prometheus, promtool, vmalert, victoria-metrics, curl, python3 with venv, GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3}
concurrency=${CONCURRENCY:-4}
clusters=${CLUSTERS:-3} members=${MEMBERS:-20}
start=2026-10-01 days=2 end=2026-10-03 last=2026-10-02T23:59:00Z
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/peers

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example simulate
# shellcheck source=benches/server.sh
. benches/server.sh

python=$work/venv/bin/python
if ! cmp -s benches/peers/requirements.txt "$work/venv/requirements.txt"; then
    python3 -m venv --clear "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
    cp benches/peers/requirements.txt "$work/venv/requirements.txt"
fi

data=$(simulated "$clusters" "$members" $start $days)
serve "$data"
port=$(free_port)
victoria=http://127.0.0.1:$port
rm -rf "$work/victoria"
victoria-metrics -storageDataPath="$work/victoria" -retentionPeriod=100y -httpListenAddr="127.0.0.1:$port" \
    -loggerLevel=ERROR >"$work/victoria.log" 2>&1 &
stored=$!
trap 'kill $server $stored; wait $server $stored || true' EXIT
await "$victoria/health"

# Only the six queries: pull would also query the start times of processes, so that query gets the name of a series that
# does not exist.
rm -rf "$work/queries" "$work/ours" "$work/blocks" "$work/python"
mkdir -p "$work/queries"
echo 'no_start_time{$selector}' >"$work/queries/start_time.promql"
pull="$target/release/etcd-heatmap pull --url $url --start $start --end $end --step 1m --series raw \
--queries $work/queries --concurrency $concurrency --out $work/ours --quiet"
$pull # its manifest has the queries
cp "$work/ours/manifest.json" "$work/manifest.json"
python3 benches/peers/rules.py "$work/manifest.json" >"$work/rules.yml"

# It shifts the instants of a group by some seconds, depending on the group's name, so an end on a step would lose one.
promtool="promtool tsdb create-blocks-from rules --quiet --url $url --start ${start}T00:00:00Z --end ${last%00Z}59Z \
--eval-interval 1m --output-dir $work/blocks $work/rules.yml"
# As many points as a Prometheus returns at once, for the fewest windows. Without queryStep, vmalert uses a step of five
# minutes, whatever the interval of the group.
vmalert="vmalert -rule=$work/rules.yml -datasource.url=$url -remoteWrite.url=$victoria \
-replay.timeFrom=${start}T00:00:00Z -replay.timeTo=$last -replay.maxDatapointsPerQuery=11000 \
-datasource.queryStep=1m \
-replay.rulesDelay=0s -replay.disableProgressBar -remoteWrite.flushInterval=100ms \
-remoteWrite.concurrency=$(nproc) -loggerLevel=ERROR -httpListenAddr=127.0.0.1:$(free_port)"
fetch="$python benches/peers/fetch.py $work/manifest.json $url $start $days $work/python --workers $concurrency"

# One run on a fresh folder. Its output is kept, and printed if it fails.
once() {
    local name=$1 before
    shift
    before=$(server_seconds)
    "$@" >"$work/once.log" 2>&1 || { cat "$work/once.log" >&2; return 1; }
    awk -v name="$name" -v before="$before" -v after="$(server_seconds)" \
        'BEGIN { printf "%-20s %8.2f s of the server\x27s processor time\n", name, after - before }'
}

echo "== processor time of the server for each, and comparison of samples"
missed=0
rm -rf "$work/ours"
once "etcd-heatmap pull" $pull
once promtool $promtool
once vmalert $vmalert
once Python $fetch
curl --silent --fail "$victoria/internal/force_flush"
"$python" -B benches/peers/compare.py "$work/ours/history" "$work/blocks" "$victoria" "$work/python" || missed=1

echo "== six series of $((clusters * members)) members, $days days at 1 minute, $(nproc) cores"
benches/alternate.py --runs "$runs" --warmup 0 --bar 0.2 --each \
    --fresh "$work/ours" --fresh "$work/blocks" --fresh "$work/python" \
    "etcd-heatmap pull=$pull" "promtool=$promtool" "vmalert=$vmalert" "Python=$fetch" || missed=1

# The same six series straight from the blocks, without the server.
from="$target/release/etcd-heatmap pull --from $data --promql $(prometheus --version | awk 'NR == 1 { print $3 }') \
--start $start --end $end --step 1m --series raw --queries $work/queries --out $work/files --quiet"
echo "== from files"
rm -rf "$work/ours" "$work/files"
$pull
$from
"${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}" -B benches/raw/same.py "$work/files" "$work/ours" || missed=1
benches/alternate.py --runs "$runs" --warmup 0 --bar 0.05 --each \
    --fresh "$work/files" --fresh "$work/blocks" "pull --from=$from" "promtool=$promtool" "vmalert=$vmalert" || missed=1
exit "$missed"
