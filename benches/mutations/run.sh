#!/usr/bin/env bash
# Corrupts emitted OpenMetrics files at random; MUTATIONS=1000 asks for more than 100. Each has to be caught by `lint`, or
# by comparing what promtool's blocks hold with what was emitted. The table says how many promtool alone lets through.
set -euo pipefail
cd "$(dirname "$0")/../.."

export ETCD_HEATMAP_MUTATIONS=${MUTATIONS:-100}
cargo test --release --test behaviour -- --nocapture random_corruptions_of_emitted_files
