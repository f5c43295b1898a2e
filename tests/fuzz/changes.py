"""Small changes of real input: what a hostile or broken peer makes of it."""

from __future__ import annotations

from hypothesis import strategies as st

Change = tuple[str, int, int]
KINDS = ("set", "flip", "insert", "delete", "cut", "double", "join", "big")
CHANGES: st.SearchStrategy[Change] = st.tuples(st.sampled_from(KINDS), st.integers(0, 4095), st.integers(0, 255))


def change(data: bytes, other: bytes, changes: list[Change]) -> bytes:
    """The input after all changes; `other` is a second input to take from."""
    for kind, place, value in changes:
        data = _change(data, other, kind, place % (len(data) + 1), value)
    return data[:20_000]


def _change(data: bytes, other: bytes, kind: str, at: int, value: int) -> bytes:
    if kind == "set":
        return data[:at] + bytes([value]) + data[at + 1 :]
    if kind == "flip":
        return data[:at] + bytes(byte ^ 1 << value % 8 for byte in data[at : at + 1]) + data[at + 1 :]
    if kind == "insert":
        return data[:at] + bytes([value]) * (1 + value % 5) + data[at:]
    if kind == "delete":
        return data[:at] + data[at + 1 + value % 9 :]
    if kind == "cut":
        return data[:at]
    if kind == "double":
        return data[:at] + data[at : at + value] * 2 + data[at + value :]
    if kind == "join":
        return data[:at] + other[len(other) * value // 256 :]
    return data[:at] + (b"\xff\xff", b"\x00\x00", b"\x7f\xff", b"\x80\x00")[value % 4] + data[at + 2 :]
