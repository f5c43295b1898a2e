#!/usr/bin/env bash
# Seen 2026-11-30 with PyAV 18.1.0 (its wheel brings FFmpeg's libraries) on Python 3.11.
#
# An H.264 stream names its matrix coefficients in the VUI (H.264 annex E; values of H.273 table 4). Both ways of scaling
# that PyAV offers end in libswscale, so one would expect them to take the same streams. They do not: VideoFrame.reformat scales
# a picture that says YCgCo (8) without a word, by whatever matrix it has, while a graph of `buffer` and `scale` that is
# told the same refuses it when it is configured. Whoever moves from the one to the other must decide what to do with such
# streams: a publisher, and not the receiver, writes that byte.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "av==18.1.0"
cat >"$folder/try.py" <<'PY'
from fractions import Fraction

import av
import av.filter


def decoded(matrix: str) -> av.VideoFrame:
    """A picture out of a real stream that names these coefficients."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"x264-params": f"colormatrix={matrix}"}
    plain = av.VideoFrame(320, 180, "yuv420p")
    for plane in plain.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    plain.pts = 0
    packets = [*encoder.encode(plain), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    return [frame for packet in [*packets, None] for frame in decoder.decode(packet)][0]


def by_graph(frame: av.VideoFrame) -> str:
    graph = av.filter.Graph()
    source = graph.add(
        "buffer",
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base="1/25",
        pixel_aspect="1/1",
        colorspace=str(int(frame.colorspace)),
        range=str(int(frame.color_range)),
    )
    try:
        graph.link_nodes(source, graph.add("scale", w="160", h="90"), graph.add("buffersink")).configure()
    except Exception as refused:
        return type(refused).__name__
    return "taken"


for matrix, number in (("bt709", 1), ("YCgCo", 8)):
    frame = decoded(matrix)
    assert int(frame.colorspace) == number, frame.colorspace
    small = frame.reformat(width=160, height=90, format="yuv420p")
    assert (small.width, small.height) == (160, 90)
    print(f"{matrix}: reformat takes it, the graph: {by_graph(frame)}")
    assert (by_graph(frame) == "taken") == (matrix == "bt709"), "the behaviour has changed"
PY
"$folder/venv/bin/python" "$folder/try.py"
# bt709: reformat takes it, the graph: taken
# YCgCo: reformat takes it, the graph: NotImplementedError
