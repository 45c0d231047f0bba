#!/usr/bin/env bash
# `etcd-heatmap pull` against its floor: curl that fetches the same answers to the same range
# queries from the same Prometheus, as many at once, into /dev/null. What pull adds is choosing the
# series, decoding, joining and writing the history.
#
#   benches/pull/run.sh             5 runs each
#   RUNS=9 CONCURRENCY=8 benches/pull/run.sh
#
# Needs prometheus, promtool, curl, python3, GNU time. The first run makes the data: it takes some
# minutes and 5 GB under the target folder for a while.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-5}
concurrency=${CONCURRENCY:-4}
clusters=5 members=20 start=2026-10-01 days=4 end=2026-10-05
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/pull
data=$work/data-$clusters-$members-$days
out=$work/out

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example simulate

if [ ! -e "$data/complete" ]; then
    rm -rf "$data"
    "$target/release/examples/simulate" --clusters $clusters --members $members --start $start \
        --days $days --scrape 60s --out "$work/raw.om"
    # One large block instead of one for every two hours: promtool reads the file once for each.
    promtool tsdb create-blocks-from openmetrics --max-block-duration=486h --quiet "$work/raw.om" "$data"
    rm "$work/raw.om"
    touch "$data/complete"
fi

echo 'global: {}' >"$work/prometheus.yml"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$data" \
    --storage.tsdb.retention.time=100y --web.listen-address="127.0.0.1:$port" \
    --log.level=warn >"$work/prometheus.log" 2>&1 &
server=$!
trap 'kill $server; wait $server || true' EXIT
for _ in $(seq 100); do
    curl --silent --fail --output /dev/null "$url/-/ready" && break
    sleep 0.2
done

pull="$target/release/etcd-heatmap pull --url $url --start $start --end $end --step 1m \
--concurrency $concurrency --out $out --quiet"
rm -rf "$out" "$work/requests"
$pull
# What pull asked stands in its manifest: the same bodies for curl.
python3 benches/pull/requests.py "$out/manifest.json" "$url" $start $days "$work/requests"

echo "== pull of $((clusters * members)) members, $days days at 1 minute, $concurrency queries at once, $(nproc) cores"
fetch="xargs -a $work/requests/list -P $concurrency -I{} \
curl --silent --show-error --fail --output /dev/null --data @{} $url/api/v1/query_range"
benches/alternate.py --runs "$runs" --warmup 2 --bar 1.25 --fresh "$out" \
    "etcd-heatmap pull=$pull" "curl=$fetch"
