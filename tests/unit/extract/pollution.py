"""A corpus of polluted CSV files, each made from one clean file of 84 records and 9 columns by one kind of damage.

The kinds are those of the Pollock benchmark (Vitagliano et al., VLDB 2023) and of issue trackers of CSV readers: a
delimiter less or more, a stray quote, another delimiter in one record, and whole-file traits such as line ends,
dialects, preambles and encodings. Whole-file traits are declared to the reader as a contract would declare them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.contract.dataset import ReadOptions

HEADER = ("date", "time", "qty", "product_id", "price", "type", "description", "url", "comments")
QUOTED = frozenset({6, 8})
"""Columns whose cells are always quoted; they hold commas and doubled quotes."""


def clean_rows() -> list[tuple[str, ...]]:
    """84 records, all different in every place that matters."""
    return [_row(number) for number in range(84)]


def _row(number: int) -> tuple[str, ...]:
    kinds = ("pen", "Lamp", "Stuhl", "naïve café set", "日本茶")
    comments = ("", 'said "never again", then came back', "a, b and c", "plain", 'ends with a quote"')
    return (
        f"{1 + number % 28:02d}/{1 + number % 12:02d}/2024",
        f"{number % 24:02d}:{number * 7 % 60:02d}",
        str(number * 3 % 50),
        f"{number:06d}",
        f"{number * 13 % 700}.{number % 100:02d} €",
        kinds[number % len(kinds)],
        f'size {number}", black, "new"' if number % 3 else f"size {number}, black",
        f"https://shop.example/item?id={number}&ref=a;b",
        comments[number % len(comments)],
    )


@dataclass(frozen=True)
class Polluted:
    """A file. `records`: how many it has. `hurt`: how many of its records are damaged. `read`: how it is declared.

    `rows`: the records of the clean file, as they would look here if nothing were damaged.
    """

    name: str
    content: bytes
    records: int = 84
    hurt: int = 0
    read: ReadOptions = field(default_factory=lambda: ReadOptions("csv"))
    rows: tuple[tuple[str, ...], ...] = tuple(clean_rows())


def written(cells: tuple[str, ...], delimiter: str = ",", quote: str = '"', escape: str | None = None) -> list[str]:
    """The cells as the clean file writes them: some columns always quoted, others only if they must be."""
    out = []
    for place, cell in enumerate(cells):
        special = (delimiter, quote, "\n", "\r", *([escape] if escape else []))
        if place in QUOTED or any(character in cell for character in special):
            inner = cell.replace(escape, escape * 2) if escape else cell
            cell = f"{quote}{inner.replace(quote, (escape or quote) + quote)}{quote}"
        out.append(cell)
    return out


def lines(delimiter: str = ",", quote: str = '"', escape: str | None = None) -> list[str]:
    """The clean file's lines without line ends, header first."""
    return [delimiter.join(HEADER), *(delimiter.join(written(row, delimiter, quote, escape)) for row in clean_rows())]


def polluted_files() -> Iterator[Polluted]:
    """All of the corpus."""
    yield from record_pollutions()
    yield from file_pollutions()


def record_pollutions() -> Iterator[Polluted]:
    """One record damaged in each file."""
    yield from _damaged(clean_rows(), range(84), every_position=(16, 49))


def hard_record_pollutions() -> Iterator[Polluted]:
    """The same where cells hold line ends and begin with delimiters: damage can then look like another valid record."""
    comments = (", leading", "", "line one\nline, two", ",", 'x\n"y",z')
    rows = [(*row[:8], comments[number % len(comments)]) for number, row in enumerate(clean_rows())]
    yield from _damaged(rows, range(45, 55), every_position=(49,))


def _damaged(rows: list[tuple[str, ...]], places: Iterable[int], every_position: tuple[int, ...]) -> Iterator[Polluted]:
    base = [",".join(HEADER), *(",".join(written(row)) for row in rows)]
    for place in places:
        for name, damaged in _damages(rows[place], place in every_position):
            content = [*base[: place + 1], damaged, *base[place + 2 :]]
            yield Polluted(f"record {place + 1}: {name}", _joined(content), hurt=1, rows=tuple(rows))


def _damages(row: tuple[str, ...], every_position: bool) -> Iterator[tuple[str, str]]:
    cells = written(row)
    for place in range(1, len(cells)):
        yield f"delimiter {place} missing", _with_delimiter(cells, place, "")
        yield f"delimiter {place} doubled", _with_delimiter(cells, place, ",,")
    yield "delimiter at the start", "," + ",".join(cells)
    yield "delimiter at the end", ",".join(cells) + ","
    for other in ("\t", ";", " ", "|"):
        yield f"delimiter {other!r} in one record", other.join(cells)
    for place, cell in enumerate(cells):
        before, after = cells[:place], cells[place + 1 :]
        yield f"quote before cell {place}", ",".join([*before, '"' + cell, *after])
        yield f"quote after cell {place}", ",".join([*before, cell + '"', *after])
    for position in range(len(",".join(cells)) + 1) if every_position else ():
        line = ",".join(cells)
        yield f"quote at character {position}", f'{line[:position]}"{line[position:]}'


