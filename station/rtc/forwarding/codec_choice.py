"""Which codec a video track is sent in, so that as many as can be are able to show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def choose_codec(offered: Sequence[str], decoders: Iterable[frozenset[str]], current: str = "") -> str:
    """The offered codec (best first) that most can decode; of equal ones the current one, since a change is seen.

    Raises ValueError when nothing is offered.
    """
    everyone = list(decoders)

    def rank(codec: str) -> tuple[int, bool]:
        return sum(codec in known for known in everyone), codec == current

    return max(offered, key=rank)  # the first of equals
