#!/usr/bin/env bash
# Corrupts emitted OpenMetrics files at random, 100 times (MUTATIONS=1000 for more). Each corruption must be detected by
# `lint`, or by comparing the counts of promtool's blocks with those of the file. The table also shows how many promtool
# alone accepts.
set -euo pipefail
cd "$(dirname "$0")/../.."

export ETCD_HEATMAP_MUTATIONS=${MUTATIONS:-100}
cargo test --release --test behaviour -- --nocapture random_corruptions_of_emitted_files
