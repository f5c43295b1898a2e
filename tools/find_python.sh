#!/usr/bin/env bash
# Prints the newest Python here that the station runs on (3.11 or later), or says in one sentence what is missing.
set -euo pipefail
fits='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c "$fits" >/dev/null 2>&1; then
    command -v "$name"
    exit 0
  fi
done
found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "no python3")
echo "The station needs Python 3.11 or later with its venv module (found: $found); install it, or name one: make PYTHON=/path/to/python3.11 run" >&2
exit 1
