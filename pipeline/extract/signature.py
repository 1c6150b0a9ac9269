"""Files that say themselves what they are, so that a wrong contract gets a better answer than a thousand rejects."""

from __future__ import annotations

from contextlib import closing

from pipeline.errors import SourceError
from pipeline.extract.compression import Member

_SIGNATURES = (
    (b"PAR1", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel (.xls) or encrypted Office"),
    (b"%PDF-", "PDF"),
)
_LOOK = 256
_TAB = 9
_WORKBOOK = "[Content_Types].xml"


def refuse_binary(members: tuple[Member, ...], name: str, declared: str) -> None:
    """Raises SourceError if the content of a text format's file begins like that of a binary format."""
    if any(member.name == _WORKBOOK for member in members):
        raise _error(name, "XLSX", declared)
    with closing(members[0].open()) as stream:
        head = stream.read(_LOOK)
    # text may begin with these letters; a binary file goes on with bytes that no text has
    if any(byte < _TAB for byte in head):
        for signature, format_name in _SIGNATURES:
            if head.startswith(signature):
                raise _error(members[0].label(name), format_name, declared)


def _error(name: str, found: str, declared: str) -> SourceError:
    return SourceError(f"{name}: is a file of {found}, but its contract says {declared}; correct `format` or the file")
