"""Working ahead changes neither items nor order nor errors, and leaves no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipeline.ahead import ahead, in_parallel


def test_the_same_items_in_the_same_order() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))


def test_an_error_arrives_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [1]


def test_at_most_depth_items_are_prepared() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    iterator = ahead(items(), depth=1)
    next(iterator)
    for _ in range(200):
        threading.Event().wait(0.001)
    assert len(made) <= 3
    iterator.close()  # type: ignore[attr-defined]


def test_stopping_early_ends_the_thread() -> None:
    before = threading.active_count()
    iterator = ahead(iter(range(1000)))
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_in_parallel_gives_every_result_and_no_more_threads_than_asked() -> None:
    busy: set[int] = set()
    most = 0

    def work(number: int) -> int:
        nonlocal most
        busy.add(number)
        most = max(most, len(busy))
        threading.Event().wait(0.002)
        busy.discard(number)
        return number * number

    assert sorted(in_parallel(work, iter(range(20)), 3)) == [number * number for number in range(20)]
    assert most == 3


def test_in_parallel_raises_what_the_work_raises() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_parallel(work, iter(range(100)), 2))
