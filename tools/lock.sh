#!/usr/bin/env bash
# Writes constraints.txt anew: what pyproject.toml asks for, resolved today, each release with its hashes.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?"usage: tools/lock.sh PYTHON"}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet uv
{
  echo "# Every package the station runs and is tested with, pinned with hashes. Made by \`make lock\`; do not edit."
  "$scratch/venv/bin/uv" pip compile pyproject.toml --quiet --extra dev --universal --fork-strategy fewest \
    --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
} >"$scratch/constraints.txt"
mv "$scratch/constraints.txt" constraints.txt
