#!/usr/bin/env bash
# Asks whether advisories are known for what the station runs and is tested with; exit status 1 if there are any.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?"usage: tools/audit.sh PYTHON"}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --require-hashes -r tools/requirements.txt
"$scratch/venv/bin/pip-audit" --disable-pip --require-hashes -r constraints-dev.txt -r tools/requirements.txt
npm audit --package-lock-only
