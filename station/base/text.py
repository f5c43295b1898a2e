"""What people type, folded once at the edge: one spelling for digits, names and searches, and blank is empty.

`clean_text` is for what somebody wrote: it keeps their signs (full-width punctuation, emoji, rare forms of a
character) and drops what nobody can see. `fold` is for what is compared: digits, logins, searches.
"""

from __future__ import annotations

import hmac
import re
import unicodedata

# Default_Ignorable_Code_Point of Unicode (DerivedCoreProperties.txt), and signs that print nothing though they are not
# in it: interlinear annotation, the object replacement sign that a pasted picture leaves, the empty Braille cell.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Some of these change how their neighbours look: joiners (emoji, Uyghur), variants of a character in somebody's name,
# Mongolian vowels, flags. In what was written they stay; text that holds nothing else is blank all the same.
_SHAPING = "\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_NEVER_WRITTEN = re.compile(rf"(?![{_SHAPING}]){_INVISIBLE.pattern}")
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
# A tab or a no-break space parts words as a space does; the ideographic space is how Chinese text is indented.
_BLANKS = re.compile(r"[^\S\n\u3000]")


def clean_text(written: str) -> str:
    """What was written, trimmed, in NFC, without invisible signs; "" when nothing in it can be seen."""
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", written))
    text = _NEVER_WRITTEN.sub("", _BLANKS.sub(" ", text))
    text = "".join(c for c in text if c == "\n" or not _is_control(c)).strip()
    return text if any(_is_visible(c) for c in text) else ""


def fold(typed: str) -> str:
    """One spelling of what is compared: NFKC, digits of any script as 0–9, single spaces, nothing invisible."""
    text = unicodedata.normalize("NFKC", typed)
    text = _INVISIBLE.sub("", "".join(" " if c.isspace() else _digit(c) for c in text))
    return " ".join("".join(c for c in text if not _is_control(c)).split())


def digits_of(typed: str) -> str:
    """The digits of what was typed, whatever stands between them."""
    return "".join(c for c in fold(typed) if c in "0123456789")


def has_control(text: str) -> bool:
    """Whether there is a sign that no address and no database takes: a zero byte, an escape, half a character."""
    return any(_is_control(c) for c in text)


def same_secret(ours: str, theirs: str) -> bool:
    """Compare two secrets in constant time, whatever signs the other side sent (`compare_digest` takes ASCII only)."""
    return hmac.compare_digest(ours.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass"))


def _digit(sign: str) -> str:
    return str(unicodedata.decimal(sign)) if sign.isdecimal() else sign


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs"}


def _is_visible(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNPS"
