#!/usr/bin/env bash
# Scores a real cluster under load live, with two members paused and resumed, through a node_exporter into Prometheus.
# Then `backfill` computes the same instants. No series may differ.
#
#   benches/live/run.sh               an hour
#   MINUTES=3 benches/live/run.sh
#
# Needs etcd, etcdctl, prometheus, prometheus-node-exporter, python3 with tests/oracle/requirements.txt (./test makes
# it).
set -euo pipefail
cd "$(dirname "$0")/../.."

minutes=${MINUTES:-60}
target=${CARGO_TARGET_DIR:-$PWD/target}
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}
work=$target/bench/live

export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap
# shellcheck source=benches/server.sh
. benches/server.sh
rm -rf "$work"
mkdir -p "$work/textfile"
processes=()
trap 'kill -CONT "${processes[@]}" 2>/dev/null; kill "${processes[@]}" 2>/dev/null; wait' EXIT

start() { # name, command…
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    processes+=($!)
}

ports=() peers=() members=()
for _ in 1 2 3; do ports+=("$(free_port)") peers+=("$(free_port)"); done
cluster=m0=http://127.0.0.1:${peers[0]},m1=http://127.0.0.1:${peers[1]},m2=http://127.0.0.1:${peers[2]}
for i in 0 1 2; do
    client=http://127.0.0.1:${ports[i]} peer=http://127.0.0.1:${peers[i]}
    start m$i etcd --name m$i --data-dir "$work/m$i" --listen-client-urls "$client" --advertise-client-urls "$client" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "$cluster"
    members+=($!)
done
node=127.0.0.1:$(free_port) port=$(free_port)
start node prometheus-node-exporter --web.listen-address="$node" --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$work/textfile"
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 5s, scrape_timeout: 4s}
scrape_configs:
- {job_name: etcd, static_configs: [{targets: ["127.0.0.1:${ports[0]}", "127.0.0.1:${ports[1]}", "127.0.0.1:${ports[2]}"]}]}
- {job_name: node, static_configs: [{targets: ["$node"]}]}
END
start prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address="127.0.0.1:$port"
url=http://127.0.0.1:$port
await "$url/-/ready"
await "http://127.0.0.1:${ports[0]}/health"

load() {
    while true; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            head -c 2000 /dev/urandom | base64 -w0 |
                ETCDCTL_API=3 timeout 20 etcdctl --endpoints "127.0.0.1:${ports[0]}" put "k$RANDOM" || true
        done
        sleep 1
    done
}
start load load
start textfile "$target/release/etcd-heatmap" textfile --url "$url" --selector 'job="etcd"' --every 15s \
    --out "$work/textfile/etcd_score.prom"
began=$(date +%s)
# Pauses one member after a sixth of the time, for a twentieth of it, and another in the middle, for a hundredth.
pause() { # member, seconds
    kill -STOP "${members[$1]}"
    sleep "$2"
    kill -CONT "${members[$1]}"
}
seconds=$((minutes * 60))
sleep $((seconds / 6))
pause 1 $((seconds / 20 > 20 ? seconds / 20 : 20))
sleep $((seconds / 6))
pause 2 $((seconds / 100 > 10 ? seconds / 100 : 10))
left=$((began + seconds - $(date +%s)))
sleep $((left > 0 ? left : 0))
ended=$(date +%s)
# Wait until the last scraped instant is in the past for the backfill too.
sleep 30
"$target/release/etcd-heatmap" backfill --quiet --url "$url" --selector 'job="etcd"' --step 15s \
    --start $((began - 60)) --end "$ended" --out "$work/audit"
"$python" -B tests/oracle/live.py "$url" "$work/audit" "$began" "$ended" "$node"
