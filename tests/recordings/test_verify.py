"""Verifying a bag: whatever is done to any of its files is found, and the file named."""

import asyncio
import hashlib
import json
import os
import random
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from recordings.bag import seal
from recordings.cli import main
from recordings.compose import compose
from recordings.contents import duration_s, probe
from recordings.show import describe
from recordings.timeline import read_timeline
from recordings.verify import Fault, Report, verify
from tests.recordings.media import EPOCH_MS, feed, record, sound, track, video

INFO = {"External-Identifier": "m1", "Source-Organization": "网上代表联络站"}
METADATA = {"id": "m1", "kind": "reception", "title": "接待", "starts_at": "2026-10-12T10:00", "recorded_s": 2.0}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag with tracks, the composed video and metadata."""
    folder = tmp_path_factory.mktemp("sealed")
    room = folder / "room"
    tracks = [
        feed(track("a"), video("h264", 50)),
        feed(track("b", "camera", "vp8", "p2", "王芳"), video("vp8", 50)),
        feed(track("m", "microphone", "opus"), sound(2)),
    ]
    asyncio.run(record(room, *tracks, stop_ms=EPOCH_MS + 2000))
    compose(room, folder / "meeting.mp4", lambda _: None)
    payload: dict[str, Path | bytes] = {f"tracks/{path.name}": path for path in room.iterdir()}
    payload["meeting.mp4"] = folder / "meeting.mp4"
    payload["metadata.json"] = json.dumps(METADATA).encode()
    return seal(folder / "bag", payload, INFO)


@pytest.fixture
def bag(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the bag that may be tampered with."""
    copy = tmp_path / "bag"
    shutil.copytree(sealed, copy)
    for path in copy.rglob("*"):
        path.chmod(0o700)
    return copy


def faults_of(report: Report) -> dict[str, str]:
    return {fault.path: fault.kind for fault in report.faults}


def test_a_sealed_bag_is_valid(bag: Path) -> None:
    """Nothing is wrong with a bag as it was sealed, and its manifest is the one the ledger noted."""
    noted = hashlib.sha256((bag / "manifest-sha256.txt").read_bytes()).hexdigest()
    report = verify(bag, noted)
    assert report.ok and report.faults == () and report.manifest_sha256 == noted and report.files == 12
    assert main(["verify", str(bag)]) == 0


FILES = [
    "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sm3.txt", "tagmanifest-sha256.txt",
    "tagmanifest-sm3.txt", "data/meeting.mp4", "data/metadata.json", "data/tracks/1-camera.mkv",
    "data/tracks/2-camera.mkv", "data/tracks/3-microphone.mkv", "data/tracks/timeline.jsonl",
]  # fmt: skip


def test_every_file_is_tried(bag: Path) -> None:
    """The list of files tampered with below is the whole bag."""
    assert sorted(path.relative_to(bag).as_posix() for path in bag.rglob("*") if path.is_file()) == sorted(FILES)


def flip(data: bytes) -> bytes:
    """Some byte changed: any, since the seed is the content's."""
    at = random.Random(hashlib.sha256(data).digest()).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": flip,
    "first byte": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "last byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\n",
    "emptied": lambda _: b"",
    "upper case": lambda data: data.upper() if data.upper() != data else data.lower(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FILES)
