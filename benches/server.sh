# shellcheck shell=bash
# Sourced by the benchmarks that need a server: functions for simulated data, and for a real Prometheus that serves it.
# The caller must have built the example `simulate` and set $target, and $work before it calls `serve`.
# shellcheck disable=SC2154

# Creates raw etcd metrics from a given day, scraped once a minute; prints the folder. Benchmarks share the data.
simulated() {
    local clusters=$1 members=$2 start=$3 days=$4
    local folder=$target/bench/simulated/$clusters-$members-$start-$days
    if [ ! -e "$folder/complete" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        "$target/release/examples/simulate" --clusters "$clusters" --members "$members" --start "$start" \
            --days "$days" --scrape 60s --out "$folder.om" >&2
        # One large block instead of one per two hours, because promtool reads the file once for each block.
        promtool tsdb create-blocks-from openmetrics --max-block-duration=486h --quiet "$folder.om" "$folder" >&2
        rm "$folder.om"
        touch "$folder/complete"
    fi
    echo "$folder"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until a URL answers.
await() {
    for _ in $(seq 150); do
        curl --silent --fail --output /dev/null "$1" && return
        sleep 0.2
    done
    echo "error: $1 does not answer" >&2
    return 1
}

# Starts a Prometheus on a folder of blocks, with further flags, at $address or on the loopback; sets $url and $server (its
# process ID).
serve() {
    local port host=${address:-127.0.0.1}
    port=$(free_port)
    url=http://$host:$port
    echo 'global: {}' >"$work/prometheus.yml"
    prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$1" \
        --storage.tsdb.retention.time=100y --web.listen-address="$host:$port" \
        --log.level=warn "${@:2}" >"$work/prometheus.log" 2>&1 &
    server=$!
    await "$url/-/ready"
}

# Prints the processor time that the server has used, in seconds.
server_seconds() {
    awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f\n", ($14 + $15) / hz }' "/proc/$server/stat"
}
