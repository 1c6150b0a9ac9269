"""Text: what a file holds is what the table holds, byte for byte; what is no text is a reject, and never U+FFFD."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract.names import snake_case
from tests import figures
from tests.integration import texts
from tests.integration.loader import Loader
from tests.integration.texts import CONTROLS, INJECTIONS, INVALID, SPECIAL, WRITERS

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

KEYED = ["{name: id, logicalType: integer, primaryKey: true}", "{name: text, logicalType: string}"]
KEYLESS = ["{name: id, logicalType: integer}", KEYED[1]]
ALL_REJECTS = "{mode: %s, rejects: {max: 100, unit: percent}}"


@pytest.fixture(params=["append", "upsert"])
def mode(request: pytest.FixtureRequest) -> str:
    """Append has no key, so that its rows need no staging; upsert has one."""
    mode: str = request.param
    return mode


def described(contract: Contract, schema: str, mode: str, form: str, properties: Sequence[str] | None = None) -> Path:
    properties = properties or (KEYED if mode == "upsert" else KEYLESS)
    return contract(schema, properties, load=ALL_REJECTS % mode, source=f"    format: {form}")


@pytest.mark.parametrize("form", WRITERS)
def test_every_character_comes_back(
    load: Loader, contract: Contract, tmp_path: Path, rows: Query, form: str, mode: str
) -> None:
    sent = list(enumerate([*texts.every_character(), *CONTROLS, *INJECTIONS, *SPECIAL]))
    schema = f"text_{form}_{mode}_{load.engine}"
    path = WRITERS[form](tmp_path / f"a.{form}", ("id", "text"), sent)
    receipt = load.one(path, described(contract, schema, mode, form))
    assert receipt.error is None
    assert receipt.rows["inserted"] == len(sent)
    stored = rows(f"SELECT id, convert_to(text, 'UTF8') FROM {schema}.target ORDER BY id")
    back = [(key, bytes(value)) for key, value in stored]
    assert back == [(key, text.encode()) for key, text in sent]
    characters = len({character for _, text in sent for character in text})
    figures.record("Text", f"{form}, {mode}, {load.engine}", texts=len(sent), characters=characters, changed=0)


@pytest.mark.parametrize("form", WRITERS)
def test_nul_is_not_storable(
    sail: Loader, contract: Contract, tmp_path: Path, rows: Query, form: str, mode: str
) -> None:
    sent = [(1, "good"), (2, "a\0b"), (3, "\0"), (4, "good")]
    schema = f"nul_{form}_{mode}"
    path = WRITERS[form](tmp_path / f"a.{form}", ("id", "text"), sent)
    receipt = sail.one(path, described(contract, schema, mode, form))
    assert receipt.error is None
    assert receipt.rejects_by_rule == {"not_storable": 2}
    assert rows(f"SELECT id, text FROM {schema}.target ORDER BY id") == [(1, "good"), (4, "good")]


def csv_with(pieces: Sequence[bytes]) -> bytes:
    quoted = b"".join(b'%d,"a%sb"\n' % (n * 2 + 1, piece) for n, piece in enumerate(pieces))
    plain = b"".join(b"%d,a%sb\n" % (n * 2 + 2, piece) for n, piece in enumerate(pieces))
    return b"id,text\n" + quoted + plain + b"1000,good\n"


def json_with(pieces: Sequence[bytes]) -> bytes:
    documents = b"".join(b'{"id":%d,"text":"a%sb"}\n' % (n + 1, piece) for n, piece in enumerate(pieces))
    return documents + b'{"id":1000,"text":"good"}\n'


def parquet_with(path: Path, pieces: Sequence[bytes]) -> bytes:
    """A Parquet writer that does not look calls any bytes a string."""
    raw = pa.array([*(b"a" + piece + b"b" for piece in pieces), b"good"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    pq.write_table(pa.table({"id": pa.array([*range(1, len(pieces) + 1), 1000]), "text": text}), path)
    return path.read_bytes()


@pytest.mark.parametrize("form", WRITERS)
def test_what_is_no_utf8_is_rejected_as_it_was_sent(
    load: Loader, contract: Contract, tmp_path: Path, rows: Query, form: str, mode: str
) -> None:
    pieces = list(INVALID.values())
    path = tmp_path / f"a.{form}"
    content = {"csv": csv_with, "json": json_with}.get(form, lambda pieces: parquet_with(path, pieces))(pieces)
    path.write_bytes(content)
    schema = f"invalid_{form}_{mode}_{load.engine}"
    receipt = load.one(path, described(contract, schema, mode, form))
    assert receipt.error is None, receipt.error
    bad = len(pieces) * (2 if form == "csv" else 1)
    assert receipt.rejects_by_rule == {"encoding": bad}
    assert rows(f"SELECT id, text FROM {schema}.target") == [(1000, "good")]
    kept = rows("SELECT raw, message FROM landfall.reject WHERE load_id = %s ORDER BY line", receipt.load_id)
    assert all("\ufffd" not in message for _, message in kept)
    if form == "parquet":
        assert bytes(kept[0][0]) == rb'{"id":1,"text":"a\\x80b"}'
    else:
        lines = content.split(b"\n")
        wanted = lines[1 : bad + 1] if form == "csv" else lines[:bad]
        assert [bytes(raw) for raw, _ in kept] == wanted
    figures.record("Text", f"invalid UTF-8, {form}, {mode}, {load.engine}", texts=bad, rejected=bad, changed=0)


@pytest.mark.parametrize("piece", INVALID.values(), ids=INVALID)
def test_a_header_that_is_no_utf8_is_refused(sail: Loader, contract: Contract, tmp_path: Path, piece: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,te" + piece + b"xt\n1,a\n")
    receipt = sail.one(path, described(contract, "header", "append", "csv"))
    assert receipt.exit_code == 66
    assert receipt.error is not None
    assert "UTF-8" in receipt.error["message"]


HEADERS = tuple(
    dict.fromkeys(text.strip() for text in (*INJECTIONS, *SPECIAL) if snake_case(text) not in ("", "id", "text"))
)


@pytest.mark.parametrize("form", WRITERS)
def test_every_header_is_only_a_name(
    sail: Loader, contract: Contract, tmp_path: Path, rows: Query, form: str, mode: str
) -> None:
    """Columns that the contract adopts (`newColumns: add`) get names without a sign; two that meet are told apart."""
    schema = f"headers_{form}_{mode}"
    long = ["x" * 100 + end for end in ("1", "2")]
    headers = [*{snake_case(header): header for header in (*HEADERS, *long)}.values()]
    path = WRITERS[form](
        tmp_path / f"a.{form}", ("id", "text", *headers), [[1, "t", *(f"value {n}" for n in range(len(headers)))]]
    )
    load = f"{{mode: {mode}, evolution: {{newColumns: add}}}}"
    properties = KEYED if mode == "upsert" else KEYLESS
    receipt = sail.one(path, contract(schema, properties, load=load, source=f"    format: {form}"))
    assert receipt.error is None, receipt.error
    assert set(receipt.columns["added"]) == {snake_case(header) for header in headers}
    ((stored,),) = rows(f"SELECT to_jsonb(target) - '_load_id' - '_line' FROM {schema}.target")
    wanted = {snake_case(header): f"value {n}" for n, header in enumerate(headers)}
    assert stored == {"id": 1, "text": "t", **wanted}
    assert all(len(name.encode()) <= 63 for name in stored)
    figures.record("Text", f"headers, {form}, {mode}", texts=len(headers), changed=0)


def test_blank_and_equal_headers_lose_no_value(sail: Loader, contract: Contract, tmp_path: Path, rows: Query) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,,Extra,extra, ,%,x\u0301,\n1,t,a,b,c,d,e,f,g\n")
    load = "{mode: append, evolution: {newColumns: add}}"
    receipt = sail.one(path, contract("blank_headers", KEYLESS, load=load))
    assert receipt.error is None, receipt.error
    ((stored,),) = rows("SELECT to_jsonb(target) - '_load_id' - '_line' FROM blank_headers.target")
    assert sorted(str(value) for value in stored.values()) == ["1", "a", "b", "c", "d", "e", "f", "g", "t"]


@pytest.mark.parametrize("signs", ['a"; DROP SCHEMA landfall CASCADE; --', "%s{}%(a)s'$$`", "Ünï 日本"])
def test_a_schema_of_any_signs_is_only_a_name(
    sail: Loader, contract: Contract, tmp_path: Path, rows: Query, signs: str, mode: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\nx,b\n")
    template = described(contract, "signs", mode, "csv")
    template.write_text(template.read_text().replace("schema: signs}", f"schema: {json.dumps(signs + mode)}}}"))
    receipt = sail.one(path, template, force=True)
    assert receipt.error is None, receipt.error
    assert receipt.rows["inserted"] == 1
    assert rows("SELECT count(*) FROM pg_namespace WHERE nspname = %s", signs + mode) == [(1,)]


def test_two_thousand_columns(sail: Loader, contract: Contract, tmp_path: Path, rows: Query, mode: str) -> None:
    """Far more than PostgreSQL's 1,600: those of the contract load, and adopting them all is refused clearly."""
    header = ["id", "text", *(f"c{n}" for n in range(2_000))]
    path = texts.as_csv(tmp_path / "a.csv", header, [[n, "t", *range(2_000)] for n in range(5)])
    schema, properties = f"wide_{mode}", KEYED if mode == "upsert" else KEYLESS
    adopting = contract(schema, properties, load=f"{{mode: {mode}, evolution: {{newColumns: add}}}}")
    refused = sail.one(path, adopting)
    assert refused.exit_code == 65
    assert refused.error is not None
    assert "1600" in refused.error["message"]
    receipt = sail.one(path, contract(schema, properties, load=f"{{mode: {mode}}}"))
    assert receipt.error is None, receipt.error
    assert len(receipt.columns["ignored"]) == 2_000
    assert rows(f"SELECT count(*), max(text) FROM {schema}.target") == [(5, "t")]