def test_any_change_names_the_file(bag: Path, name: str, change: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever file is changed, and how, that file and no other is named, and the program exits with 1."""
    path = bag / name
    path.write_bytes(CHANGES[change](path.read_bytes()))
    report = verify(bag)
    assert not report.ok and {fault.path for fault in report.faults} == {name}
    assert main(["verify", str(bag)]) == 1
    assert f"{name}: " in capsys.readouterr().out


def test_any_byte_of_the_tag_manifests(tmp_path: Path) -> None:
    """Nothing else vouches for the tag manifests, so each of their bytes is tried."""
    bag = seal(tmp_path / "bag", {"metadata.json": json.dumps(METADATA).encode()}, INFO)
    for name in ("tagmanifest-sha256.txt", "tagmanifest-sm3.txt"):
        whole = (bag / name).read_bytes()
        (bag / name).chmod(0o600)
        for at in range(len(whole)):
            (bag / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
            assert {fault.path for fault in verify(bag).faults} == {name}, at
        (bag / name).write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bag: Path, name: str) -> None:
    """Whichever file is taken away, that one is named."""
    (bag / name).unlink()
    report = verify(bag)
    assert faults_of(report) == {name: "missing"}
    assert main(["verify", str(bag)]) == 1


@pytest.mark.parametrize("name", ["data/extra.txt", "data/tracks/9-camera.mkv", "note.txt", ".hidden", "data/.x"])
def test_an_extra_file_is_named(bag: Path, name: str) -> None:
    """A file nobody sealed is named, wherever it lies."""
    (bag / name).write_bytes(b"x")
    assert faults_of(verify(bag)) == {name: "extra"} or faults_of(verify(bag)) == {name: "unusable"}


def test_a_link_is_no_file(bag: Path, tmp_path: Path) -> None:
    """A file replaced by a link to the same content is named, and the link not followed."""
    shutil.move(bag / "data/metadata.json", tmp_path / "elsewhere")
    (bag / "data/metadata.json").symlink_to(tmp_path / "elsewhere")
    (bag / "data/folder").symlink_to(tmp_path)
    assert faults_of(verify(bag))["data/metadata.json"] in ("unsafe", "missing")
    assert faults_of(verify(bag))["data/folder"] == "unsafe"


def test_a_bag_rewritten_as_a_whole(bag: Path, tmp_path: Path) -> None:
    """Only the ledger's note finds out whoever makes new checksums for changed content."""
    noted = hashlib.sha256((bag / "manifest-sha256.txt").read_bytes()).hexdigest()
    payload = {path.relative_to(bag / "data").as_posix(): path for path in (bag / "data").rglob("*") if path.is_file()}
    forged = seal(tmp_path / "forged", {**payload, "chat.json": b"[]"}, INFO)
    assert verify(forged).ok
    assert faults_of(verify(forged, noted)) == {"manifest-sha256.txt": "changed"}
    assert main(["verify", str(forged), "--manifest-sha256", noted]) == 1


def test_what_cannot_be_decoded_is_named(bag: Path, tmp_path: Path) -> None:
    """A file sealed when it was already useless is found, though its checksum is right."""
    payload: dict[str, Path | bytes] = {
        path.relative_to(bag / "data").as_posix(): path for path in (bag / "data").rglob("*") if path.is_file()
    }
    payload["tracks/2-camera.mkv"] = b"no video at all"
    payload["chat.json"] = b"{"
    payload["metadata.json"] = json.dumps({**METADATA, "title": ""}).encode()
    report = verify(seal(tmp_path / "bad", payload, {"External-Identifier": "m1"}))
    assert faults_of(report) == {
        "data/tracks/2-camera.mkv": "unusable",
        "data/chat.json": "unusable",
        "data/metadata.json": "incomplete",
        "bag-info.txt": "incomplete",
    }


def test_an_unfinished_recording_is_named(bag: Path, tmp_path: Path) -> None:
    """A recording that was never stopped, and a video of another length, are found."""
    payload: dict[str, Path | bytes] = {
        path.relative_to(bag / "data").as_posix(): path for path in (bag / "data").rglob("*") if path.is_file()
    }
    lines = (bag / "data/tracks/timeline.jsonl").read_bytes().splitlines(keepends=True)
    payload["tracks/timeline.jsonl"] = b"".join(lines[:-1]) + b'{"at_ms":1790000099000,"mark":"muted"}\n'
    assert faults_of(verify(seal(tmp_path / "bad", payload, INFO))) == {
        "data/tracks/timeline.jsonl": "incomplete",
        "data/meeting.mp4": "incomplete",
    }


@pytest.mark.parametrize("line", ["../../etc/passwd", "/etc/passwd", "data/../../x"])
def test_manifests_cannot_lead_out(bag: Path, line: str) -> None:
    """A manifest that names a file outside the bag is at fault, and the file not read."""
    with (bag / "manifest-sm3.txt").open("a") as file:
        file.write(f"{'0' * 64}  {line}\n")
    assert set(faults_of(verify(bag))) == {"manifest-sm3.txt"}


def test_no_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no bag is said to be none."""
    assert main(["verify", str(tmp_path / "none")]) == 1
    assert main(["show", str(tmp_path)]) == 1
    assert not verify(tmp_path).ok


def test_show_tells_what_is_in_it(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An auditor reads who was recorded, in which file, for how long."""
    assert main(["show", str(bag)]) == 0
    shown = capsys.readouterr().out
    for part in ("External-Identifier: m1", "data/tracks/1-camera.mkv  0:00:02", "王芳 camera vp8", "0:00:02, off"):
        assert part in shown


def test_show_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a bag are not printed."""
    bag = seal(tmp_path / "bag", {"a": b"x"}, {**INFO, "Contact-Name": "\x1b]0;x\x07\u202eabc"})
    main(["show", str(bag)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\u202e" not in shown


@pytest.mark.parametrize("name", ["bag-info.txt", "data/tracks/timeline.jsonl", "data/extra.mp4"])
@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_pipe_is_no_file(bag: Path, name: str, command: str) -> None:
    """What would never end is not read: verifying names it, showing passes it over or says so."""
    (bag / name).unlink(missing_ok=True)
    os.mkfifo(bag / name)
    if command == "verify":
        assert Fault(name, "unsafe", "not a plain file") in verify(bag).faults
    elif name == "bag-info.txt":
        with pytest.raises(ValueError, match="not a plain file"):
            describe(bag)
    else:
        assert not any(line.endswith(name) for line in describe(bag))


def test_a_payload_elsewhere_is_not_read(bag: Path, tmp_path: Path) -> None:
    """A bag whose data is a link to another folder: only the link is named, nothing of what it leads to."""
    (bag / "data").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "secret.json").write_text("{")
    (bag / "data").symlink_to(tmp_path / "elsewhere")
    faults = verify(bag).faults
    assert Fault("data", "unsafe", "not a plain file") in faults
    assert not any("secret" in fault.path for fault in faults)
    assert not any("secret" in line for line in describe(bag))


def test_a_file_is_what_its_name_says(bag: Path) -> None:
    """Sound in another container than its name promises is not looked into."""
    with wave.open(str(bag / "data" / "other.mp4"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    assert duration_s(bag / "data" / "other.mp4") is None
    assert probe(bag / "data" / "other.mp4").startswith("cannot be decoded")


def test_the_last_moments_are_no_marks(tmp_path: Path) -> None:
    """A mark that lies beyond what a calendar of some zone can say is passed over."""
    (tmp_path / "timeline.jsonl").write_text('{"at_ms": 1, "mark": "started"}\n{"at_ms": 253402300799999, "mark": "x"}')
    assert [mark.name for mark in read_timeline(tmp_path).marks] == ["started"]
