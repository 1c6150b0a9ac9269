"""A declared encoding: strict decoding to UTF-8, and physical lines in the sender's own bytes."""

from __future__ import annotations

import codecs
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.errors import SourceError

_INVALID, _INVALID_UNIT = "landfall_invalid", "landfall_invalid_unit"
_ASCII, _BEYOND_ASCII = bytes(range(128)), bytes(range(128, 256))
_LF, _CR = 10, 13
_STATEFUL = ("iso2022", "hz", "utf-7", "utf-8-sig")


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Stand-in for undecodable bytes: a lone surrogate, which is invalid in UTF-8 and so stays visible as wrong.

    No ASCII is left out with them: a codec may count a line end or a quote to the character that it misses.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    others = error.object[error.start + 1 : error.end]
    return "\udcff", error.end - len(others.lstrip(_BEYOND_ASCII))


def _mark_unit(error: UnicodeError) -> tuple[str, int]:
    """The same for UTF-16 and UTF-32, where a byte is no character."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_INVALID_UNIT, _mark_unit)
codecs.register_error(_INVALID, _mark)


class Encoding:
    """An encoding by its Python name. `UTF-16` and `UTF-32` need their byte order: see `resolve`.

    Raises SourceError for a name that is unknown or not an encoding of text files.
    """

    def __init__(self, name: str) -> None:
        try:
            codec = codecs.lookup(name).name
            line_end = "\r\n".encode(codec)
        except (LookupError, UnicodeError, TypeError) as error:
            raise SourceError(f"the encoding {name!r} is not known; use one such as UTF-8, UTF-16 or cp1252") from error
        self.name = codec
        self.is_utf8 = codec == "utf-8"
        self.width = len(line_end) // 2
        self._order = ">" if codec.endswith("be") else "<"
        if not self._is_usable(line_end):
            raise SourceError(f"the encoding {name!r} is not supported: it is neither a superset of ASCII nor Unicode")

    def to_utf8(self, raw: bytes) -> bytes:
        """The bytes in UTF-8. What cannot be decoded becomes invalid UTF-8; line ends stay one to one."""
        if self.is_utf8 or (self._keeps_ascii and raw.isascii()):
            return raw
        try:
            return raw.decode(self.name).encode("utf-8")
        except UnicodeError:
            starts = self.line_starts(raw)
            return b"".join(self._marked(raw[a:b]) for a, b in pairwise(starts))

    def line_starts(self, raw: bytes) -> npt.NDArray[np.int64]:
        """Where each physical line starts in `raw`, with its length as the last element."""
        units = self._units(raw)
        ends = units == _LF
        carriage = units == _CR
        if carriage.any():
            carriage[:-1] &= units[1:] != _LF
            ends |= carriage
        after = (np.flatnonzero(ends) + 1) * self.width
        if len(raw) and (not len(after) or after[-1] < len(raw)):
            return np.concatenate(([0], after, [len(raw)]))
        return np.concatenate(([0], after))

    def last_line_end(self, data: bytes) -> int:
        """Bytes up to the end of the last whole line; a CR at the very end waits for what follows it. 0 without one."""
        if self.width == 1:
            return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        units = self._units(data)
        ends = np.flatnonzero((units[:-1] == _CR) | (units[:-1] == _LF))
        if len(units) and units[-1] == _LF:
            return len(units) * self.width
        return (int(ends[-1]) + 1) * self.width if len(ends) else 0

    def first_line_end(self, data: bytes) -> int:
        """Bytes up to the end of the first whole line, 0 without one."""
        end = self.last_line_end(data)
        return int(self.line_starts(data[:end])[1]) if end else 0

    def without_line_end(self, raw: bytes) -> bytes:
        """One line without its LF, CRLF or CR."""
        for line_end in self._line_ends:
            if raw.endswith(line_end) and (self.width == 1 or len(raw) % self.width == 0):
                return raw[: -len(line_end)]
        return raw

    @cached_property
    def _line_ends(self) -> tuple[bytes, ...]:
        return tuple(text.encode(self.name) for text in ("\r\n", "\n", "\r"))

    @cached_property
    def _keeps_ascii(self) -> bool:
        return _ASCII.decode(self.name, "replace") == _ASCII.decode("ascii")

    def _is_usable(self, line_end: bytes) -> bool:
        if self.name.startswith(("utf-16", "utf-32")):
            return self.width in (2, 4) and self.name.endswith(("le", "be"))
        return line_end == b"\r\n" and not self.name.startswith(_STATEFUL)

    def _units(self, raw: bytes) -> npt.NDArray[np.unsignedinteger]:
        return np.frombuffer(raw, f"{self._order}u{self.width}", len(raw) // self.width)

    def _marked(self, line: bytes) -> bytes:
        return line.decode(self.name, _INVALID if self.width == 1 else _INVALID_UNIT).encode("utf-8", "surrogatepass")


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def resolve(declared: str, head: bytes, name: str) -> tuple[Encoding, bytes]:
    """The encoding to read with and the byte order mark that the content starts with (b"" if none).

    A declared UTF-16 or UTF-32 takes its byte order from the mark, little endian without one. Raises SourceError if the
    mark belongs to another encoding than the contract's: reading on would turn every character beyond ASCII to rubbish.
    """
    mark, marked = next(((m, e) for m, e in _MARKS if head.startswith(m)), (b"", ""))
    wanted = declared.lower().replace("_", "-")
    if wanted in ("utf-8-sig", "utf8-sig", "utf-8", "utf8"):
        wanted = "utf-8"
    if wanted in ("utf-16", "utf16", "utf-32", "utf32"):
        bits = wanted[-2:]
        wanted = marked if f"-{bits}-" in marked else f"utf-{bits}-le"
    encoding = Encoding(wanted)
    if mark and marked != encoding.name:
        raise SourceError(
            f"{name}: starts with the byte order mark of {marked.upper()}, but its contract says {declared};"
            f" set `encoding: {marked.upper()}` or have the file sent in {declared}"
        )
    return encoding, mark
