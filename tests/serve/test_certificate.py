"""The certificate that HOST=0.0.0.0 gets."""

from __future__ import annotations

import datetime as dt
import ipaddress
import stat
from pathlib import Path

from cryptography import x509

from station.serve.addresses import is_loopback, reachable_hosts
from station.serve.certificate import RENEW_DAYS, VALID_DAYS, ensure_certificate

NOW = dt.datetime(2026, 10, 12, tzinfo=dt.UTC)
HOME = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("192.0.2.7")]


def test_it_carries_all_names_and_addresses(tmp_path: Path) -> None:
    """Every name and address of the machine is in the certificate, and only the owner may read its key."""
    made = ensure_certificate(tmp_path, ["localhost", "desk"], HOME, NOW)
    parsed = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    carried = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(carried.get_values_for_type(x509.DNSName)) == {"localhost", "desk"}
    assert set(carried.get_values_for_type(x509.IPAddress)) == set(HOME)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert len(made.fingerprint) == 32 * 3 - 1


def test_it_stays_while_it_fits(tmp_path: Path) -> None:
    """A phone that trusted it once is not asked again at the next start, nor when an address went away."""
    first = ensure_certificate(tmp_path, ["localhost"], HOME, NOW)
    again = ensure_certificate(tmp_path, ["localhost"], HOME[:1], NOW + dt.timedelta(days=200))
    assert again.fingerprint == first.fingerprint


def test_it_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """A month before its end it is made anew."""
    first = ensure_certificate(tmp_path, ["localhost"], HOME, NOW)
    late = NOW + dt.timedelta(days=VALID_DAYS - RENEW_DAYS, seconds=1)
    assert ensure_certificate(tmp_path, ["localhost"], HOME, late).fingerprint != first.fingerprint


def test_a_new_address_or_a_broken_file_makes_a_new_one(tmp_path: Path) -> None:
    """Moving to another network, or a damaged file, does not leave the station without a fitting certificate."""
    first = ensure_certificate(tmp_path, ["localhost"], HOME, NOW)
    moved = ensure_certificate(tmp_path, ["localhost"], [*HOME, ipaddress.ip_address("198.51.100.3")], NOW)
    moved.certificate.write_text("rubbish")
    mended = ensure_certificate(tmp_path, ["localhost"], HOME, NOW)
    assert len({first.fingerprint, moved.fingerprint, mended.fingerprint}) == 3


def test_what_a_phone_can_open() -> None:
    """For an unspecified address the URL names one of the machine's own; IPv6 stands in brackets."""
    addresses = [ipaddress.ip_address(a) for a in ("192.0.2.7", "2001:db8::1", "127.0.0.1")]
    assert reachable_hosts("0.0.0.0", addresses) == ["192.0.2.7"]
    assert reachable_hosts("::", addresses) == ["192.0.2.7", "[2001:db8::1]"]
    assert reachable_hosts("127.0.0.1") == ["127.0.0.1"]
    assert reachable_hosts("station.example") == ["station.example"]
    assert is_loopback("localhost")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
