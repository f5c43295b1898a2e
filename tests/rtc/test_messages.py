"""Signalling messages are the same on both sides."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from station.rtc.rooms import messages

BROWSER = Path(__file__).parents[2] / "web" / "js" / "media" / "messages.js"


def _in_browser() -> dict[str, list[str]]:
    table = re.search(r"FIELDS = Object\.freeze\(\{(.*?)\}\)", BROWSER.read_text(), re.DOTALL)
    assert table
    return {name: json.loads(fields) for name, fields in re.findall(r"(\w+): (\[.*?\])", table[1])}


def test_both_sides_have_the_same_messages() -> None:
    """Every message has the same name and fields in Python and in the browser."""
    types = messages.Message.__subclasses__()
    ours = {str(kind.__struct_config__.tag): sorted(kind.__struct_fields__) for kind in types}
    assert ours == {name: sorted(fields) for name, fields in _in_browser().items()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"type":"join"}',
        '{"type":"join","id":1,"grant":"x"}',
        '{"type":"joined","re":"1"}',
        '{"type":"publish","id":"1","sdp":"v=0","sources":[]}',
        '{"type":"mute","id":"1","track":"t","muted":"yes"}',
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    """Unknown types, missing fields and wrong types are refused as ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        messages.decode(text)


def test_a_message_reads_as_it_was_written() -> None:
    """An encoded request decodes to itself."""
    request = messages.Publish(id="7", sdp="v=0", sources={"0": "camera"})
    assert messages.decode(messages.encode(request)) == request
    assert msgspec.json.decode(messages.encode(request))["type"] == "publish"


def test_what_a_page_reports_is_held_to_what_can_be() -> None:
    """Figures beyond all bounds become the bounds."""
    wild = messages.TrackReport(1e308, 10**400, 10**9, 1e308, -5.0, 1e308)
    assert wild.bounded() == messages.TrackReport(240.0, 10_000, 1000, 60.0, 0, 1.0)
