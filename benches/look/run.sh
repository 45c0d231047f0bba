#!/usr/bin/env bash
# Measures the outputs for people, for a year of 20 clusters with 3 members each at 1 minute (31 million rows, 700,000
# cells): scoring with all outputs against scoring alone, file sizes, problems, memory, and how soon Chromium shows the
# report's first heat map.
#
#   benches/look/run.sh
#   RUNS=5 benches/look/run.sh
#
# Needs GNU time, chromium, python3 with tests/oracle/requirements.txt (./test makes it); 4 GB under the target folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=${RUNS:-3}
target=${CARGO_TARGET_DIR:-$PWD/target}
python=${ETCD_HEATMAP_ORACLE_PYTHON:-$target/oracle-venv/bin/python}
work=$target/bench/look

mkdir -p "$work"
# shellcheck source=benches/year.sh
source benches/year.sh

echo "== a year of 60 members at 1 minute, $(nproc) cores"
benches/alternate.py --runs "$runs" --warmup 1 --fresh "$work/all" --fresh "$work/scores" \
    "everything=$ours score $year --out $work/all --quiet" \
    "scores=$ours score $year --out $work/scores --quiet --formats parquet,csv,openmetrics" | tee "$work/times"
missed=0
awk '/^everything / { all = $2 } /^scores / { scores = $2 } END {
    printf "outputs for people: %.2f s more, bar 10 s: %s\n", all - scores, all - scores < 10 ? "held" : "MISSED"
    exit all - scores >= 10
}' "$work/times" || missed=1
# The timed folder was emptied, so write it again.
"$ours" score "$year" --out "$work/all" --quiet
ls -l "$work"/all/report.html "$work"/all/heatmap.* "$work"/all/heatmap_wide.csv "$work"/all/{problems,findings,evidence,rules}.csv
bytes=$(stat -c %s "$work/all/report.html")
((bytes < 5000000)) || { echo "report.html: $bytes bytes, bar 5,000,000: MISSED"; missed=1; }

echo "== problems"
rows=$(($(wc -l <"$work/all/problems.csv") - 1))
first=$(sed -n 2,3p "$work/all/problems.csv" | cut -d, -f4,8 | paste -sd' ')
lines=$(COLUMNS=80 "$ours" findings "$year" 2>/dev/null | wc -l)
echo "problems.csv: $rows rows (bar 150), the first two: $first (bar: a slow disk every day); findings: $lines lines (bar 60)"
{ ((rows <= 150 && lines <= 60)) && [[ $first == "slow_disk,daily"*" slow_disk,daily"* ]]; } || { echo MISSED; missed=1; }

echo "== memory"
kib=$(command time -f %M "$ours" score "$year" --out "$work/all" --quiet 2>&1 >/dev/null | tail -1)
echo "peak with all outputs: $((kib / 1024)) MiB (bar 250)"
((kib <= 250 * 1024)) || { echo MISSED; missed=1; }

echo "== the report's first picture"
"$python" -B tests/oracle/report_speed.py "$work/all/report.html" --bar 1 || missed=1
exit "$missed"
