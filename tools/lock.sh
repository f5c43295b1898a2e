#!/usr/bin/env bash
# Writes constraints.txt and constraints-dev.txt anew: what pyproject.toml asks for, resolved today, with hashes.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?"usage: tools/lock.sh PYTHON"}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --require-hashes -r tools/requirements.txt

resolve() {
  "$scratch/venv/bin/uv" pip compile pyproject.toml --quiet --universal --fork-strategy fewest \
    --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate "$@"
}

{
  echo "# Every package that the station runs with, pinned with hashes. Made by \`make lock\`; do not edit."
  resolve
} >"$scratch/constraints.txt"
{
  echo "# The same and what it is tested and checked with. Made by \`make lock\`; do not edit."
  resolve --extra dev --constraints "$scratch/constraints.txt"
} >"$scratch/constraints-dev.txt"
mv "$scratch/constraints.txt" "$scratch/constraints-dev.txt" .
