"""Encryption of what leaves the machine: age files (https://age-encryption.org/v1), and names that tell nothing.

pyrage holds the interpreter's lock while it works, so all of this belongs into a process of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from pathlib import Path

import pyrage

from station.backup.model import PART_BYTES, BackupFault

_PLAIN, _PACKED = b"\0", b"\1"
_SAMPLE_BYTES = 64 * 1024
_WORTH_PACKING = 0.8  # video and photos are packed already
SECRET_START = "AGE-SECRET-KEY-"  # noqa: S105  how every secret key of age begins


class Sealer:
    """Encrypts for whoever holds one of the secret keys; this process itself cannot read it again."""

    def __init__(self, recipients: tuple[str, ...], names_key: bytes) -> None:
        self.recipients = recipients
        self._keys = [_recipient(each) for each in recipients]
        self._namer = Namer(recipients, names_key)

    def name_of(self, digest: bytes) -> str:
        """The object's name for content with this SHA-256."""
        return self._namer.name_of(digest)

    def seal(self, content: bytes) -> bytes:
        """An age file of the content, packed where that is worth it."""
        sample = content[:_SAMPLE_BYTES]
        if sample and len(zlib.compress(sample, 1)) < len(sample) * _WORTH_PACKING:
            framed = _PACKED + zlib.compress(content, 1)
        else:
            framed = _PLAIN + content
        sealed: bytes = pyrage.encrypt(framed, self._keys)
        return sealed


class Namer:
    """Names of objects: HMAC-SHA256, so that nobody at the store can tell whether a file they know is among them.

    The recipients are part of it: after a change of keys nothing counts as sent that the new one cannot open.
    """

    def __init__(self, recipients: tuple[str, ...], key: bytes) -> None:
        self._key = key
        self._for = "\n".join(sorted(recipients)).encode() + b"\n"

    def name_of(self, digest: bytes) -> str:
        """The object's name for content with this SHA-256."""
        return hmac.new(self._key, self._for + digest, hashlib.sha256).hexdigest()


class Opener:
    """Decrypts with the secret keys that it is given, one a line as `age-keygen` writes them. Raises BackupFault."""

    def __init__(self, secrets: str) -> None:
        lines = [line.strip() for line in secrets.splitlines() if line.strip().startswith(SECRET_START)]
        if not lines:
            raise BackupFault(f"There is no key in it: a line that begins with {SECRET_START} is wanted")
        self._fits = False
        try:
            self._identities = [pyrage.x25519.Identity.from_str(line) for line in lines]
        except pyrage.IdentityError as error:
            raise BackupFault("The key is no age key: was a sign lost when it was typed?") from error

    def open(self, sealed: bytes, name: str, limit: int = PART_BYTES) -> bytes:
        """The content, at most `limit` bytes. Raises BackupFault naming the object."""
        try:
            framed: bytes = pyrage.decrypt(sealed, self._identities)
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error) and not self._fits:
                raise BackupFault(f"The key does not fit {name}: another one is wanted") from error
            raise BackupFault(f"{name} cannot be decrypted: it is cut, or was altered") from error
        self._fits = True
        kind, body = framed[:1], framed[1:]
        if kind == _PACKED:
            unpacking = zlib.decompressobj()
            try:
                body = unpacking.decompress(body, limit + 1)
            except zlib.error as error:
                raise BackupFault(f"{name} cannot be unpacked: it was altered") from error
        if kind not in (_PLAIN, _PACKED) or len(body) > limit:
            raise BackupFault(f"{name} is no part of a backup of this station")
        return body


def make_key() -> tuple[str, str]:
    """A new pair: the recipient, which may be known, and the secret key, which must not."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


def recipient_of(secret: str) -> str:
    """The recipient that belongs to a secret key."""
    return str(pyrage.x25519.Identity.from_str(secret).to_public())


def read_key_file(path: Path) -> Opener:
    """The secret keys of a file. Raises BackupFault."""
    try:
        return Opener(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BackupFault(f"The key file {path} cannot be read: {error}") from error


def lock_with_passphrase(secret: str, passphrase: str) -> bytes:
    """A secret key that opens with the passphrase. scrypt takes some seconds and 0.6 GB of memory."""
    locked: bytes = pyrage.passphrase.encrypt(secret.encode(), passphrase)
    return locked


def unlock_with_passphrase(locked: bytes, passphrase: str) -> str:
    """The secret key again. Raises BackupFault."""
    try:
        secret: bytes = pyrage.passphrase.decrypt(locked, passphrase)
    except pyrage.DecryptError as error:
        raise BackupFault("The passphrase does not fit this target's key.age, or that file was altered") from error
    return secret.decode()


def _recipient(words: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(words)
    except pyrage.RecipientError as error:
        raise BackupFault(f"“{words[:80]}” is no recipient: it begins with age1, see `station backup-key`") from error
