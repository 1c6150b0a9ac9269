"""The soak tells a leak from a high-water mark."""

from __future__ import annotations

import random

from tests.soak.memory import grows


def _noisy(start: float, per_file: float, files: int = 600) -> list[float]:
    chance = random.Random(4)
    return [start + number * per_file + chance.uniform(0, 30) for number in range(files)]


def test_a_leak_in_every_file_is_growth() -> None:
    assert grows(_noisy(300, 0.1))


def test_a_rise_to_what_the_largest_file_needs_is_none() -> None:
    assert not grows(_noisy(200, 1)[:120] + _noisy(320, 0)[120:])


def test_memory_that_shrinks_again_is_none() -> None:
    assert not grows(_noisy(400, -0.1))
