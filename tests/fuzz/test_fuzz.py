"""No bytes bring a parser down: real input, all that ever broke one, and hundreds of changes of it.

For longer: `python -m tests.fuzz.run NAME` (coverage-guided where atheris is installed).
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.changes import CHANGES, change
from tests.fuzz.targets import CORPUS, TARGETS, corpus

EXAMPLES = 600


def test_every_target_has_a_corpus() -> None:
    """Each target begins with something, and nothing lies in the corpus that no target takes."""
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(corpus(name) for name in TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_passes(name: str) -> None:
    """Real input and old crashers go through."""
    for data in corpus(name):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_bring_it_down(name: str) -> None:
    """Whatever the bytes, a target raises nothing and what it promises holds."""
    seeds = corpus(name)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(seeds), st.sampled_from(seeds), st.lists(CHANGES, max_size=6))
    def changed(data: bytes, other: bytes, changes: list[tuple[str, int, int]]) -> None:
        TARGETS[name](change(data, other, changes))

    @settings(max_examples=EXAMPLES // 3, deadline=None)
    @given(st.binary(max_size=200))
    def random(data: bytes) -> None:
        TARGETS[name](data)

    changed()
    random()
