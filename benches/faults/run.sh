#!/usr/bin/env bash
# Pulls through 200 random schedules of faults (SCHEDULES=1000 for more). Each history must have the same bytes as that
# of an undisturbed pull, either at once or after one error message and a second pull.
set -euo pipefail
cd "$(dirname "$0")/../.."

export ETCD_HEATMAP_FAULT_SCHEDULES=${SCHEDULES:-200}
cargo test --release --test behaviour -- --nocapture pulls_through_random_faults
