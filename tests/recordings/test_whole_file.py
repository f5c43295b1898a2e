"""A file is found whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from recordings.whole_file import write_whole


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_made_and_replaced_with_its_mode(tmp_path: Path, durable: bool) -> None:
    """New content takes the place of the old; nothing else is left in the folder; others may not read it."""
    path = tmp_path / "state"
    write_whole(path, b"one", durable=durable)
    write_whole(path, b"two", durable=durable, mode=0o640)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the content cannot be put on the disk the old file stands and no rest lies about."""
    path = tmp_path / "state"
    write_whole(path, b"one", durable=True)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"two", durable=True)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_the_rest_of_a_crash_is_written_over(tmp_path: Path) -> None:
    """A scratch file that another process left, with other rights, keeps nobody from writing."""
    (tmp_path / ".state.new").write_bytes(b"half")
    (tmp_path / ".state.new").chmod(0o444)
    write_whole(tmp_path / "state", b"whole", durable=False)
    assert (tmp_path / "state").read_bytes() == b"whole"
    assert not (tmp_path / ".state.new").exists()
