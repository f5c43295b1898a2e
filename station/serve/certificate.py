"""A self-signed certificate made on the spot: browsers give camera and microphone to secure pages only."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recordings.whole_file import write_whole
from station.serve.addresses import Address

VALID_DAYS = 397  # the longest that Safari accepts
RENEW_DAYS = 30
COMMON_NAME = "Deputy liaison station"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate and its key, and the SHA-256 fingerprint a visitor can compare."""

    certificate: Path
    key: Path
    fingerprint: str


def ensure_certificate(
    folder: Path, names: Sequence[str], addresses: Sequence[Address], now: dt.datetime
) -> Certificate:
    """The certificate in `folder`, made anew when missing, about to expire or not for these names and addresses."""
    certificate, key = folder / "station.crt", folder / "station.key"
    if not key.exists() or not _still_good(certificate, names, addresses, now):
        folder.mkdir(parents=True, exist_ok=True)
        _make(certificate, key, names, addresses, now)
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    return Certificate(certificate, key, parsed.fingerprint(hashes.SHA256()).hex(":").upper())


def _still_good(path: Path, names: Sequence[str], addresses: Sequence[Address], now: dt.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        carried = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return (
        certificate.not_valid_after_utc - now > dt.timedelta(days=RENEW_DAYS)
        and set(names) <= set(carried.get_values_for_type(x509.DNSName))
        and set(addresses) <= set(carried.get_values_for_type(x509.IPAddress))
    )


def _make(certificate: Path, key: Path, names: Sequence[str], addresses: Sequence[Address], now: dt.datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    alternatives = [*map(x509.DNSName, names), *(x509.IPAddress(ipaddress.ip_address(str(a))) for a in addresses)]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))  # a phone's clock may be behind
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(key, pem, durable=True)
    write_whole(certificate, signed.public_bytes(serialization.Encoding.PEM), durable=True, mode=0o644)
