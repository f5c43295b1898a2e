"""A key is made once, whole, whoever asks first."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from station.base.key_files import SECRET_BYTES, load_secret


@pytest.mark.parametrize("begun", [None, b"", b"half"])
def test_all_who_start_at_once_have_the_same_secret(tmp_path: Path, begun: bytes | None) -> None:
    """Sixteen ask for it at the same moment: each gets all of it, and nobody else on the machine may read it."""
    path = tmp_path / "keys" / "csrf.key"
    if begun is not None:
        path.parent.mkdir()
        path.write_bytes(begun)
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(load_secret, [path] * 16))
    assert found == {path.read_bytes()} and len(path.read_bytes()) == SECRET_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_secret_cut_short_is_made_anew(tmp_path: Path) -> None:
    """A full disk left an empty file: what everybody can guess is no key."""
    path = tmp_path / "csrf.key"
    path.touch()
    assert len(load_secret(path)) == SECRET_BYTES and load_secret(path) == path.read_bytes()
