#!/usr/bin/env bash
# Measures `backfill --sample` with a warm cache: the first command of a new user.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-$PWD/target}
out=$target/bench/sample/out
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap
mkdir -p "$target/bench/sample"

echo "== backfill --sample, $(nproc) cores"
benches/alternate.py --runs "${RUNS:-9}" --seconds 2 --fresh "$out" \
    "etcd-heatmap backfill --sample=$target/release/etcd-heatmap backfill --sample --out $out"
