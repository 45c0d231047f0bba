#!/usr/bin/env bash
# Compares `etcd-heatmap pull` with the lower bound: curl fetching the same answers from the same Prometheus, as many at
# once, into /dev/null. pull also chooses the series, decodes, joins, and writes the history. Then compares its
# processor time with the server's.
#
#   benches/pull/run.sh             5 runs each
#   RUNS=9 CONCURRENCY=8 benches/pull/run.sh
#
# Needs prometheus, promtool, curl, python3, GNU time. The first run creates the data, which takes some minutes and,
# temporarily, 5 GB in the target folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-5}
concurrency=${CONCURRENCY:-4}
clusters=15 members=20 start=2026-10-01 days=2 end=2026-10-03
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/pull
out=$work/out

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example simulate
# shellcheck source=benches/server.sh
. benches/server.sh

data=$(simulated $clusters $members $start $days)
serve "$data"
trap 'kill $server; wait $server || true' EXIT

pull="$target/release/etcd-heatmap pull --url $url --start $start --end $end --step 1m \
--concurrency $concurrency --out $out --quiet"
rm -rf "$out" "$work/requests"
$pull
# Create the request bodies for curl from the queries in the manifest.
python3 benches/pull/requests.py "$out/manifest.json" "$url" $start $days "$work/requests"

echo "== pull of $((clusters * members)) members, $days days at 1 minute, $concurrency queries at once, $(nproc) cores"
missed=0
fetch="xargs -a $work/requests/list -P $concurrency -I{} \
curl --silent --show-error --fail --output /dev/null --data @{} $url/api/v1/query_range"
benches/alternate.py --runs "$runs" --warmup 2 --bar 1.10 --fresh "$out" \
    "etcd-heatmap pull=$pull" "curl=$fetch" || missed=1

echo "== processor time of $runs more pulls, and of the server meanwhile"
rm -f "$work/used"
before=$(server_seconds)
for _ in $(seq "$runs"); do
    rm -rf "$out"
    /usr/bin/time -a -f '%U %S' -o "$work/used" $pull
done
awk -v before="$before" -v after="$(server_seconds)" '
    { ours += $1 + $2 }
    END {
        server = after - before
        printf "etcd-heatmap %.2f s, server %.2f s, ratio %.3f, bar 0.25: %s\n",
            ours, server, ours / server, ours <= 0.25 * server ? "held" : "MISSED"
        exit ours > 0.25 * server
    }' "$work/used" || missed=1
exit "$missed"
