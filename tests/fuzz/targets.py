"""What is fuzzed: bytes in, an exception out if a promise is broken. What was found is a case in tests/unit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.errors import ContractError, SourceError
from tests.unit.contract.test_lint_never_breaks import TEXTS
from tests.unit.contract.test_lint_never_breaks import agree as contract_agrees
from tests.unit.extract.reading import dataset, read_bytes
from tests.unit.extract.test_csv_properties import agree as csv_agrees

# In memory where there is such a place: each input is written to a file and extracted to others.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
BLOCKS = (1, 2, 7, 16, 1 << 20)
FORMS = ("csv", "json", "parquet", "xlsx", "avro", "orc")
ENCODINGS = ("UTF-8", "UTF-16", "UTF-16LE", "cp1252", "shift_jis", "iso8859-15")
DELIMITERS = (",", ";", "\t", "|", "§")


def csv(data: bytes) -> None:
    """The CSV reader agrees with the second reader on rows, rejects and their bytes, however the file is cut."""
    if data:
        csv_agrees(data[1:], BLOCKS[data[0] % len(BLOCKS)])


def files(data: bytes) -> None:
    """Any bytes, as any format, encoding and dialect, are rows and rejects or one clear error."""
    if len(data) < 4:
        return
    form, encoding, delimiter, block = (
        choices[byte % len(choices)]
        for byte, choices in zip(data[:4], (FORMS, ENCODINGS, DELIMITERS, BLOCKS), strict=True)
    )
    described = dataset(["a", "b"], format=form, encoding=encoding, delimiter=delimiter, header=bool(data[3] & 64))
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        try:
            outcome = read_bytes(Path(directory), data[4:], described, part_bytes=block)
            outcome.raw(*outcome.lines)
        except (SourceError, ContractError) as error:
            assert "\n" not in str(error), error


def contract(data: bytes) -> None:
    """Any text is a contract or a list of its mistakes, each with its place."""
    contract_agrees(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], None]] = {"csv": csv, "files": files, "contract": contract}


def seeds(target: str) -> Iterable[bytes]:
    """Inputs to begin with."""
    if target == "contract":
        return [text.encode() for text in TEXTS]
    text = b'a,b,c\n"x","y\nz",""\n1,"2""3",4\r\n\xc3\xa9,,\n'
    documents = b'{"a": 1, "b": [true, null, "\\u00e9"]}\n[{"a": 1.50}, {"b": {}}]\n'
    return [bytes([n, n, n, n]) + content for n in range(6) for content in (text, documents)]
