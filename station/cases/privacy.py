"""Taking personal data out of text before strangers read it."""

from __future__ import annotations

import re
import unicodedata

# Longest first: an identity number would otherwise be cut in two by the pattern of a phone number.
_PATTERNS = (
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "〔邮箱〕"),
    (re.compile(r"(?<!\d)(?:\d[ -]?){17}[\dXx](?![\dA-Za-z])"), "〔证件号〕"),
    (re.compile(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)"), "〔账号〕"),
    (re.compile(r"(?<!\d)\d{15}(?!\d)"), "〔证件号〕"),
    (re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d){8}(?!\d)"), "〔电话〕"),
    (re.compile(r"(?<!\d)\(0\d{2,3}\)[ -]?\d{3,4}[ -]?\d{4}(?!\d)"), "〔电话〕"),
    (re.compile(r"(?<!\d)0\d{2,3}[ -]?\d{3,4}[ -]?\d{4}(?!\d)"), "〔电话〕"),
    (re.compile(r"(?:微信|QQ|qq|wechat|WeChat)号?:?\s*[A-Za-z0-9_-]{5,}"), "〔联系方式〕"),
    (re.compile(r"(?:\d+\s*单元\s*)?\d{2,4}\s*室|\d+\s*单元(?:\s*\d{2,4})?"), "〔门牌〕"),
    (re.compile(r"(?<!\d)\d{1,3}-\d{1,2}-\d{3,4}(?!\d)"), "〔门牌〕"),
)


def mask_personal(text: str, *names: str) -> str:
    """The text without phone and identity numbers, accounts, addresses of mail and of doors, and the given names."""
    clean = text
    for name in sorted(filter(lambda n: len(n) > 1, names), key=len, reverse=True):
        clean = clean.replace(name, name[0] + "某")
    folded = "".join(_fold(c) for c in clean)  # full-width digits hide nothing; one character stays one character
    for pattern, sign in _PATTERNS:
        while (found := pattern.search(folded)) is not None:
            folded = folded[: found.start()] + sign + folded[found.end() :]
            clean = clean[: found.start()] + sign + clean[found.end() :]
    return clean


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character
