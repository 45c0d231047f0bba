#!/usr/bin/env bash
# Computes the score in five engines on more than ten million readings: the original's decimal arithmetic in Python, the
# recording rules in a real Prometheus, the SQL in DuckDB, the notebook's Polars, and `etcd-heatmap score`. The bar: no
# score and no cell differs, and peak memory is at most 4 GiB.
#
#   benches/engines/run.sh                     profile seed
#   PROFILE=operator benches/engines/run.sh    another profile, such as that with caps
#
# Needs 3 GB under the target folder, prometheus, promtool, python3 with venv, GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."

days=${DAYS:-60}
members=${MEMBERS:-20}
clusters=${CLUSTERS:-5}
profile=${PROFILE:-seed}
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/engines
audit=$work/audit-$members-$clusters-$days

mkdir -p "$work"
export CARGO_TARGET_DIR=$target
cargo build --release --quiet --bin etcd-heatmap --example history
ours=$target/release/etcd-heatmap

python=$work/venv/bin/python
if ! cmp -s tests/oracle/requirements.txt "$work/venv/requirements.txt"; then
    python3 -m venv --clear "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r tests/oracle/requirements.txt
    cp tests/oracle/requirements.txt "$work/venv/requirements.txt"
fi

if [ ! -e "$audit/complete" ]; then
    rm -rf "$audit"
    "$target/release/examples/history" --members "$members" --clusters "$clusters" \
        --start 2026-08-01 --days "$days" --step 1m --seed 1 --out "$audit"
    touch "$audit/complete"
fi
"$ours" score "$audit" --profile "$profile" --quiet
"$ours" rules --profile "$profile" >"$work/rules.yml"
"$ours" sql --profile "$profile" >"$work/score.sql"

echo "== $members members, $days days at 1 minute, profile $profile, $(prometheus --version | sed -n 's/^prometheus, version \([0-9.]*\).*/Prometheus \1/p')"
missed=0
# The peak is that of the largest process: Python, promtool or Prometheus.
TMPDIR=$work /usr/bin/time -f '%e %M' -o "$work/used" "$python" -B tests/oracle/engines.py "$audit" \
    --step 60 --rules "$work/rules.yml" --sql "$work/score.sql" --profile "$profile" || missed=1
awk '{ printf "%.0f s, peak %.0f MiB, bar 4096: %s\n", $1, $2 / 1024, $2 <= 4194304 ? "held" : "MISSED"
       exit $2 > 4194304 }' <(tail -n 1 "$work/used") || missed=1
exit "$missed"
