"""A backup that is cut, altered or locked with another key: a sentence, and nothing half done."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from station.app import close_station
from station.backup.commands import back_up, lines_of_list, restore
from station.backup.manifest import Manifest, StoredFile, read_manifest, write_manifest
from station.backup.model import PART_BYTES, BackupFault, BackupState
from station.backup.service import last_backups
from station.backup.targets import FolderTarget
from station.backup.vault import make_key
from station.base.clock import SystemClock
from station.base.settings import Settings
from tests.backup.towns import SECRET, key_file, open_town, settings_of

LONG = PART_BYTES + 7


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A folder with a station's data in `var`, a file of two parts among it, and its backup in `store`."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(migrated_sqlite, folder / "var")
    track = folder / "var" / "recordings" / "mt_1" / "1-camera.mkv"
    track.parent.mkdir(parents=True)
    track.write_bytes(bytes(range(256)) * (LONG // 256 + 1))
    for name in ("run/web.pid", "outbox/sms.jsonl", "live/bc_1/s1.p2.mp4", "composed/mt_2.ab.part.mp4"):
        path = folder / "var" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of no use elsewhere")
    (folder / "var" / "live" / "bc_1" / "s1.mp4").write_text("a segment")

    async def make() -> None:
        station = open_town(folder)
        try:
            await back_up(station, str(folder / "store"))
        finally:
            await close_station(station)

    asyncio.run(make())
    return folder


def objects(store: Path) -> list[Path]:
    """The largest first: parts of the long file."""
    found = [path for path in (store / "objects").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


def cut(store: Path) -> str:
    path = objects(store)[0]
    path.write_bytes(path.read_bytes()[:-100])
    return f"{path.relative_to(store)} (of data/recordings/mt_1/1-camera.mkv) cannot be decrypted: it is cut"


def alter(store: Path) -> str:
    path = objects(store)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return f"{path.relative_to(store)} (of data/recordings/mt_1/1-camera.mkv) cannot be decrypted"


def exchange(store: Path) -> str:
    """Each is sound by itself."""
    first, second = objects(store)[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    return "holds something else: it was altered"


def lose(store: Path) -> str:
    path = objects(store)[0]
    path.unlink()
    return f"{path.relative_to(store)} is missing: data/recordings/mt_1/1-camera.mkv is in it"


def lose_list(store: Path) -> str:
    """What a backup that was cut short looks like."""
    for path in (store / "backups").glob("*.age"):
        path.unlink()
    return "There is no backup in"


@pytest.mark.parametrize("harm", [cut, alter, exchange, lose, lose_list])
async def test_a_harmed_backup_is_named_and_changes_nothing(
    made: Path, tmp_path: Path, harm: Callable[[Path], str]
) -> None:
    """The sentence names the object and the file; neither a data folder nor what was fetched is left."""
    store = tmp_path / "store"
    shutil.copytree(made / "store", store)
    said = harm(store)
    (tmp_path / "there").mkdir()
    with pytest.raises(BackupFault) as fault:
        await restore(settings_of(tmp_path / "there"), str(store), key=key_file(tmp_path))
    assert said in str(fault.value)
    assert list((tmp_path / "there").iterdir()) == []


async def test_another_key_does_not_open_it(made: Path, tmp_path: Path) -> None:
    """Somebody else's key, and a file that holds none."""
    other = tmp_path / "other.txt"
    other.write_text(make_key()[1])
    with pytest.raises(BackupFault, match="The key does not fit backups/"):
        await restore(settings_of(tmp_path), str(made / "store"), key=other)
    other.write_text("nothing")
    with pytest.raises(BackupFault, match="There is no key in it"):
        await restore(settings_of(tmp_path), str(made / "store"), key=other)
    with pytest.raises(BackupFault, match="--key FILE"):
        await restore(settings_of(tmp_path), str(made / "store"))


async def test_what_is_there_is_moved_aside_only_when_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A data folder that is not empty stays as it is; with --overwrite it is kept beside the restored one."""
    settings, key = settings_of(tmp_path), key_file(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "mine.txt").write_text("mine")
    with pytest.raises(BackupFault, match="is not empty"):
        await restore(settings, str(made / "store"), key=key)
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["mine.txt"]
    manifest, proof = await restore(settings, str(made / "store"), key=key, overwrite=True)
    assert proof.ok
    (aside,) = tmp_path.glob("var.before-*")
    assert (aside / "mine.txt").read_text() == "mine"
    assert f"{aside} now" in capsys.readouterr().err
    whole = "recordings/mt_1/1-camera.mkv"
    assert (tmp_path / "var" / whole).read_bytes() == (made / "var" / whole).read_bytes()
    listed = {file.path for file in manifest.files}
    assert "data/live/bc_1/s1.mp4" in listed
    assert not {path for path in listed if path.split("/")[1] in ("run", "outbox", "backup", "composed")}
    assert "data/live/bc_1/s1.p2.mp4" not in listed
    assert (tmp_path / "var" / "keys" / "grant.key").stat().st_mode & 0o077 == 0


async def test_names_and_contents_tell_nothing(made: Path) -> None:
    """Who sees the store sees no file's name, no hash of a file that they know, and no list without the key."""
    seen = b"".join(path.read_bytes() for path in (made / "store").rglob("*") if path.is_file())
    assert b"recordings" not in seen
    assert b"SQLite format" not in seen
    (line,) = lines_of_list(settings_of(made), str(made / "store"))
    assert "files" in line


