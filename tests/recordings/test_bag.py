"""Sealing a bag: what is in it, and that there is never half of one."""

import errno
import hashlib
import os
import stat
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from recordings import bag as bags
from recordings.bag import UnsafeNameError, seal
from recordings.digests import digest_bytes, digest_files
from recordings.verify import read_info, verify

INFO = {"External-Identifier": "m1", "Source-Organization": "网上代表联络站"}


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sm3", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    ],
)
def test_digest_of_abc(tmp_path: Path, algorithm: str, digest: str) -> None:
    """Each digest of "abc" is the one in its standard (FIPS 180-4, GB/T 32905)."""
    (tmp_path / "abc").write_bytes(b"abc")
    found = digest_files([tmp_path / "abc"])[tmp_path / "abc"]
    assert found == digest_bytes(b"abc")
    assert found[algorithm] == digest


def test_a_bag_holds_what_was_given(tmp_path: Path) -> None:
    """Files and bytes lie under data/, described by bag-info.txt, and are not to be written to."""
    source = tmp_path / "source.bin"
    source.write_bytes(b"x" * 3_000_000)
    bag = seal(tmp_path / "bag", {"tracks/1.bin": source, "会议/记录.json": b"{}"}, INFO)
    assert (bag / "data/tracks/1.bin").read_bytes() == source.read_bytes()
    assert (bag / "data/会议/记录.json").read_bytes() == b"{}"
    info = read_info((bag / "bag-info.txt").read_text("utf-8"))
    assert info["Payload-Oxum"] == "3000002.2" and info["External-Identifier"] == "m1"
    assert len(info["Bagging-Date"]) == 10
    assert all(not path.stat().st_mode & 0o222 for path in bag.rglob("*") if path.is_file())
    assert stat.S_IMODE(source.stat().st_mode) & 0o200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "source.bin"]


def test_two_at_one_bag_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that make the same bag the first one's gets the name, whole; the rests of dead ones are gone."""
    fill = bags._fill

    def fill_while_another_does(scratch: Path, *rest: Any) -> None:
        fill(scratch, *rest)
        monkeypatch.setattr(bags, "_fill", fill)
        seal(tmp_path / "bag", {"a.txt": b"first"}, INFO)
        assert scratch.is_dir()

    monkeypatch.setattr(bags, "_fill", fill_while_another_does)
    for left in (".bag.part", ".bag.0a1b2c3d.part"):
        (tmp_path / left / "data").mkdir(parents=True)
    with pytest.raises(FileExistsError):
        seal(tmp_path / "bag", {"a.txt": b"second"}, INFO)
    assert (tmp_path / "bag/data/a.txt").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]


def test_other_tools_agree(tmp_path: Path) -> None:
    """`sha256sum -c`, `openssl dgst -sm3` and bagit-python find the bag in order."""
    import bagit

    bag = seal(tmp_path / "bag", {"a.txt": b"a", "b/c.txt": b"c"}, INFO)
    manifests = ["manifest-sha256.txt", "tagmanifest-sha256.txt"]
    subprocess.run(["sha256sum", "-c", "--strict", "--quiet", *manifests], cwd=bag, check=True)
    command = ["openssl", "dgst", "-sm3", "-r", "data/b/c.txt"]
    found = subprocess.run(command, cwd=bag, capture_output=True, text=True, check=True).stdout
    assert found.split()[0] in (bag / "manifest-sm3.txt").read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert bagit.Bag(str(bag)).validate(processes=1)


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../x", "a//b", "./a", "a/", "a\\b", "C:x", "a\nb", "a\0b", "50%", "..", ".",
     " a", "a ", "a.", "e\u0301", "x" * 600],
)  # fmt: skip
def test_unsafe_names_are_refused(tmp_path: Path, name: str) -> None:
    """No payload name leads out of the bag, or means something else on another system."""
    with pytest.raises(UnsafeNameError):
        seal(tmp_path / "bag", {name: b"x"}, INFO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("a", "A"), ("a", "a/b")])
def test_names_that_collide_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    """Two names that are one on some systems, or a file and a folder, are refused."""
    with pytest.raises(UnsafeNameError):
        seal(tmp_path / "bag", dict.fromkeys(names, b"x"), INFO)


def test_info_cannot_add_lines(tmp_path: Path) -> None:
    """A value with line ends stays one line; a label that is none is refused."""
    bag = seal(tmp_path / "bag", {"a": b"x"}, {**INFO, "External-Description": "x\r\nPayload-Oxum: 9.9\n y"})
    info = read_info((bag / "bag-info.txt").read_text("utf-8"))
    assert info["External-Description"] == "x Payload-Oxum: 9.9 y" and info["Payload-Oxum"] == "1.1"
    with pytest.raises(ValueError, match="label"):
        seal(tmp_path / "other", {"a": b"x"}, {"A: b\nC": "x"})


def test_a_bag_is_never_half_there(tmp_path: Path) -> None:
    """When a file cannot be read nothing is left; what a crash left is cleared by the next try."""
    (tmp_path / ".bag.part" / "data").mkdir(parents=True)
    (tmp_path / ".bag.part" / "data" / "old").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        seal(tmp_path / "bag", {"a": b"x", "b": tmp_path / "none"}, INFO)
    assert list(tmp_path.iterdir()) == []
    bag = seal(tmp_path / "bag", {"a": b"x"}, INFO)
    assert [path.name for path in (bag / "data").iterdir()] == ["a"]


def test_a_bag_is_never_written_over(tmp_path: Path) -> None:
    """A second sealing of the same name is refused, and the first stays as it is."""
    bag = seal(tmp_path / "bag", {"a": b"x"}, INFO)
    with pytest.raises(FileExistsError):
        seal(bag, {"a": b"y"}, INFO)
    assert (bag / "data/a").read_bytes() == b"x"


def test_the_sum_is_of_the_payload(tmp_path: Path) -> None:
    """The manifests list exactly the payload, sorted."""
    bag = seal(tmp_path / "bag", {"b": b"2", "a": b"1"}, INFO)
    lines = [f"{hashlib.sha256(data).hexdigest()}  data/{name}\n" for name, data in (("a", b"1"), ("b", b"2"))]
    assert (bag / "manifest-sha256.txt").read_text() == "".join(lines)


def test_a_file_that_the_system_cannot_copy_by_itself_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What copy_file_range(2) left out, as between two file systems, is read and written."""
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(range(256)) * 9000)
    copy, calls = os.copy_file_range, []

    def stop_half_way(original: int, target: int, count: int) -> int:
        calls.append(count)
        if len(calls) == 2:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return copy(original, target, 1_000_001)

    monkeypatch.setattr(os, "copy_file_range", stop_half_way)
    bag = seal(tmp_path / "bag", {"a": source}, INFO)
    assert len(calls) == 2 and (bag / "data/a").read_bytes() == source.read_bytes()
    assert verify(bag, algorithms=("sha256",)).faults == verify(bag).faults
    (bag / "data/a").chmod(0o600)
    (bag / "data/a").write_bytes(b"x")
    assert source.stat().st_size == 256 * 9000  # a copy, not another name


def test_a_copy_that_fails_leaves_no_bag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file the disk refuses, beside others that went well, the error is told and nothing stays."""
    files = {f"{number}.bin": tmp_path / f"{number}" for number in range(4)}
    for number, path in enumerate(files.values()):
        path.write_bytes(bytes(100_000 + number))
    sync = os.fsync

    def refuse_one(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == 100_002:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_one)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        seal(tmp_path / "bag", files, INFO)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]
