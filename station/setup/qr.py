"""QR codes (ISO/IEC 18004) for a page, as SVG without inline styles."""

from __future__ import annotations

import segno
from markupsafe import Markup


def svg_of(content: str) -> Markup:
    """The code as an element of a page; error correction M, with the quiet zone."""
    code = segno.make(content, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, border=4, dark="#17211f", light="#fff", omitsize=True, svgclass="qr"))  # noqa: S704
