"""The soak tells a leak from a high-water mark."""

from __future__ import annotations

import random

from tests.soak.memory import LEAK, growth


def _noisy(start: float, per_file: float, files: int = 300) -> list[float]:
    chance = random.Random(4)
    return [start + number * per_file + chance.uniform(0, 30) for number in range(files)]


def test_a_leak_in_every_file_is_growth() -> None:
    assert growth(_noisy(300, 0.2)) > LEAK


def test_a_rise_to_what_the_largest_file_needs_is_none() -> None:
    assert abs(growth(_noisy(200, 2)[:60] + _noisy(320, 0)[60:])) < LEAK / 2


def test_memory_that_shrinks_again_is_none() -> None:
    assert growth(_noisy(400, -0.1)) < 0
