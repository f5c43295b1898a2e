"""Which files a backup holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.backup.contents import find_files
from station.backup.model import BackupFault


def test_a_linked_file_is_what_it_points_to(tmp_path: Path) -> None:
    """A key or a video kept elsewhere is in the backup; so is a folder linked at the top."""
    data = tmp_path / "var"
    (data / "keys").mkdir(parents=True)
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "1.mkv").write_bytes(b"12345")
    (data / "keys" / "grant.key").symlink_to(tmp_path / "disk" / "1.mkv")
    (data / "recordings").symlink_to(tmp_path / "disk")
    found = {each.name: each.size for each in find_files(data, frozenset())}
    assert found == {"keys/grant.key": 5, "recordings/1.mkv": 5}


@pytest.mark.parametrize(("name", "to"), [("recordings/mt_1", "."), ("recordings/1.mkv", "gone"), ("photos", "gone")])
def test_what_cannot_be_followed_is_named(tmp_path: Path, name: str, to: str) -> None:
    """A linked folder further down and a link to nothing are not left out silently."""
    link = tmp_path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / to)
    with pytest.raises(BackupFault, match=f"{link} is a link"):
        list(find_files(tmp_path, frozenset()))
