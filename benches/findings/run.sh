#!/usr/bin/env bash
# Measures precision and recall of findings on 50 simulated histories, each through promtool, a real Prometheus and
# pull. The rules were tuned on seeds 1 to 20; this uses seeds 1001 to 1050 (FROM=1 TO=20 for the others). plan.py
# defines what is simulated, judge.py what a match is.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
export target
from=${FROM:-1001} to=${TO:-1050}
for program in prometheus promtool python3; do
    command -v "$program" >/dev/null || { echo "error: $program is missing: apt-get install prometheus python3" >&2; exit 1; }
done
cargo build --release --bin etcd-heatmap --example simulate

# Creates the history of one seed once, and computes the findings in it on every run.
one() {
    set -euo pipefail
    local folder=$target/bench/findings/$1 server work
    # shellcheck source=benches/server.sh
    . benches/server.sh
    if [ ! -e "$folder/complete-with-evidence" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        work=$folder
        mapfile -t arguments < <(python3 -B benches/findings/plan.py "$1")
        "$target/release/examples/simulate" "${arguments[@]}" --out "$folder/raw.om" --truth "$folder/truth.csv" \
            --elections "$folder/elections.csv" 2>"$folder/simulate.log"
        promtool tsdb create-blocks-from openmetrics --max-block-duration=486h --quiet "$folder/raw.om" "$folder/data" >&2
        # A server marks a series stale when a scrape fails; imported blocks have no such marks. A look-back of one and a
        # half scrapes shows a process that hangs for minutes as the server's own samples would.
        serve "$folder/data" --query.lookback-delta=90s
        trap 'kill "$server"' EXIT
        "$target/release/etcd-heatmap" pull --quiet --url "$url" --start 2026-10-01 --end 2026-10-09 --step 1m \
            --evidence auto --out "$folder/audit"
        kill "$server"
        trap - EXIT
        rm -rf "$folder/raw.om" "$folder/data"
        touch "$folder/complete-with-evidence"
    fi
    "$target/release/etcd-heatmap" findings --csv "$folder/audit" >"$folder/findings.csv" 2>/dev/null
    "$target/release/etcd-heatmap" score "$folder/audit" --out "$folder/scored" --formats problems --quiet
    cp "$folder/scored/problems.csv" "$folder/problems.csv"
}
export -f one
seq "$from" "$to" | xargs -P "$(nproc)" -I{} bash -c 'one {}'
folders=()
for seed in $(seq "$from" "$to"); do
    folders+=("$target/bench/findings/$seed")
done
python3 -B tests/oracle/judge.py "${folders[@]}"