def _with_delimiter(cells: list[str], place: int, delimiter: str) -> str:
    return ",".join(cells[:place]) + delimiter + ",".join(cells[place:])


def file_pollutions() -> Iterator[Polluted]:
    """Traits of a whole file; nothing in it is damaged unless `hurt` says so."""
    yield from _line_ends()
    yield from _dialects()
    yield from _surroundings()
    yield from _encodings()
    yield from _tables()


def _line_ends() -> Iterator[Polluted]:
    base = lines()
    for name, end in (("LF", "\n"), ("CR", "\r"), ("CRLF", "\r\n")):
        yield Polluted(f"line ends {name}", _joined(base, end))
        yield Polluted(f"line ends {name}, none at the end", _joined(base, end).removesuffix(end.encode()))
    ends = ("\n", "\r\n", "\r")
    yield Polluted("line ends mixed", "".join(line + ends[i % 3] for i, line in enumerate(base)).encode())
    yield Polluted("CRLF for the header only", (base[0] + "\r\n" + "\n".join(base[1:])).encode())
    yield Polluted("empty lines between", _joined([line for record in base for line in (record, "")]))


def _dialects() -> Iterator[Polluted]:
    for delimiter in (";", "\t", "|", ":", "^", "~", " ", "§", ", ", "||"):
        options = ReadOptions("csv", delimiter=delimiter)
        yield Polluted(f"delimiter {delimiter!r}", _joined(lines(delimiter)), read=options)
    yield Polluted("quote '", _joined(lines(quote="'")), read=ReadOptions("csv", quote="'"))
    for delimiter in (",", ";", "\t"):
        options = ReadOptions("csv", delimiter=delimiter, escape="\\")
        yield Polluted(f"backslash, {delimiter!r}", _joined(lines(delimiter, escape="\\")), read=options)
    every = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in (HEADER, *clean_rows())]
    yield Polluted("everything quoted", _joined(every))


def _surroundings() -> Iterator[Polluted]:
    base = lines()
    no_header = ReadOptions("csv", header=False)
    yield Polluted("no header", _joined(base[1:]), read=no_header)
    for count in (1, 3, 20):
        preamble = [f"Report, {number}, of ACME" for number in range(count)]
        options = ReadOptions("csv", skip_lines=count)
        yield Polluted(f"{count} lines before the header", _joined([*preamble, *base]), read=options)
        header = [",".join(f"{column} {number}" for column in HEADER) for number in range(count)]
        yield Polluted(f"{count} more header lines", _joined([*header, *base]), read=options)
    comment = ReadOptions("csv", comment="#")
    yield Polluted("comments", _joined([base[0], "# a, comment", *base[1:], '# "the end']), read=comment)
    yield Polluted("no payload", _joined(base[:1]), records=0, rows=())
    yield Polluted("header without line end, no payload", base[0].encode(), records=0, rows=())
    long = tuple(clean_rows())
    long = (*long[:40], (*long[40][:8], "x" * 65_536), *long[41:])
    content = [base[0], *(",".join(written(row)) for row in long)]
    yield Polluted("a field of 65,536 characters", _joined(content), rows=long)


def _encodings() -> Iterator[Polluted]:
    text = "\n".join(lines()) + "\n"
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"):
        options = ReadOptions("csv", encoding=encoding.removesuffix("-sig"))
        yield Polluted(f"encoding {encoding}", text.encode(encoding), read=options)
    for encoding in ("iso-8859-15", "cp1252", "shift_jis"):
        rows = tuple(tuple(_within(cell, encoding) for cell in row) for row in clean_rows())
        content = _within(text, encoding).encode(encoding)
        yield Polluted(f"encoding {encoding}", content, read=ReadOptions("csv", encoding=encoding), rows=rows)


def _tables() -> Iterator[Polluted]:
    base = lines()
    second = ["sku,stock", *(f"{number},{number * 2}" for number in range(20))]
    yield Polluted("a second, narrower table", _joined([*base, *second]), records=105, hurt=21)
    yield Polluted("a second table after empty lines", _joined([*base, "", "", *second]), records=105, hurt=21)
    yield Polluted("the header again in the middle", _joined([*base[:40], base[0], *base[40:]]), records=85, hurt=1)
    wide = [",".join(f"c{i}" for i in range(12)), *(",".join("v" * 12) for _ in range(5))]
    yield Polluted("a second, wider table", _joined([*base, *wide]), records=90, hurt=6)


def _within(text: str, encoding: str) -> str:
    return text.encode(encoding, "replace").decode(encoding)


def _joined(content: list[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in content).encode()
