#!/usr/bin/env bash
# Scores 30 million rows (300 members, 71 days at 1 minute) with deploy/spark/score.py on a cluster of Spark's on this
# machine, whose two executors are processes of their own, and with `etcd-heatmap score`. The bar: no score and no cell
# differs. Their times are printed for information: a cluster is not made for one machine.
#
#   benches/engines/spark.sh                                     profile seed
#   FLAGS='--profile operator --rollup quorum' benches/engines/spark.sh
#
# Needs 4 GB under the target folder, a Java runtime of version 17, python3 with venv, GNU time.
set -euo pipefail
cd "$(dirname "$0")/../.."

days=${DAYS:-71}
members=${MEMBERS:-300}
clusters=${CLUSTERS:-20}
read -ra flags <<<"${FLAGS:---profile seed}"
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/bench/engines
audit=$work/lake-$members-$clusters-$days

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
"$ours" sql --dialect spark "${flags[@]}" >"$work/score.spark.sql"

# used WHAT: prints seconds and processor time of the last run.
used() {
    awk -v what="$1" '{ printf "%s: %.0f s, %.0f s CPU\n", what, $1, $2 + $3 }' "$work/used"
}

echo "== $members members, $days days at 1 minute, ${flags[*]}"
/usr/bin/time -f '%e %U %S' -o "$work/used" "$ours" score "$audit" --quiet --formats csv,parquet "${flags[@]}"
used "etcd-heatmap score"
rm -rf "$work/spark"
SPARK_HOME=$("$python" -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)')
export SPARK_HOME PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python
SPARK_LOCAL_IP=127.0.0.1 SPARK_WORKER_DIR=$work/spark/work /usr/bin/time -f '%e %U %S' -o "$work/used" \
    "$work/venv/bin/spark-submit" --master 'local-cluster[2,1,2048]' --executor-memory 2g --driver-memory 2g \
    --conf spark.local.dir="$work/spark/local" --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=8 \
    deploy/spark/score.py "$audit/history" "$work/spark/out" --sql "$work/score.spark.sql" 2>"$work/spark.log" ||
    { tail -n 40 "$work/spark.log" && exit 1; }
used "Spark"
"$python" -B benches/engines/spark.py "$audit" "$work/spark/out"
