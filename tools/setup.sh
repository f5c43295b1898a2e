#!/usr/bin/env bash
# Makes .venv with the pinned packages, and the browser parts. A second run finds the stamps and does nothing.
# `tools/setup.sh` brings what the station runs with, `tools/setup.sh dev` also what it is tested and checked with,
# `tools/setup.sh dev python` that without the browser parts, for who has no npm.
# Call it from the project's folder.
set -euo pipefail

kind=${1:-run}
case $kind in
  run) packages=constraints.txt npm_options=--omit=dev ;;
  dev) packages=constraints-dev.txt npm_options=--include=dev ;;
  *) echo "usage: tools/setup.sh [dev [python]]" >&2; exit 2 ;;
esac

stamp_of() { cat "$@" | cksum; }

# What is set up for development serves a plain run as well: the same releases, and some more.
is_ready() {
  local folder=$1 wanted=$2
  [ "$(cat "$folder/.ready-$kind" 2>/dev/null)" = "$wanted" ] || [ "$(cat "$folder/.ready-dev" 2>/dev/null)" = "$wanted" ]
}

setup_python() {
  local wanted python
  wanted=$(stamp_of constraints.txt constraints-dev.txt pyproject.toml tools/setup.sh; pwd)
  if [ -x .venv/bin/python ] && is_ready .venv "$wanted"; then return; fi
  python=$(tools/find_python.sh)
  echo "Setting up Python packages in .venv (once, about a minute) ..."
  # A virtual environment keeps the path it was made in, so a moved or half-made one is made anew.
  .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$python" -m venv --clear .venv
  PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet --require-hashes -r "$packages"
  PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
  echo "$wanted" >".venv/.ready-$kind"
}

setup_browser_parts() {
  local wanted
  wanted=$(stamp_of package.json package-lock.json tools/setup.sh)
  if [ -f web/vendor/hls.mjs ] && is_ready node_modules "$wanted"; then return; fi
  if ! command -v npm >/dev/null 2>&1; then
    echo "npm was not found: install Node.js 18 or later (it brings npm), then run make again." >&2
    exit 1
  fi
  echo "Fetching the browser parts with npm (once) ..."
  npm ci --silent --no-audit --no-fund "$npm_options"
  mkdir -p web/vendor
  sed "/^\/\/# sourceMappingURL=/d" node_modules/hls.js/dist/hls.light.min.mjs >web/vendor/hls.mjs
  sed "/^\/\/# sourceMappingURL=/d" node_modules/hls.js/dist/hls.worker.js >web/vendor/hls.worker.js
  cp node_modules/hls.js/LICENSE web/vendor/hls.LICENSE
  echo "$wanted" >"node_modules/.ready-$kind"
}

# Forwarding is done in Python where there is no compiler, and costs more of the processor there.
build_forwarding_loop() {
  local source=station/rtc/forwarding/forwarding_loop.c wanted
  local library=${source%.c}.built
  wanted=$(stamp_of "$source")
  if [ -f "$library" ] && [ "$(cat "$library.stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  rm -f "$library"
  if [ "$(uname -s)" = Linux ] && command -v cc >/dev/null 2>&1 &&
    cc -O2 -shared -fPIC -o "$library.new" "$source" 2>/dev/null; then
    mv "$library.new" "$library"
    echo "$wanted" >"$library.stamp"
  fi
}

setup_python
build_forwarding_loop
[ "${2:-}" = python ] || setup_browser_parts
