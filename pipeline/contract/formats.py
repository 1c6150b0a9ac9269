"""Date and time formats: the JDK DateTimeFormatter patterns that Landfall reads (ODCS asks for them)."""

from __future__ import annotations

import re

_LETTERS = {
    "date": frozenset("yuMd"),
    "time": frozenset("HhmsSa"),
    "timestamp": frozenset("yuMdHhmsSaXxZ"),
}
FORMATTED = tuple(_LETTERS)
_TOKEN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'")
_MEANT = {
    "Y": "y (Y is the year of a week)",
    "D": "d (D is the day of the year)",
    "z": "X",
    "V": "X",
    "n": "S",
    "L": "M",
    "k": "H",
}


class FormatMistake(ValueError):  # noqa: N818 - names the situation
    """A date or time format that Landfall cannot read. `suggestion`: what to write instead."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def check_format(pattern: str, logical: str) -> None:
    """Raise FormatMistake unless `pattern` is a format of a `logical` date, time or timestamp."""
    if "%" in pattern:
        raise FormatMistake(f"{pattern} is strftime's notation", f"write the JDK pattern {_from_strftime(pattern)}")
    letters = {token[1] for token in _TOKEN.finditer(pattern) if token[1]}
    if "'" in re.sub(r"'(?:[^']|'')*'", "", pattern):
        raise FormatMistake(f"the format {pattern} has a quote without its end", "write two quotes for one: ''")
    for letter in sorted(letters - _LETTERS[logical]):
        hint = (
            f"write {_MEANT[letter]}" if letter in _MEANT else f"a {logical} has {' '.join(sorted(_LETTERS[logical]))}"
        )
        if logical == "date" and letter == "m":
            hint = "mm is minutes: write MM for months"
        raise FormatMistake(f"the format {pattern} has the letter {letter}", hint)
    needed, what = ("Hh", "hour: H") if logical == "time" else ("yu", "year: y")
    if not letters & set(needed):
        raise FormatMistake(f"the format {pattern} has no {what.split(':')[0]}", f"write the {what}")


def _from_strftime(pattern: str) -> str:
    words = {"Y": "yyyy", "m": "MM", "d": "dd", "H": "HH", "M": "mm", "S": "ss", "f": "SSSSSS", "y": "yy", "b": "MMM"}
    words |= {"B": "MMMM", "I": "hh", "p": "a", "z": "X"}
    return re.sub(r"%(.)", lambda match: words.get(match.group(1), match.group(1)), pattern)
