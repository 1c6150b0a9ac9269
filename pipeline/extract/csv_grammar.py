"""The grammar of CSV: RFC 4180 for one dialect, as regular expressions over bytes that never backtrack.

All quantifiers are possessive, so that matching is linear in the text whatever a sender wrote.

    record := field (delimiter field){n-1} line-end         line-end := CRLF | LF | CR | end of file
    field  := quoted | unquoted
    quoted := quote (anything but a quote, or a doubled quote)* quote
    unquoted := anything but quote, delimiter, CR and LF

With an escape character it takes the next byte literally in both kinds of field (an unquoted line end excepted), and
quotes are not doubled. Without a quote character every field is unquoted and a quote is a byte like others.
A NUL is in no field. A line that is empty, or begins with the comment character, is not a record; but in a file of one
column an empty line is a record with an empty field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from pipeline.contract.dataset import ReadOptions
from pipeline.errors import ContractError
from pipeline.extract.csv_delimiter import STAND_IN

_LINE_END = rb"(?:\r\n?|\n|\Z)"


@dataclass(frozen=True)
class Dialect:
    """One-byte characters of a CSV dialect. `escape` None: a quote inside quotes is doubled.

    `longer`: the delimiter for which `delimiter` stands in, if it is not one ASCII character.
    """

    delimiter: bytes
    quote: bytes | None
    escape: bytes | None
    comment: bytes | None
    longer: str | None = None

    @classmethod
    def of(cls, options: ReadOptions) -> Dialect:
        """The contract's dialect. Raises ContractError if its characters cannot be told apart."""
        escape = None if options.escape == options.quote else options.escape
        longer = options.delimiter if len(options.delimiter) > 1 or not options.delimiter.isascii() else None
        delimiter = STAND_IN.decode() if longer else options.delimiter
        characters = [c for c in (delimiter, options.quote, escape, options.comment) if c is not None]
        usable = all(len(c) == 1 and c.isascii() and c not in "\r\n\0" for c in characters)
        if not usable or len(set(characters)) < len(characters):
            raise ContractError(
                f"delimiter, quote, escape and comment must be different single characters, not {characters};"
                " correct readOptions in the contract"
            )
        quote, escaped, comment = (c.encode() if c else None for c in (options.quote, escape, options.comment))
        return cls(delimiter.encode(), quote, escaped, comment, longer)

    @cached_property
    def field(self) -> bytes:
        """Expression of a field that may be stored."""
        return rb"(?:%b|%b)" % (self.quoted_without(b"\0"), self._unquoted(b"\0"))

    @cached_property
    def any_field(self) -> bytes:
        """Expression of a field that may also hold NUL."""
        return rb"(?:%b|%b)" % (self.quoted_without(b""), self._unquoted(b""))

    def value(self, field: bytes) -> bytes:
        """What a field as written stands for."""
        quote, escape = self.quote, self.escape
        if quote and field.startswith(quote):
            field = field[1:-1] if escape else field[1:-1].replace(quote * 2, quote)
        field = re.sub(re.escape(escape) + rb"([\s\S])", rb"\1", field) if escape else field
        return field.replace(self.delimiter, self.longer.encode()) if self.longer else field

    def quoted_without(self, without: bytes) -> bytes:
        """Expression of a quoted field in which some bytes (NUL, or none) may not be."""
        if self.quote is None:
            return rb"(?!)"
        quote, plain = re.escape(self.quote), self._but(self.quote + (self.escape or b"") + without)
        literal = self._but(without) if without else rb"[\s\S]"
        inner = re.escape(self.escape) + literal if self.escape else quote * 2
        return rb"%b%b*+(?:%b%b*+)*+%b" % (quote, plain, inner, plain, quote)

    def _unquoted(self, without: bytes) -> bytes:
        plain = self._but(self.delimiter + b"\r\n" + (self.quote or b"") + (self.escape or b"") + without)
        if not self.escape:
            return rb"%b*+" % plain
        return rb"%b*+(?:%b%b%b*+)*+" % (plain, re.escape(self.escape), self._but(b"\r\n" + without), plain)

    @staticmethod
    def _but(characters: bytes) -> bytes:
        return rb"[^%b]" % b"".join(re.escape(characters[i : i + 1]) for i in range(len(characters)))


@dataclass(frozen=True)
class Violation:
    """What is wrong with a record. `column`: position of the field at fault from 0, None when it is the count."""

    rule: str
    column: int | None
    message: str


class Grammar:
    """A dialect with a number of fields and, if there is one, the header that must not come again as a record."""

    def __init__(self, dialect: Dialect, fields: int, header: bytes | None = None) -> None:
        self.dialect = dialect
        self.fields = fields
        self.header = header if fields > 1 else None
        not_first = [re.escape(dialect.comment)] if dialect.comment else []
        not_first += [re.escape(self.header) + rb"(?:[\r\n]|\Z)"] if self.header else []
        guard = rb"(?!%b)" % b"|".join(not_first) if not_first else b""
        more = rb"(?:%b%b){%d}" % (re.escape(dialect.delimiter), dialect.field, fields - 1)
        record = guard + dialect.field + more + _LINE_END
        self.record = re.compile(record)
        """One valid record."""
        self.run = re.compile(rb"(?:%b)++" % record)
        """As many valid records as follow each other."""

    def is_no_record(self, text: bytes, position: int) -> bool:
        """Whether the line here is empty (and a record has several fields) or a comment."""
        comment = self.dialect.comment
        return (self.fields > 1 and text[position] in b"\r\n") or bool(comment and text.startswith(comment, position))


class Reading:
    """A dialect whatever the number of fields: splits a header, and says what is wrong with a record."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        delimiter = re.escape(dialect.delimiter)
        self._record = re.compile(rb"%b(?:%b%b)*+%b" % (dialect.any_field, delimiter, dialect.any_field, _LINE_END))
        self._before = re.compile(rb"(?:%b%b)*+" % (dialect.any_field, delimiter))
        self._field = re.compile(dialect.any_field)
        self._quoted = re.compile(dialect.quoted_without(b""))
        self._line = re.compile(rb"[^\r\n]*+" + _LINE_END)

    def extent(self, text: bytes, position: int) -> int | None:
        """Where the record that starts here ends, line end included, whatever its number of fields; None if broken."""
        match = self._record.match(text, position)
        return match.end() if match else None

    def line_end(self, text: bytes, position: int) -> int:
        """Where the physical line that starts here ends, line end included."""
        return self._line.match(text, position).end()  # type: ignore[union-attr]

    def split(self, text: bytes, position: int = 0) -> list[bytes]:
        """The fields of a well-formed record as written, quotes included."""
        fields = []
        while True:
            match = self._field.match(text, position)
            fields.append(match.group())  # type: ignore[union-attr]
            position = match.end()  # type: ignore[union-attr]
            if not text.startswith(self._dialect.delimiter, position):
                return fields
            position += 1

    def broken(self, text: bytes, position: int) -> Violation | None:
        """Why no record starts here; None if a quote is still open at the end of the text."""
        before = self._before.match(text, position).end()  # type: ignore[union-attr]
        column = len(self.split(text[position : before - 1])) if before > position else 0
        if not self._dialect.quote or not text.startswith(self._dialect.quote, before):
            return Violation("structure", column, "a quote inside a field that does not begin with one")
        if self._quoted.match(text, before):
            return Violation("structure", column, "text after the closing quote")
        return None
