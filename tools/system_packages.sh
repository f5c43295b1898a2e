#!/usr/bin/env bash
# Installs what the tests drive besides Python packages: two browsers, two databases, media tools, a font, TURN,
# nginx, a C compiler.
# With apt and root (or sudo without a password) it does so itself; elsewhere it says what is missing.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

have_font() { [ -n "$(fc-list ':lang=zh' 2>/dev/null | head -c1)" ]; }
have_h264_for_webkit() { ls /usr/lib/*/gstreamer-1.0/libgstlibav.so >/dev/null 2>&1; }
have_postgres() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
# The system's Python has the bindings, not ours; python3 may be another one earlier on the path.
have_gstreamer() {
  /usr/bin/python3 -c '
import gi
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ("webrtcbin", "nicesrc", "vp8enc", "opusenc", "srtpenc"))))
' >/dev/null 2>&1
}

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v chromium >/dev/null || missing+=(chromium)
command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing+=(firefox-esr)
have_postgres || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
command -v espeak-ng >/dev/null || missing+=(espeak-ng)
command -v turnserver >/dev/null || missing+=(coturn)
command -v nginx >/dev/null || missing+=(nginx)
command -v Xvfb >/dev/null || missing+=(xvfb)
command -v WebKitWebDriver >/dev/null || missing+=(webkit2gtk-driver)
have_h264_for_webkit || missing+=(gstreamer1.0-libav gstreamer1.0-plugins-good gstreamer1.0-plugins-bad)
command -v mpv >/dev/null || missing+=(mpv)
command -v fc-list >/dev/null || missing+=(fontconfig)
have_gstreamer || missing+=(python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice)
have_font || missing+=(fonts-noto-cjk)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo env)
else
  as_root=()
fi
if [ ${#as_root[@]} -eq 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need these packages, which can only be installed by an administrator: ${missing[*]}" >&2
  exit 1
fi
echo "Installing what the tests drive: ${missing[*]} ..."
# RUNLEVEL=1: the packages' own servers are not started, the tests start private ones.
quiet=(DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
"${as_root[@]}" "${quiet[@]}" update
"${as_root[@]}" "${quiet[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
