#!/usr/bin/env bash
# Measures a cold build, like that of a new user: `cargo build --release` into an empty target folder, and the size of the
# program that the image has: `cargo build --profile dist`. Takes 40 minutes.
# Crates are downloaded before the measurement. The report of --timings is kept.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-$PWD/target}
cold=$target/bench/build
bar=840 # 14 minutes on two cores
megabytes=42
missed=
rm -rf "$cold"
mkdir -p "$cold"
cargo fetch --locked --quiet

echo "== cold build, $(nproc) cores"
CARGO_TARGET_DIR=$cold/target /usr/bin/time -v -o "$cold/time" \
    cargo build --release --locked --timings >"$cold/log" 2>&1 || { cat "$cold/log"; exit 1; }
awk -v crates="$(grep -c '^ *Compiling' "$cold/log")" -v bar=$bar -F': ' '
    /Elapsed/ { n = split($NF, t, ":"); wall = t[n] + 60 * t[n-1] + (n > 2 ? 3600 * t[1] : 0) }
    /User time|System time/ { cpu += $NF }
    END {
        printf "%d crates, %.0f s wall, %.0f s CPU, bar %d s: %s\n", crates, wall, cpu, bar, wall <= bar ? "held" : "MISSED"
        exit wall > bar
    }' "$cold/time" || missed=1
echo "== size of the program of the image"
CARGO_TARGET_DIR=$cold/target cargo build --profile dist --locked --bin etcd-heatmap >"$cold/log" 2>&1 ||
    { cat "$cold/log"; exit 1; }
awk -v bytes="$(stat -c %s "$cold/target/dist/etcd-heatmap")" -v bar=$megabytes '
    BEGIN { held = bytes <= bar * 1e6; printf "%.1f MB, bar %d MB: %s\n", bytes / 1e6, bar, held ? "held" : "MISSED"; exit !held }' || missed=1
echo "timings: $cold/target/cargo-timings/cargo-timing.html"
[[ -z $missed ]]
