"""STUN: only what is signed with our password counts."""

from __future__ import annotations

import aioice.stun
from hypothesis import given
from hypothesis import strategies as st

from station.rtc.formats.stun import binding_request, binding_success, parse_binding_request

TRANSACTION = b"123456789012"


def test_a_check_by_another_implementation_is_understood() -> None:
    """A request written by aioice is read with its user name and nomination, and its signature is checked."""
    message = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
    message.attributes |= {"USERNAME": "ours:theirs", "USE-CANDIDATE": None, "PRIORITY": 1}
    message.add_message_integrity(b"password")
    request = parse_binding_request(bytes(message))
    assert request is not None
    assert (request.local_ufrag, request.remote_ufrag, request.use_candidate) == ("ours", "theirs", True)
    assert request.is_signed_with("password")
    assert not request.is_signed_with("passwort")


def test_our_answer_is_understood_by_another_implementation() -> None:
    """aioice reads the mapped address out of our answer, and finds signature and fingerprint right."""
    answer = aioice.stun.parse_message(binding_success(TRANSACTION, ("192.0.2.7", 5000), "password"))
    assert answer.check_message_integrity(b"password")
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 5000)
    assert answer.transaction_id == TRANSACTION


@given(st.binary(max_size=200))
def test_rubbish_is_no_request(data: bytes) -> None:
    """Whatever the bytes, parsing answers with a request or with None, and raises nothing."""
    parse_binding_request(data)
    parse_binding_request(b"\0\1" + data)


@given(st.data())
def test_a_damaged_request_is_not_signed(data: st.DataObject) -> None:
    """Changing any byte before the fingerprint makes a request unreadable or its signature wrong."""
    original = binding_request(TRANSACTION, "ours:theirs", "password")
    at = data.draw(st.integers(0, len(original) - 9))
    damaged = bytearray(original)
    damaged[at] ^= data.draw(st.integers(1, 255))
    request = parse_binding_request(bytes(damaged))
    assert request is None or not request.is_signed_with("password")
