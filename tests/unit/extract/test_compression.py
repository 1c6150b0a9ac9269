"""Archives: told by their first bytes, read in one pass, refused when they are broken, nested or bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import SourceError
from pipeline.extract import compression
from tests.unit.extract.reading import dataset, read_bytes

AB = ("a", "b")
TEXT = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(3_000))


def zipped(**members: bytes) -> bytes:
    """A zip archive of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": _zstd,
    "zip": lambda content: zipped(f=content),
}
EVERY = pytest.mark.parametrize("kind", PACKED)


@EVERY
def test_whatever_the_file_is_called(tmp_path: Path, kind: str) -> None:
    outcome = read_bytes(tmp_path, PACKED[kind](TEXT), dataset(AB), name="data.csv", part_bytes=1000)
    assert len(outcome.rows) == 3_000
    assert outcome.raw(2, 1501, 3001) == [b"0,0", b"1499,2247001", b"2999,8994001"]
    assert outcome.extraction.bytes_read == (tmp_path / "source").stat().st_size or kind == "zip"


@EVERY
def test_truncated_anywhere_it_is_an_error_and_never_fewer_rows(tmp_path: Path, kind: str) -> None:
    packed = PACKED[kind](TEXT)
    for fiftieth in range(50):
        with pytest.raises(SourceError):
            read_bytes(tmp_path, packed[: len(packed) * fiftieth // 50], dataset(AB), name=f"f.csv.{kind}.gz")


@EVERY
def test_a_flipped_bit_is_an_error(tmp_path: Path, kind: str) -> None:
    packed = bytearray(PACKED[kind](TEXT))
    packed[len(packed) // 2] ^= 0x10
    if kind == "zstd":
        pytest.skip("a zstd frame has a checksum only if its writer asked for one")
    with pytest.raises(SourceError, match="truncated or corrupt"):
        read_bytes(tmp_path, bytes(packed), dataset(AB))


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_members_written_one_after_the_other_are_one_file(tmp_path: Path, kind: str) -> None:
    pack = PACKED[kind]
    content = pack(TEXT[:1000]) + pack(b"") + pack(TEXT[1000:])
    assert len(read_bytes(tmp_path, content, dataset(AB)).rows) == 3_000


def test_what_follows_a_gzip_archive_is_an_error_unless_it_is_zeros(tmp_path: Path) -> None:
    assert len(read_bytes(tmp_path, gzip.compress(TEXT) + bytes(512), dataset(AB)).rows) == 3_000
    with pytest.raises(SourceError, match="corrupt"):
        read_bytes(tmp_path, gzip.compress(TEXT) + b"rubbish", dataset(AB))


@pytest.mark.parametrize("size", [0, 4, 8, 3 << 20])
def test_zeros_between_and_after_xz_streams_are_padding(tmp_path: Path, size: int) -> None:
    content = lzma.compress(TEXT[:1000]) + bytes(size) + lzma.compress(TEXT[1000:]) + bytes(size)
    outcome = read_bytes(tmp_path, content, dataset(AB))
    assert len(outcome.rows) == 3_000
    assert outcome.extraction.bytes_read == len(content)


@pytest.mark.parametrize("kind", ["bzip2", "xz"])
@pytest.mark.parametrize(
    "rest",
    [
        b"rubbish",
        b"r",
        bytes(3),
        bytes(4) + b"rubbish that is long enough",
        b"BZi" + bz2.compress(TEXT)[3:],
        b"\xfd7zYZ\x00" + lzma.compress(TEXT)[6:],
        bz2.compress(TEXT)[:-8],
        lzma.compress(TEXT)[:-8],
    ],
)
def test_what_follows_a_stream_and_is_none_is_an_error(tmp_path: Path, kind: str, rest: bytes) -> None:
    with pytest.raises(SourceError, match="corrupt"):
        read_bytes(tmp_path, PACKED[kind](TEXT) + rest, dataset(AB))


@EVERY
@pytest.mark.parametrize("inner", PACKED)
def test_an_archive_in_an_archive_is_refused(tmp_path: Path, kind: str, inner: str) -> None:
    with pytest.raises(SourceError, match="inside an archive"):
        read_bytes(tmp_path, PACKED[kind](PACKED[inner](TEXT)), dataset(AB))


@EVERY
def test_a_bomb_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "EXPANSION_FREE", 1 << 18)
    monkeypatch.setattr(compression, "EXPANSION_RATIO", 20)
    bomb = PACKED[kind](b"a,b\n" + b"0,0\n" * 600_000)
    with pytest.raises(SourceError, match="bomb"):
        read_bytes(tmp_path, bomb, dataset(AB))


def test_many_files_of_an_archive_have_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "EXPANSION_FREE", 1 << 18)
    monkeypatch.setattr(compression, "EXPANSION_RATIO", 20)
    content = b"a,b\n" + b"0,0\n" * 60_000
    assert len(read_bytes(tmp_path, zipped(f=content), dataset(AB)).rows) == 60_000
    with pytest.raises(SourceError, match="bomb"):
        read_bytes(tmp_path, zipped(f=content, g=content), dataset(AB))


@pytest.mark.parametrize("magic", [0x50, 0x5F])
def test_a_zstd_file_may_begin_with_a_frame_to_skip(tmp_path: Path, magic: int) -> None:
    skipped = bytes([magic]) + b"\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"what?"
    assert len(read_bytes(tmp_path, skipped + _zstd(TEXT) + skipped, dataset(AB)).rows) == 3_000


def test_several_files_of_one_dataset_are_read_one_after_the_other(tmp_path: Path) -> None:
    members = {"1.csv": b"a,b\n1,2\nbad\n", "2.csv": b"A,b\n3,4\n", "__MACOSX/._1.csv": b"junk", "d/": b""}
    outcome = read_bytes(tmp_path, zipped(**members), dataset(AB))
    assert sorted(outcome.table.select(["a", "b", "_line"]).to_pylist(), key=lambda row: row["_line"]) == [
        {"a": "1", "b": "2", "_line": 2},
        {"a": "3", "b": "4", "_line": 5},
    ]
    assert [(r.line, r.raw) for r in outcome.rejects] == [(3, b"bad")]
    assert outcome.raw(2, 5) == [b"1,2", b"3,4"]


def test_files_of_different_columns_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"2\.csv.*differ.*c"):
        read_bytes(tmp_path, zipped(**{"1.csv": b"a,b\n", "2.csv": b"a,c\n"}), dataset(AB))


