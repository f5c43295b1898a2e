#!/usr/bin/env bash
# Installs Janus, which the forwarding benchmark compares with, where apt and root (or sudo without a password) allow.
# Where they do not, the benchmark says so and leaves the comparison out.
set -euo pipefail

if command -v janus >/dev/null || ! command -v apt-get >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo env)
else
  exit 0
fi
echo "Installing Janus to compare with ..."
# RUNLEVEL=1: the package's own server is not started, the benchmark starts a private one.
quiet=(DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
{ "${as_root[@]}" "${quiet[@]}" update && "${as_root[@]}" "${quiet[@]}" install -y --no-install-recommends janus; } >/dev/null ||
  echo "Janus could not be installed." >&2
