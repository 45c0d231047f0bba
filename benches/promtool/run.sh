#!/usr/bin/env bash
# Measures the way from scores to blocks in a data directory: `etcd-heatmap import` of our files against promtool with
# its defaults on one file with the same samples. Then how the time grows with the range, how fast the files are
# written, and the whole way against promtool's backfill of recording rules.
#
#   benches/promtool/run.sh         3 runs each
#   RUNS=5 benches/promtool/run.sh
#
# Needs prometheus, promtool, curl, python3, GNU time. promtool on one file takes minutes per run.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3}
members=60 clusters=12 start=2026-06-01
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/promtool
ours=$target/release/etcd-heatmap

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history --example simulate --example emit
# shellcheck source=benches/server.sh
. benches/server.sh
missed=0

# Writes scores of this many days as OpenMetrics, for a server with this retention; prints the folder.
scored() {
    local folder=$work/audit-$1-$2
    if [ ! -e "$folder/manifest.json" ]; then
        "$target/release/examples/history" --members $members --clusters $clusters --start $start --days "$1" \
            --out "$folder" >&2
        "$ours" score --quiet --formats openmetrics --retention "$2" "$folder" >&2
    fi
    echo "$folder"
}

audit=$(scored 14 1y)
short=$(scored 14 15d)
# The same samples in one file, each series contiguous.
if [ ! -e "$work/one.om" ]; then
    files=("$audit"/openmetrics/*.om)
    { head -2 "${files[0]}"; cat "${files[@]}" | grep -v '^#' | LC_ALL=C sort -s -t' ' -k1,1; echo '# EOF'; } >"$work/one.om.part"
    mv "$work/one.om.part" "$work/one.om"
fi
echo "== $(grep -vc '^#' "$work/one.om") samples of $members members over 14 days into blocks, $(nproc) cores"
import() { echo "bash -c 'mkdir -p $work/ours && $ours import --quiet $1 --data-dir $work/ours'"; }
benches/alternate.py --runs "$runs" --warmup 0 --bar 0.025 --fresh "$work/ours" --fresh "$work/theirs" \
    "import for 1y=$(import "$audit")" "import for 15d=$(import "$short")" \
    "promtool=promtool tsdb create-blocks-from --quiet openmetrics $work/one.om $work/theirs" || missed=1

echo "== import of 14, 28, 56 and 112 days: each at most 2.2 times the one before"
previous=
for days in 14 28 56 112; do
    audit=$(scored $days 1y)
    took=$(for _ in $(seq "$runs"); do
        rm -rf "$work/ours"; mkdir -p "$work/ours"
        began=$(date +%s.%N)
        "$ours" import --quiet "$audit" --data-dir "$work/ours"
        echo "$(date +%s.%N) - $began" | bc
    done | sort -n | sed -n "$(((runs + 1) / 2))p")
    awk -v days=$days -v took="$took" -v before="$previous" 'BEGIN {
        printf "%4d days %7.2f s", days, took
        if (before == "") { print ""; exit 0 }
        printf "  %.2f times the one before (bar 2.2)\n", took / before
        exit took / before > 2.2
    }' || missed=1
    previous=$took
done

echo "== writing OpenMetrics: at least 10 million samples a second a core"
memory=$work/emitted
[ -w /dev/shm ] && memory=/dev/shm/etcd-heatmap-emit
"$target/release/examples/emit" --out "$memory" --runs "$runs" | tee "$work/emit.log"
rm -rf "$memory"
awk '{ exit $1 < 10 }' "$work/emit.log" || missed=1
exit $missed
