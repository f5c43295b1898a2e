"""Verifies a bag, and names each file at fault: changed, missing, extra, unusable, incomplete."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recordings.bag import DECLARATION, UnsafeNameError, check_name, manifest_text
from recordings.contents import check_contents
from recordings.digests import ALGORITHMS, Digests, Progress, digest_files

_LINE = re.compile(r"([0-9a-fA-F]+)[ \t]+\*?([^\r\n]+)")
_TAG_FILES = ("bagit.txt", "bag-info.txt", *(f"manifest-{name}.txt" for name in ALGORITHMS))
_TAG_MANIFESTS = tuple(f"tagmanifest-{name}.txt" for name in ALGORITHMS)
_REQUIRED_INFO = ("Bagging-Date", "External-Identifier", "Payload-Oxum", "Source-Organization")
_MOST_TEXT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `kind` is changed, missing, extra, unsafe, format, unusable or incomplete."""

    path: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying found; `manifest_sha256` is what the ledger notes of a sealed bag."""

    ok: bool
    faults: tuple[Fault, ...]
    files: int
    manifest_sha256: str


def verify(
    bag: Path,
    manifest_sha256: str | None = None,
    algorithms: tuple[str, ...] = ALGORITHMS,
    tell: Progress = lambda _done: None,
) -> Report:
    """Checks every file of a bag against its checksums, that its media can be decoded, and that its metadata is
    complete. `algorithms` are those of the checksums to look at; SHA-256, which the ledger notes, must be one of them.
    `tell` hears what part of the checksums is done, 0 to 1, in the caller's thread.

    Whoever can rewrite a whole bag can also write checksums that fit: `manifest_sha256`, the SHA-256 of
    manifest-sha256.txt as the ledger noted it at sealing, rules that out.
    """
    check = _Check(bag, algorithms)
    check.run(manifest_sha256, tell)
    faults = tuple(sorted(set(check.faults), key=lambda fault: (fault.path, fault.kind)))
    digest = check.digests.get("manifest-sha256.txt", {}).get("sha256", "")
    return Report(not faults, faults, len(check.digests), digest)


class _Check:
    def __init__(self, bag: Path, algorithms: tuple[str, ...]) -> None:
        self._bag = bag
        self._algorithms = algorithms
        self.faults: list[Fault] = []
        self.digests: dict[str, Digests] = {}  # of every file there is

    def run(self, manifest_sha256: str | None, tell: Progress) -> None:
        if not self._bag.is_dir():
            self._fault(".", "missing", "there is no such folder")
            return
        self._digest_all(tell)
        for name in (*_TAG_FILES, *_TAG_MANIFESTS):
            if name not in self.digests:
                self._fault(name, "missing", "every bag has it")
        self._compare("tagmanifest", [path for path in self.digests if not path.startswith("data/")])
        self._compare("manifest", [path for path in self.digests if path.startswith("data/")])
        self._check_declaration_and_info()
        expected = (manifest_sha256 or "").lower()
        if expected and self.digests.get("manifest-sha256.txt", {}).get("sha256") != expected:
            self._fault("manifest-sha256.txt", "changed", "not what the ledger noted when the bag was sealed")
        at_fault = {fault.path for fault in self.faults}
        for path, kind, text in check_contents(self._bag, at_fault):
            self._fault(path, kind, text)

    def _fault(self, path: str, kind: str, text: str) -> None:
        self.faults.append(Fault(path, kind, text))

    def _digest_all(self, tell: Progress) -> None:
        plain: dict[Path, str] = {}
        for path in _walk(self._bag):
            name = path.relative_to(self._bag).as_posix()
            if path.is_symlink() or not path.is_file():
                self._fault(name, "unsafe", "not a plain file")
            else:
                plain[path] = name
        for path, found in digest_files(plain, self._algorithms, tell).items():
            if isinstance(found, OSError):
                self._fault(plain[path], "unusable", f"cannot be read: {found.strerror}")
            else:
                self.digests[plain[path]] = found

    def _compare(self, kind: str, present: list[str]) -> None:
        """Holds what is there against the manifests of one kind.

        Where they contradict each other it is a manifest that was changed, not the file.
        """
        manifests = {name: self._read_manifest(f"{kind}-{name}.txt") for name in self._algorithms}
        known = {name: entries for name, entries in manifests.items() if entries is not None}
        present = [path for path in present if path not in _TAG_MANIFESTS]
        for path in sorted({*present, *(path for entries in known.values() for path in entries)}):
            found = self.digests.get(path)
            wrong = [name for name, entries in known.items() if entries.get(path) != (found[name] if found else None)]
            if not wrong:
                continue
            if len(wrong) < len(known):
                for name in wrong:
                    self._fault(f"{kind}-{name}.txt", "changed", f"contradicts the other manifest about {path}")
            elif found is None:
                self._fault(path, "missing", "listed, but not there")
            elif any(path in entries for entries in known.values()):
                self._fault(path, "changed", "not what was sealed")
            else:
                self._fault(path, "extra", "not listed in any manifest")

    def _read_manifest(self, name: str) -> dict[str, str] | None:
        if name not in self.digests:
            return None
        text = self._read_text(name)
        entries: dict[str, str] = {}
        for line in text.removesuffix("\n").split("\n"):
            match = _LINE.fullmatch(line)
            try:
                if match is None or match[2] in entries:
                    raise UnsafeNameError(line)
                check_name(match[2])
            except UnsafeNameError:
                self._fault(name, "format", f"not a line of a manifest: {line[:100]!r}")
            else:
                entries[match[2]] = match[1].lower()
        # Nothing else vouches for the tag manifests, so they must be to the letter what sealing writes.
        if name in _TAG_MANIFESTS and manifest_text(entries) != text:
            self._fault(name, "changed", "not in the form it was written in")
        return entries

    def _read_text(self, name: str) -> str:
        try:
            with (self._bag / name).open("rb") as file:
                return file.read(_MOST_TEXT_BYTES).decode()
        except (OSError, UnicodeDecodeError):
            self._fault(name, "format", "not text in UTF-8")
            return ""

    def _check_declaration_and_info(self) -> None:
        if "bagit.txt" in self.digests and self._read_text("bagit.txt").encode() != DECLARATION:
            self._fault("bagit.txt", "format", "not the declaration of a BagIt 1.0 bag in UTF-8")
        if "bag-info.txt" not in self.digests:
            return
        info = read_info(self._read_text("bag-info.txt"))
        for label in _REQUIRED_INFO:
            if not info.get(label):
                self._fault("bag-info.txt", "incomplete", f"{label} is not filled in")
        payload = [self._bag / path for path in self.digests if path.startswith("data/")]
        oxum = f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
        if not self.faults and info.get("Payload-Oxum") != oxum:
            self._fault("bag-info.txt", "incomplete", "Payload-Oxum does not fit what is there")


def read_info(text: str) -> dict[str, str]:
    """The labels of a bag-info.txt (RFC 8493 §2.2.2); a label that comes twice has its values joined."""
    info: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and label:
            info[label] += " " + line.strip()
        elif ":" in line:
            label, _, value = line.partition(":")
            info[label] = f"{info[label]}; {value.strip()}" if label in info else value.strip()
    return info


def _walk(bag: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(bag):
        for name in [*files, *(name for name in folders if (Path(folder) / name).is_symlink())]:
            yield Path(folder) / name
