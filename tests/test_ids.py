"""Every worker of a run must collect the same tests, or pytest-xdist runs none of them."""

import re

import pytest

UNSTABLE = re.compile(r"set\(\{| at 0x")
"""The repr of a set, whose order differs from process to process, and an address."""


def test_ids_are_the_same_in_every_process(request: pytest.FixtureRequest) -> None:
    collected = [item.nodeid for item in request.session.items]
    assert [id for id in collected if UNSTABLE.search(id)] == []