def a_manifest(**values: object) -> bytes:
    file = StoredFile("data/a", 1, 0o600, 0, "0" * 64, ("ab",))
    whole: dict[str, object] = {
        "format": 1, "id": "x", "made_at": SystemClock().now(), "release": "1", "database": "sqlite",
        "revision": "0001", "names_key": "00", "recipients": ("age1",), "ledger_seq": 0, "ledger_hash": "",
        "files": (file,), "gone": (),
    }  # fmt: skip
    return write_manifest(Manifest(**(whole | values)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "parts"),
    [("data/../../x", 1), ("/etc/x", 1), ("data", 1), ("elsewhere/x", 1), ("data//x", 1), ("data/x", 2)],
)
def test_a_list_leads_nowhere_else(path: str, parts: int) -> None:
    """A list that names a place outside of the data folder, or parts that do not fit, is refused."""
    assert read_manifest(a_manifest(), "list").files[0].path == "data/a"
    file = StoredFile(path, 1, 0o600, 0, "0" * 64, ("ab",) * parts)
    with pytest.raises(BackupFault, match=r"outside of the data folder|does not fit"):
        read_manifest(a_manifest(files=(file,)), "list")


@pytest.mark.parametrize("values", [{"names_key": "0g"}, {"files": (StoredFile("data/a", 0, 0, 2**63, "", ()),)}])
def test_an_odd_list_is_a_fault(values: dict[str, object]) -> None:
    """What could be written into a list and not be used is said before anything is fetched."""
    with pytest.raises(BackupFault, match=r"no list of a backup|does not fit"):
        read_manifest(a_manifest(**values), "list")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{}", "newer release"), (b'{"format": 2}', "newer release"), (b'{"format": 1}', "no list"), (b"x", "no list")],
)
def test_what_is_no_list(content: bytes, said: str) -> None:
    """Anything else is told apart from a backup of a newer release."""
    with pytest.raises(BackupFault, match=said):
        read_manifest(content, "list")


async def test_a_target_belongs_to_one_station(made: Path, tmp_path: Path, migrated_sqlite: Path) -> None:
    """Another station is told to go elsewhere; its database remembers that it failed and why."""
    shutil.copytree(migrated_sqlite, tmp_path / "var")
    station = open_town(tmp_path)
    try:
        with pytest.raises(BackupFault, match="holds the backups of another station"):
            await back_up(station, str(made / "store"))
        begun, done = await last_backups(station.database)
    finally:
        await close_station(station)
    assert done is None
    assert begun is not None
    assert begun.state is BackupState.FAILED
    assert "another station" in begun.error


async def test_two_do_not_run_at_once(made: Path, tmp_path: Path) -> None:
    """Whoever comes second is told so, and nothing is noted of it."""
    shutil.copytree(made / "var", tmp_path / "var")
    station = open_town(tmp_path)
    lock = tmp_path / "var" / "backup" / "lock"
    lock.parent.mkdir(exist_ok=True)
    try:
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(BackupFault, match="Another backup of this station is running"):
                await back_up(station, str(tmp_path / "store"))
    finally:
        await close_station(station)
    assert not (tmp_path / "store").exists()


async def test_words_open_it_too(made: Path, tmp_path: Path) -> None:
    """With a passphrase nothing but the words is needed on the new machine; other words do not do."""
    shutil.copytree(made / "var", tmp_path / "here" / "var")
    words = {"backup_recipient": "", "backup_passphrase": "柳荫 新村 七号楼"}
    station = open_town(tmp_path / "here", **words)
    try:
        await back_up(station, str(tmp_path / "store"))
    finally:
        await close_station(station)
    (tmp_path / "there").mkdir()
    with pytest.raises(BackupFault, match="The passphrase does not fit"):
        wrong = settings_of(tmp_path / "there", backup_recipient="", backup_passphrase="柳荫")
        await restore(wrong, str(tmp_path / "store"))
    _, proof = await restore(settings_of(tmp_path / "there", **words), str(tmp_path / "store"))
    assert proof.ok


def test_a_name_that_is_taken_stays(tmp_path: Path) -> None:
    """Nothing at the target is overwritten, and no half-written file counts."""
    target = FolderTarget(tmp_path)
    assert target.put_new("objects/ab/abc", b"first")
    assert not target.put_new("objects/ab/abc", b"second")
    (tmp_path / "objects" / "ab" / ".abd.1234.new").write_bytes(b"ha")
    assert list(target.names("objects")) == ["objects/ab/abc"]
    assert target.get("objects/ab/abc") == b"first"
    assert target.get("objects/ab/abd") is None


async def test_nobody_to_encrypt_for(made: Path, tmp_path: Path) -> None:
    """Without a key there is no backup in clear, but a sentence; a slip in the key is named."""
    shutil.copytree(made / "var", tmp_path / "var")
    for recipient, said in (("", "station backup-key"), ("age1slip", "no recipient"), (SECRET, "no recipient")):
        station = open_town(tmp_path, backup_recipient=recipient)
        try:
            with pytest.raises(BackupFault, match=said):
                await back_up(station, str(tmp_path / "store"))
        finally:
            await close_station(station)


def test_settings_name_no_secret(made: Path) -> None:
    """The secret half is in no setting: a station cannot read its own backups."""
    assert not any(SECRET in str(value) for value in Settings(_env_file=None).model_dump().values())
    assert not any(SECRET.encode() in path.read_bytes() for path in (made / "var").rglob("*") if path.is_file())