def test_files_of_another_order_of_columns_do_not_go_together(tmp_path: Path) -> None:
    """Rejects of all files go back below the header of the first."""
    with pytest.raises(SourceError, match=r"2\.csv.*another order than .*1\.csv"):
        read_bytes(tmp_path, zipped(**{"1.csv": b"a,b\n", "2.csv": b"b,a\n"}), dataset(AB))


@pytest.mark.parametrize("inner", PACKED)
def test_an_archive_is_refused_in_a_later_file_of_a_zip_too(tmp_path: Path, inner: str) -> None:
    with pytest.raises(SourceError, match=r"2'.*inside an archive"):
        read_bytes(tmp_path, zipped(**{"1": b"a,b\n", "2": PACKED[inner](TEXT)}), dataset(AB))


def test_names_in_a_zip_touch_nothing(tmp_path: Path) -> None:
    evil = tmp_path / "deep" / "er"
    evil.mkdir(parents=True)
    names = ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a\x1b[31m.csv"]
    outcome = read_bytes(evil, zipped(**dict.fromkeys(names, b"a,b\n1,2\n")), dataset(AB))
    assert len(outcome.rows) == 4
    assert not list(tmp_path.rglob("evil*"))


def test_an_encrypted_zip_is_an_error(tmp_path: Path) -> None:
    content = bytearray(zipped(f=b"a,b\n"))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(SourceError, match="without a password"):
        read_bytes(tmp_path, bytes(content), dataset(AB))


def test_a_zip_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file"):
        read_bytes(tmp_path, zipped(), dataset(AB))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_nothing_at_all_is_no_archive(tmp_path: Path, form: str) -> None:
    with pytest.raises(SourceError, match="its name promises an archive"):
        read_bytes(tmp_path, b"", dataset(AB, format=form, header=False), name="s3://b/f.ndjson.gz")


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    assert len(read_bytes(tmp_path, TEXT, dataset(AB), name="s3://b/data.csv.gz").rows) == 3_000


@pytest.mark.parametrize("declared", ["csv", "json"])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"ORC\n\x03\x00", "ORC"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "Excel"),
        (zipped(**{"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "XLSX"),
    ],
)
def test_another_format_than_the_contract_says_is_named(
    tmp_path: Path, content: bytes, found: str, declared: str
) -> None:
    with pytest.raises(SourceError, match=rf"{found}.*contract says {declared}"):
        read_bytes(tmp_path, content, dataset(AB, format=declared))


def test_text_that_begins_like_a_binary_format_is_text(tmp_path: Path) -> None:
    for header in (b"PAR1", b"ORC", b"BZh9"):
        assert read_bytes(tmp_path, header + b",b\n1,2\n", dataset(("b",))).rows == [("2",)]
