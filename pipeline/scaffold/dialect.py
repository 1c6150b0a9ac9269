"""How a CSV file is written: delimiter, quote, escape, lines before the table. Each trial reads by the real grammar.

A dialect is good when most records have the same number of fields and the fields look like values. That is the idea of
Van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns" (2019), with our
grammar as the judge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.contract.dataset import ReadOptions
from pipeline.extract.csv_grammar import Dialect, Grammar, Reading

_RECORDS = 400
_MOST_PREAMBLE = 60
# A dialect that has to skip lines must be better by this factor than one that takes all of them.
_PREAMBLE = 0.7
_COMMON = (",", ";", "\t", "|")
_RARE = tuple("^~:#!&*%@$=+ \x01\x02\x03\x04\x1c\x1d\x1e\x1f`?<>{}[]()\\")
_TRIALS = (('"', None), ('"', "\\"), ("'", None), (None, None))
_NUMBER = r"[+-]?[$€£]? ?[0-9]+(?:[.,'][0-9]+)*%?"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}[0-9:.]* ?(?:[AaPp][Mm])?(?: ?Z|[+-][0-9:]+)?"
_DAY = (
    r"(?:[0-9]{1,4}[-/.][0-9A-Za-z]{1,9}[-/.][0-9]{1,4}"
    r"|[0-9]{1,2}\.? [A-Za-z]{3,9},? [0-9]{2,4}|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{2,4})"
)
_MOMENT = rf"{_DAY}(?:,? ?[T ]{_CLOCK})?|{_CLOCK}"
_WORDS = r"[^,;\t|^~\x00-\x1f\"]*"
_VALUE = re.compile(rf"\s*(?:{_NUMBER}|{_MOMENT}|{_WORDS})\s*\Z")


@dataclass(frozen=True)
class Record:
    """A record of a trial: its physical line from 1 and its fields as written; None where the grammar refuses it."""

    line: int
    fields: tuple[bytes, ...] | None


@dataclass(frozen=True)
class FoundDialect:
    """`read`: the options found, but for the header. `records`: the first ones from the header on. `said`: evidence."""

    read: ReadOptions
    records: tuple[Record, ...]
    said: str

    @property
    def values(self) -> list[list[str]]:
        """The fields' values of the well-formed records that have the usual number of fields."""
        dialect, usual = Dialect.of(self.read), self.fields
        return [
            [dialect.value(field).decode("utf-8", "replace") for field in record.fields]
            for record in self.records
            if record.fields is not None and len(record.fields) == usual
        ]

    @property
    def fields(self) -> int:
        """The usual number of fields."""
        return _usual(self.records)


def find_dialect(text: bytes, name: str, encoding: str) -> FoundDialect:
    """The dialect of the beginning of a file (`text`: whole lines, in UTF-8)."""
    best, best_score = None, 0.0
    for delimiter in _delimiters(text, name):
        for quote, escape in _TRIALS:
            if delimiter in (quote, escape) or (quote == "'" and b"'" not in text):
                continue
            read = ReadOptions("csv", delimiter=delimiter, encoding=encoding, quote=quote, escape=escape)
            found, score = _trial(text, read)
            # The usual dialects come first, and a rarer one must do clearly better.
            if best is None or score > best_score + 0.02:
                best, best_score = found, score
    if best is None or best_score <= 0:
        return _one_column(text, encoding)
    return best


def _delimiters(text: bytes, name: str) -> Iterator[str]:
    lowered = name.lower()
    hinted = "\t" if lowered.endswith((".tsv", ".tab")) else "|" if lowered.endswith(".psv") else ""
    order = [hinted, *_COMMON, *_RARE] if hinted else [*_COMMON, *_RARE]
    return (delimiter for delimiter in dict.fromkeys(order) if delimiter.encode() in text)


def _one_column(text: bytes, encoding: str) -> FoundDialect:
    read = ReadOptions("csv", encoding=encoding)
    records = tuple(_records(text, read, fewest=1))
    return FoundDialect(read, records, "no delimiter divides the lines: one column")


def _trial(text: bytes, read: ReadOptions) -> tuple[FoundDialect | None, float]:
    records = tuple(_records(text, read, fewest=2))
    read, records = _without_preamble(read, records)
    usual = _usual(records)
    if usual < 2:
        return None, 0.0
    well = [record for record in records if record.fields is not None and len(record.fields) == usual]
    share = len(well) / len(records)
    score = share * (usual - 1) / usual * _looks_like_values(well, read)
    if read.skip_lines:
        score *= _PREAMBLE
    if read.delimiter in _RARE and (share < 0.98 or read.skip_lines or _is_one_value(text)):
        return None, 0.0
    if read.quote == "'" and not _wrapped(well):
        return None, 0.0
    said = f"{len(well):,} of the first {len(records):,} records have {usual} fields"
    return FoundDialect(read, records, said), score


def _records(text: bytes, read: ReadOptions, fewest: int) -> Iterator[Record]:
    dialect = Dialect.of(read)
    reading, grammar = Reading(dialect), Grammar(dialect, fewest)
    position, line, count = 0, 1, 0
    while position < len(text) and count < _RECORDS:
        end = reading.extent(text, position)
        if not grammar.is_no_record(text, position):
            fields = None if end is None else tuple(reading.split(text, position))
            yield Record(line, fields)
            count += 1
        end = end or reading.line_end(text, position)
        line += len(text[position:end].splitlines())
        position = end


def _usual(records: tuple[Record, ...]) -> int:
    counts = Counter(len(record.fields) for record in records if record.fields is not None)
    return counts.most_common(1)[0][0] if counts else 0


def _without_preamble(read: ReadOptions, records: tuple[Record, ...]) -> tuple[ReadOptions, tuple[Record, ...]]:
    """Lines before the table have another number of fields; if each begins with #, they are comments."""
    usual = _usual(records)
    sizes = [len(record.fields) if record.fields is not None else 0 for record in records]
    start = next((i for i, size in enumerate(sizes) if size == usual and usual in (*sizes[i + 1 : i + 2], 1)), 0)
    if not 0 < start <= min(_MOST_PREAMBLE, max(len(records) // 2, 1)):
        return read, records
    before = records[:start]
    if all(record.fields and record.fields[0].startswith(b"#") for record in before) and read.delimiter != "#":
        return replace(read, comment="#"), records[start:]
    return replace(read, skip_lines=records[start].line - 1), records[start:]


def _looks_like_values(records: list[Record], read: ReadOptions) -> float:
    quote = (read.quote or "").encode()
    good = total = 0
    for record in records[:100]:
        for field in record.fields or ():
            total += 1
            if quote and field.startswith(quote):
                good += 1
            else:
                good += bool(_VALUE.match(field.decode("utf-8", "replace")))
    return good / max(total, 1)


def _is_one_value(text: bytes) -> bool:
    """Whether whole lines are numbers or times: their spaces and colons divide nothing."""
    one = re.compile(rf"(?:{_NUMBER}|{_MOMENT})\Z")
    lines = [line.decode("utf-8", "replace") for line in text.splitlines()[1:50] if line.strip()]
    return bool(lines) and sum(bool(one.match(line)) for line in lines) > 0.8 * len(lines)


def _wrapped(records: list[Record]) -> bool:
    """Whether apostrophes stand around values rather than inside words."""
    quoted = sum(field.startswith(b"'") and field.endswith(b"'") for r in records for field in r.fields or ())
    return quoted >= max(len(records) // 2, 1)
