#!/usr/bin/env bash
# Measures how much of a data directory of 2 GB a pull reads, where a tenth is etcd's and the rest belongs to other
# programs, series by series in the same blocks. Bars: the index files and 1.2 times etcd's chunks; 300 MB of memory.
#
#   benches/raw/directory.sh
#
# Run benches/raw/run.sh first: its blocks have the same etcd series alone, which gives the size of their chunks. Needs
# promtool, GNU time, jq.
set -euo pipefail
cd "$(dirname "$0")/../.."

days=7 first=2026-10-01 targets=${TARGETS:-470} series=${SERIES:-12}
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/raw
ours=${BIN:-$target/release}/etcd-heatmap
alone=$target/bench/simulated/raw-3-20-$days
[ -e "$alone/complete" ] || { echo "error: run benches/raw/run.sh first" >&2; exit 1; }

data=$target/bench/simulated/directory-$targets-$series
if [ ! -e "$data/complete" ]; then
    rm -rf "$data"
    mkdir -p "$data"
    for day in $(seq 0 $((days - 1))); do
        start=$(date -u -d "$first + $day days" +%F)
        "$work/simulate" --clusters 3 --members 20 --days 1 --scrape 15s --seed "$day" --start "$start" \
            --out "$work/etcd.om" >/dev/null
        {
            python3 benches/raw/others.py "$(date -u -d "$start" +%s)" "$targets" "$series" "$day"
            cat "$work/etcd.om"
        } >"$work/day.om"
        promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=18h "$work/day.om" "$data"
    done
    rm "$work/day.om" "$work/etcd.om"
    touch "$data/complete"
fi

samples=$(jq -s 'map(.stats.numSamples) | add' "$data"/*/meta.json)
echo "== $samples samples in $(du -sh "$data" | cut -f1)"
range="--promql 2.42 --start $first --end $(date -u -d "$first + $days days" +%F) --step 1m --series raw"
pull="$ours pull --from $data $range --out"
rm -rf "$work/directory" "$work/alone"
/usr/bin/time -f "%e s, %U s of processor time, at most %M KiB" -o "$work/directory.time" $pull "$work/directory" 2>"$work/directory.log"
cat "$work/directory.time"
read=$(sed -n 's/^pulled .* from \([0-9.]*\) MiB.*/\1/p' "$work/directory.log")
bytes() { du -cb "$1"/*/"$2" | tail -1 | cut -f1; }
awk -v read="$read" -v tables="$(bytes "$data" index)" -v chunks="$(bytes "$alone" chunks)" -v all="$(bytes "$data" chunks)" 'BEGIN {
    mib = 1048576; allowed = (tables + 1.2 * chunks) / mib
    printf "chunks: %.1f MiB, %.1f MiB of them etcd\x27s; index files: %.1f MiB\n", all / mib, chunks / mib, tables / mib
    printf "read %.1f MiB of %.1f MiB allowed: %s\n", read, allowed, read <= allowed ? "held" : "MISSED"
    exit (read > allowed)
}'
awk '{ exit $(NF - 1) > 300e6 / 1024 }' "$work/directory.time" || { echo "more than 300 MB of memory: MISSED"; exit 1; }
"$ours" pull --quiet --from "$alone" $range --out "$work/alone"
"${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}" -B benches/raw/same.py "$work/directory" "$work/alone"
