"""A mistake in a contract: where it is, what it is and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_LONGEST = 400
Location = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. `line` and `column` count from 1, `column` in characters."""

    path: str
    line: int
    column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """`file:line:column: message; suggestion`, on one line."""
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        return f"{text}; {self.suggestion}" if self.suggestion else text


@dataclass(frozen=True)
class Finding:
    """A mistake found in the model, before it is given its place in the file.

    `location`: the path of keys and indexes that leads to the value. `at_key`: the key is meant rather than its value.
    `offset`: characters into the value, where known.
    """

    location: Location
    message: str
    suggestion: str | None = None
    at_key: bool = False
    offset: int = 0


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The right word that somebody most likely meant, or None. Case, `_` and `-` do not count."""
    folded = {_fold(known): known for known in words}
    found = get_close_matches(_fold(word), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """`did you mean X?`, or else the words that there are; None if there is none."""
    known = list(words)
    if found := nearest(word, known):
        return f"did you mean {found}?"
    return f"known here: {', '.join(known)}" if known else None


def one_line(text: str) -> str:
    """A message that quotes a file, fit for a terminal: on one line, without control characters, not endless."""
    flat = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in flat)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _fold(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "").replace(" ", "")


class SqlMistake(ValueError):  # noqa: N818 - names the situation
    """A text is not the Spark SQL that is wanted. `offset`: characters into the text, 0 if not known."""

    def __init__(self, message: str, suggestion: str | None = None, offset: int = 0) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.offset = offset
