"""The strict path: tells records from violations in a block that the fast path could not prove clean.

A violation costs the physical line on which its record began, and reading resumes at the next line. A record that is
well formed over several lines but wrong in itself (its field count, a NUL, bad bytes) is one reject as a whole, unless
its field count is wrong and one of its further lines is a good record alone: then its quotes were the mistake, and the
line is kept for itself. With the right count the quotes are right, and what they hold is text, whatever it looks like.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.extract.blocks import Block, Positions, is_utf8
from pipeline.extract.csv_grammar import Grammar, Reading, Violation


@dataclass
class Scan:
    """What a block holds. `kept`: (start, end) of runs of good records. `refused`: (start, end, why) of each reject.

    `consumed`: where the next block must start.
    """

    kept: list[tuple[int, int]] = field(default_factory=list)
    refused: list[tuple[int, int, Violation]] = field(default_factory=list)
    consumed: int = 0


class Scanner:
    """Scans blocks with one grammar."""

    def __init__(self, grammar: Grammar, reading: Reading) -> None:
        self._grammar = grammar
        self._reading = reading

    def scan(self, block: Block) -> Scan:
        """All good runs and all rejects of a block; linear in its length."""
        scan, text, position = Scan(), block.text, 0
        while position < len(text):
            end = self._good_run(block, position)
            if end > position:
                scan.kept.append((position, end))
            elif self._grammar.is_no_record(text, position):
                end = self._reading.line_end(text, position)
            else:
                refused = self._refuse(block, position)
                if refused is None:
                    break
                end = refused[0]
                scan.refused.append((position, *refused))
            position = end
        scan.consumed = position
        return scan

    def record_starts(self, text: bytes, runs: list[tuple[int, int]]) -> Positions:
        """Where each record of the given runs of good records starts."""
        record = self._grammar.record
        starts = [match.start() for start, end in runs for match in record.finditer(text, start, end)]
        ends = {end for _, end in runs}  # where a record of one empty field matches once more
        return np.array([start for start in starts if start not in ends], np.int64)

    def _good_run(self, block: Block, position: int) -> int:
        if block.is_valid:
            match = self._grammar.run.match(block.text, position)
            return match.end() if match else position
        while (match := self._grammar.record.match(block.text, position)) and match.end() > position:
            if not is_utf8(match.group()):
                break
            position = match.end()
        return position

    def _refuse(self, block: Block, position: int) -> tuple[int, Violation] | None:
        """Where the reject that starts here ends, and why; None if the next block may still complete the record."""
        text, line_end = block.text, self._reading.line_end(block.text, position)
        extent = self._reading.extent(text, position)
        if extent is not None:
            fields = self._reading.split(text[position:extent])
            quotes_are_wrong = len(fields) != self._grammar.fields and self._a_line_is_good(text, line_end, extent)
            return (line_end if quotes_are_wrong else extent), self._why_wrong(fields)
        broken = self._reading.broken(text, position)
        if broken is None and not block.last and not (block.full and position == 0):
            return None
        never_closed = Violation("structure", None, "the quote that opens a field is never closed")
        return line_end, self._encoding_first(text[position:line_end], broken or never_closed)

    def _why_wrong(self, fields: list[bytes]) -> Violation:
        """What is wrong with a record of these fields, whose quotes are in order."""
        wanted = self._grammar.fields
        if bad := [i for i, value in enumerate(fields) if not is_utf8(value)]:
            return Violation("encoding", bad[0], "bytes that the encoding does not allow")
        if bad := [i for i, value in enumerate(fields) if b"\0" in value]:
            return Violation("not_storable", bad[0], "a NUL character, which PostgreSQL cannot store in text")
        if len(fields) == wanted:
            return Violation("structure", None, "the header comes again as a record")
        return Violation("structure", None, f"{len(fields)} fields where the header has {wanted}")

    def _encoding_first(self, line: bytes, broken: Violation) -> Violation:
        if is_utf8(line):
            return broken
        return Violation("encoding", None, "bytes that the encoding does not allow")

    def _a_line_is_good(self, text: bytes, position: int, extent: int) -> bool:
        while position < extent:
            match = self._grammar.record.match(text, position)
            if match and position < match.end() <= extent:
                return True
            position = self._reading.line_end(text, position)
        return False
