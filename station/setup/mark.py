"""The district's mark: SVG (SVG 1.1) taken apart and written anew from an allowlist, PNG decoded and encoded anew.

What is served is only ever what was written here, so that nothing of a hostile file but its shapes survives.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from PIL import Image, UnidentifiedImageError

from station.base.errors import N_, BadInput
from station.base.identity import Mark

MAX_SVG_BYTES = 64 * 1024
MAX_PNG_BYTES = 1024 * 1024
MAX_PIXELS = 4_000_000
KEPT_EDGE = 512
MAX_ELEMENTS, MAX_DEPTH = 1500, 24
SVG_NAMESPACE = "http://www.w3.org/2000/svg"

SHAPES = {"svg", "g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon", "defs", "clipPath"}
PAINTS = {"linearGradient", "radialGradient", "stop"}
PASSED_OVER = {"title", "desc", "metadata"}
GEOMETRY = {
    "viewBox", "width", "height", "preserveAspectRatio", "id", "d", "points", "transform", "x", "y", "x1", "x2", "y1",
    "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "offset", "gradientUnits", "gradientTransform", "spreadMethod",
    "clipPathUnits",
}  # fmt: skip
PRESENTATION = {
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "stroke-opacity", "opacity", "stop-color",
    "stop-opacity", "clip-path", "clip-rule", "color", "display", "visibility",
}  # fmt: skip
_VALUE = re.compile(r"[-+\w.,%#()\s]*")
_LOCAL = re.compile(r"url\(\s*['\"]?#([\w.-]+)['\"]?\s*\)")
_LENGTH = re.compile(r"\s*(\d{1,6}(?:\.\d+)?)(?:px|pt|mm)?\s*")
_VIEW = re.compile(r"\s*(?:-?\d{1,6}(?:\.\d+)?(?:[eE]-?\d)?[\s,]*){4}")

WRONG_KIND = N_("标志要 SVG 或者 PNG 文件")
TOO_LARGE = N_("标志文件太大了：SVG 最多 64 KB，PNG 最多 1 MB，长乘宽不超过 400 万像素")
NOT_WELL_FORMED = N_("这个 SVG 读不出来，请重新导出一次")
HAS_SCRIPT = N_("这个 SVG 里有脚本或者会动的东西，不能用。请导出成只有图形的 SVG")
POINTS_OUTSIDE = N_("这个 SVG 引用了别处的文件，不能用。请把图片和字体都转成曲线再导出")
HAS_TEXT = N_("这个 SVG 里有文字、图片或者样式表，不能用。请把文字转成曲线，样式选“写在图形上”，再导出")
NOT_READABLE = N_("这个 PNG 读不出来，请重新导出一次")


def check_mark(sent: bytes) -> Mark:
    """The mark as it will be served. Raises BadInput for what is none, or may not be one."""
    if sent.startswith(b"\x89PNG\r\n\x1a\n"):
        kind, body = "png", _encode_anew(sent)
    elif sent.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        kind, body = "svg", _write_anew(sent)
    else:
        raise _refused(WRONG_KIND)
    return Mark(kind, body, hashlib.sha256(body).hexdigest())


def _refused(words: str) -> BadInput:
    return BadInput(fields={"mark": words})


def _encode_anew(sent: bytes) -> bytes:
    if len(sent) > MAX_PNG_BYTES:
        raise _refused(TOO_LARGE)
    try:
        with Image.open(io.BytesIO(sent), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:  # as the header says, before anything is decoded
                raise _refused(TOO_LARGE)
            picture = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refused(NOT_READABLE) from error
    picture.thumbnail((KEPT_EDGE, KEPT_EDGE))
    kept = io.BytesIO()
    Image.frombytes("RGBA", picture.size, picture.tobytes()).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def _write_anew(sent: bytes) -> bytes:
    if len(sent) > MAX_SVG_BYTES:
        raise _refused(TOO_LARGE)
    writer = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.StartDoctypeDeclHandler = writer.doctype
    parser.EntityDeclHandler = writer.entity
    try:
        parser.Parse(sent, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise _refused(NOT_WELL_FORMED) from error
    if not writer.parts:
        raise _refused(NOT_WELL_FORMED)
    return "".join(writer.parts).encode()


@dataclass(slots=True)
class _Writer:
    """Writes what the parser finds, as far as it is on the list."""

    parts: list[str] = field(default_factory=list)
    open_names: list[str] = field(default_factory=list)  # "" for an element that is passed over
    count: int = 0

    def doctype(self, name: str, system: str | None, public: str | None, has_internal_subset: int) -> None:
        """A reference to the SVG DTD is what many programs write: nothing is fetched. Own declarations are refused."""
        if has_internal_subset:
            raise _refused(HAS_SCRIPT)

    def entity(self, *_declared: object) -> None:
        """Refused: an entity can grow without bounds, or name a file."""
        raise _refused(HAS_SCRIPT)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.count += 1
        if self.count > MAX_ELEMENTS or len(self.open_names) >= MAX_DEPTH:
            raise _refused(TOO_LARGE)
        namespace, _, local = name.rpartition(" ")
        if self.count == 1 and (namespace, local) != (SVG_NAMESPACE, "svg"):
            raise _refused(NOT_WELL_FORMED)
        if self._is_inside_passed_over() or namespace != SVG_NAMESPACE or local in PASSED_OVER:
            self._check_foreign(namespace, local)
            self.open_names.append("")
            return
        if local not in SHAPES | PAINTS:
            raise _refused(_why_not(local))
        kept = _attributes(attributes)
        if self.count == 1:
            kept = {"xmlns": SVG_NAMESPACE, **_framed(kept)}
        written = "".join(f" {key}={quoteattr(value)}" for key, value in kept.items())
        self.parts.append(f"<{local}{written}>")
        self.open_names.append(local)

    def end(self, _name: str) -> None:
        """An element ends."""
        local = self.open_names.pop()
        if local:
            self.parts.append(f"</{local}>")

    def _is_inside_passed_over(self) -> bool:
        return bool(self.open_names) and not self.open_names[-1]

    def _check_foreign(self, namespace: str, local: str) -> None:
        if local.lower() in {"script", "foreignobject", "iframe", "html", "object", "embed"}:
            raise _refused(HAS_SCRIPT)


def _why_not(local: str) -> str:
    moving = local.startswith(("animate", "set")) or local in {"script", "foreignObject", "handler", "listener"}
    if moving:
        return HAS_SCRIPT
    return POINTS_OUTSIDE if local in {"a", "use", "feImage"} else HAS_TEXT


def _attributes(sent: dict[str, str]) -> dict[str, str]:
    """Those on the list, in one spelling. Raises BadInput for scripts and for what points outside."""
    kept: dict[str, str] = {}
    for name, value in sent.items():
        local = name.rpartition(" ")[2]
        if local.lower().startswith("on"):
            raise _refused(HAS_SCRIPT)
        if local == "href":
            kept |= _reference(value)
        elif name == "style":
            kept |= _declarations(value)
        elif name in GEOMETRY | PRESENTATION:
            kept[name] = _checked(value)
    return kept


def _reference(value: str) -> dict[str, str]:
    """A gradient may go on from another one of the same file (SVG 2: href without a prefix)."""
    if re.fullmatch(r"#[\w.-]+", value) is None:
        raise _refused(POINTS_OUTSIDE)
    return {"href": value}


def _declarations(style: str) -> dict[str, str]:
    kept = {}
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in PRESENTATION:
            kept[name] = _checked(value)
        elif "url" in value.lower() or "\\" in value:
            raise _refused(POINTS_OUTSIDE)
    return kept


def _checked(value: str) -> str:
    without_local = _LOCAL.sub("", value)
    if "url" in without_local.lower() or ":" in without_local or _VALUE.fullmatch(without_local) is None:
        raise _refused(POINTS_OUTSIDE)
    return _LOCAL.sub(r"url(#\1)", value)


def _framed(kept: dict[str, str]) -> dict[str, str]:
    """The root with a frame in its own units and no size: pages say how large it is shown. Raises BadInput."""
    width, height = _LENGTH.fullmatch(kept.pop("width", "")), _LENGTH.fullmatch(kept.pop("height", ""))
    if "viewBox" not in kept and width and height:
        kept["viewBox"] = f"0 0 {width[1]} {height[1]}"
    if _VIEW.fullmatch(kept.get("viewBox", "")) is None:
        raise _refused(NOT_WELL_FORMED)
    return kept
