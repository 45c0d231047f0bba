#!/usr/bin/env bash
# What evidence of causes costs a server: whole pulls with --evidence none, auto and all in turn, each with the processor time
# a real Prometheus and the bytes of questions and answers, with all searches: compressed, as from another machine. Bars for
# auto against none: 1.35 times the time, 1.5 times the bytes. Needs root, for a network in which nothing else counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${IN_ITS_NETWORK-} ]]; then
    [[ -n ${ETCD_HEATMAP-} ]] || cargo build --release --bin etcd-heatmap --example simulate
    exec env IN_ITS_NETWORK=1 unshare --net "$0"
fi
# Answers over the loopback are not compressed, and those to this address are.
ip link set lo up
export address=198.51.100.1
ip address add "$address/32" dev lo
target=${CARGO_TARGET_DIR:-$PWD/target}
program=${ETCD_HEATMAP:-$target/release/etcd-heatmap}
rounds=${ROUNDS:-9}
for one in prometheus promtool python3 curl ip; do
    command -v "$one" >/dev/null || { echo "error: $one is missing: apt-get install prometheus python3 curl iproute2" >&2; exit 1; }
done
# shellcheck source=benches/server.sh
. benches/server.sh
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$work"' EXIT

# The bytes that the network has carried.
received() {
    awk '$1 == "lo:" { print $2 }' /proc/net/dev
}

# measure NAME FLAGS...: pulls in turn, and prints a table.
measure() {
    local name=$1 round evidence before after seconds bytes
    shift
    for ((round = 0; round <= rounds; round++)); do
        for evidence in none auto all; do
            rm -rf "$work/out"
            before=$(received)
            seconds=$(server_seconds)
            "$program" pull --quiet --url "$url" "$@" --evidence "$evidence" --out "$work/out"
            after=$(server_seconds)
            bytes=$(($(received) - before))
            # The first round only warms up.
            ((round == 0)) || echo "$evidence $(python3 -c "print($after - $seconds)") $bytes" >>"$work/$name.txt"
        done
    done
    python3 - "$name" "$work/$name.txt" <<'END'
import statistics, sys
rows = [line.split() for line in open(sys.argv[2])]
median = lambda of, column: statistics.median(float(row[column]) for row in rows if row[0] == of)
for of in ("none", "auto", "all"):
    seconds, size = median(of, 1), median(of, 2)
    print(f"{sys.argv[1]}: {of}: {seconds:.2f} s, {size / 1e6:.2f} MB, "
          f"{seconds / median('none', 1):.2f} and {size / median('none', 2):.2f} times")
END
}

cp -r tests/lab/data "$work/lab"
serve "$work/lab"
read -r start end < <(python3 -c 'import json; lab = json.load(open("tests/lab/labels.json")); print(int(lab["start"]), int(lab["end"]))')
measure lab --start "$start" --end "$end" --step 2s
kill "$server"
wait "$server" 2>/dev/null || true

"${SIMULATE:-$target/release/examples/simulate}" --clusters 5 --members 3 --start 2026-10-01 --days 2 --scrape 30s --evidence \
    --out "$work/simulated.om" >/dev/null 2>&1
promtool tsdb create-blocks-from openmetrics --max-block-duration=486h --quiet "$work/simulated.om" "$work/simulated" >&2
serve "$work/simulated"
measure simulated --start 2026-10-01 --end 2026-10-03 --step 1m
