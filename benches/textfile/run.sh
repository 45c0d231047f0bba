#!/usr/bin/env bash
# Measures one evaluation of `etcd-heatmap textfile` for 300 members, including process start and end, against the lower
# bound: the six instant queries of etcd's own metrics with curl, all at once, into /dev/null (textfile also sends the
# six of the recorded series). Then the memory of the loop.
#
#   benches/textfile/run.sh
#   RUNS=41 benches/textfile/run.sh
#
# Needs prometheus, promtool, curl, python3, GNU time. Instant queries need current data, so it is created again when it
# has expired (some minutes and, temporarily, 3 GB in the target folder).
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-21}
clusters=15 members=20
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/textfile

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example simulate
# shellcheck source=benches/server.sh
. benches/server.sh

# From a day ago, because leader changes look back a day, to four hours ahead.
now=$(date -u +%s)
if ! [[ -e $work/data/complete ]] || (($(cat "$work/data/complete") < now + 600)); then
    rm -rf "$work/data"
    mkdir -p "$work/data"
    "$target/release/examples/simulate" --clusters $clusters --members $members --incidents none --days 1.2 --scrape 60s \
        --start "$(date -u -d "@$((now - 88200))" +%Y-%m-%dT%H:%M:%SZ)" --out "$work/data.om"
    promtool tsdb create-blocks-from openmetrics --max-block-duration=486h --quiet "$work/data.om" "$work/data"
    rm "$work/data.om"
    echo $((now - 88200 + 103680)) >"$work/data/complete"
fi
serve "$work/data"
trap 'kill $server; wait $server || true' EXIT

second=$(($(date -u +%s) - 15))
rm -rf "$work/requests"
python3 benches/textfile/requests.py queries $second "$work/requests"
textfile="$target/release/etcd-heatmap textfile --url $url"
scores=$($textfile | grep -c '^etcd_score{')
echo "== one evaluation of $((clusters * members)) members ($scores scores), $(nproc) cores"
((scores == clusters * members)) || { echo "error: some members have no score" >&2; exit 1; }
missed=0
fetch="sh -c 'ls $work/requests/*.body | xargs -P 6 -I{} \
curl --silent --show-error --fail --output /dev/null --data @{} $url/api/v1/query'"
benches/alternate.py --runs "$runs" --warmup 2 --bar 1.2 "textfile=$textfile" "curl=$fetch" || missed=1

echo "== memory of the loop, 30 evaluations"
$textfile --every 1s --query-offset 1s --out "$work/etcd_score.prom" &
loop=$!
sleep 30
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$loop/status")
kill $loop
wait $loop
awk -v kib="$peak" 'BEGIN {
    printf "peak %.1f MB, bar 50 MB: %s\n", kib * 1024 / 1e6, kib * 1024 < 50e6 ? "held" : "MISSED"
    exit kib * 1024 >= 50e6
}' || missed=1
exit "$missed"
