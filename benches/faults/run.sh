#!/usr/bin/env bash
# Pulls through random schedules of faults; SCHEDULES=1000 asks for more than 200. Each final history has to be byte
# for byte that of an undisturbed pull, at once or after one sentence and one more pull.
set -euo pipefail
cd "$(dirname "$0")/../.."

export ETCD_HEATMAP_FAULT_SCHEDULES=${SCHEDULES:-200}
cargo test --release --test behaviour -- --nocapture pulls_through_random_faults
