"""The mark: shapes get through, everything else is refused with a sentence or left out."""

from __future__ import annotations

import io

import pytest
from PIL import Image, PngImagePlugin

from station.base.errors import BadInput
from station.setup.mark import (
    HAS_SCRIPT,
    HAS_TEXT,
    KEPT_EDGE,
    MAX_SVG_BYTES,
    NOT_READABLE,
    NOT_WELL_FORMED,
    POINTS_OUTSIDE,
    TOO_LARGE,
    WRONG_KIND,
    check_mark,
)

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
DRAWN = f"""<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg {NS} xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" width="24px" height="24" inkscape:version="1">
<metadata><x>drawn by somebody</x></metadata><inkscape:grid/>
<defs><linearGradient id="a"><stop offset="0" style="stop-color:#fff;-inkscape-x:1"/></linearGradient>
<linearGradient id="b" xlink:href="#a"/></defs>
<path class="x" d="M9 12h6" style="fill:none; stroke:#0b5351" clip-path="url(#b)"/></svg>"""


def svg(inside: str, attributes: str = 'viewBox="0 0 9 9"') -> bytes:
    return f"<svg {NS} {attributes}>{inside}</svg>".encode()


def fault_of(sent: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        check_mark(sent)
    return refused.value.fields["mark"]


def test_shapes_are_written_anew_without_what_programs_add() -> None:
    """Frame, path, gradient and inline style survive; metadata, classes, editor's own things and the size do not."""
    mark = check_mark(DRAWN.encode())
    text = mark.body.decode()
    assert mark.kind == "svg" and 'viewBox="0 0 24 24"' in text and "width" not in text
    for kept in ('d="M9 12h6"', 'stroke="#0b5351"', 'fill="none"', 'clip-path="url(#b)"', 'href="#a"'):
        assert kept in text, kept
    for gone in ("metadata", "somebody", "inkscape", "class", "style=", "DOCTYPE", "xlink"):
        assert gone not in text, gone
    assert check_mark(mark.body).body == mark.body


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (svg("<script>1</script>"), HAS_SCRIPT),
        (svg("<metadata><script>1</script></metadata>"), HAS_SCRIPT),
        (svg("<foreignObject/>"), HAS_SCRIPT),
        (svg('<path d="M0 0" onclick="x"/>'), HAS_SCRIPT),
        (svg("<path/>", 'viewBox="0 0 9 9" onload="x"'), HAS_SCRIPT),
        (svg('<animate attributeName="href"/>'), HAS_SCRIPT),
        (svg('<set attributeName="fill"/>'), HAS_SCRIPT),
        (svg('<use href="https://example.com/a.svg#b"/>'), POINTS_OUTSIDE),
        (svg('<a href="https://example.com/"><path/></a>'), POINTS_OUTSIDE),
        (svg('<linearGradient xlink:href="other.svg#a"/>'), POINTS_OUTSIDE),
        (svg('<path fill="url(https://example.com/x)"/>'), POINTS_OUTSIDE),
        (svg('<path style="filter:url(https://example.com/x)"/>'), POINTS_OUTSIDE),
        (svg("<image/>"), HAS_TEXT),
        (svg("<style>path{}</style>"), HAS_TEXT),
        (svg("<text>字</text>"), HAS_TEXT),
        (svg("<path/>", ""), NOT_WELL_FORMED),
        (svg("<path>"), NOT_WELL_FORMED),
        (b"<html/>", NOT_WELL_FORMED),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', HAS_SCRIPT),
        (svg("<g>" * 30 + "</g>" * 30), TOO_LARGE),
        (svg("<path/>" * 2000), TOO_LARGE),
        (svg(f'<path d="{"1 " * (MAX_SVG_BYTES // 2)}"/>'), TOO_LARGE),
        (b"GIF89a", WRONG_KIND),
        (b"", WRONG_KIND),
        (b"\x89PNG\r\n\x1a\nnothing", NOT_READABLE),
    ],
)
def test_what_could_do_harm_is_refused_in_words(sent: bytes, fault: str) -> None:
    """Scripts, events, references and what is no mark: each has its sentence, and nothing of it is kept."""
    assert fault_of(sent) == fault


def test_a_png_is_encoded_anew_and_small() -> None:
    """Its texts stay behind, its long edge is bounded; one of too many pixels is refused by its header."""
    sent = io.BytesIO()
    hidden = PngImagePlugin.PngInfo()
    hidden.add_text("comment", "made by somebody")
    Image.new("RGB", (900, 300), "#0b5351").save(sent, "PNG", pnginfo=hidden)
    mark = check_mark(sent.getvalue())
    with Image.open(io.BytesIO(mark.body)) as kept:
        assert (kept.format, kept.width, kept.info) == ("PNG", KEPT_EDGE, {})
    large = io.BytesIO()
    Image.new("1", (2001, 2000)).save(large, "PNG")
    assert fault_of(large.getvalue()) == TOO_LARGE
