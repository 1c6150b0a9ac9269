"""`landfall replay`: rejected rows again, each once, and nothing else of the dataset is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_line import Done, run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]
Landfall = Callable[..., Done]

STRICT = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: name, logicalType: string, enum: [{value: ant}, {value: bee}]}",
]
FIXED = [STRICT[0], STRICT[1].replace("{value: bee}", "{value: bee}, {value: 'c;o'}")]
KEYLESS = [FIXED[0].replace(", primaryKey: true", ""), FIXED[1]]
# Its own delimiter, quote, encoding and a preamble; a record over two lines.
DIALECT = """    format: csv
    delimiter: ";"
    encoding: windows-1252
    customProperties:
      - {property: readOptions, value: {skipLines: 1}}
"""
LOAD = "{mode: MODE, rejects: {max: 90, unit: percent}}"
FILE = 'für: you\r\nid;name\r\n1;ant\r\n2;"c;o"\r\n3;"d\r\ng"\r\nx;ant\r\n5;bee;7\r\n6;"c;o"\r\n'.encode("cp1252")


@pytest.fixture
def landfall(sail: Loader) -> Landfall:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments: run(*arguments, "--database-url", url)


def statuses(rows: Query, load_id: str) -> list[tuple[int, str, str | None]]:
    found = "SELECT line, status, replayed_by::text FROM landfall.reject WHERE load_id = %s ORDER BY line"
    return rows(found, load_id)


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_after_the_contract_was_fixed(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query, mode: str
) -> None:
    schema, load = f"replay_{mode}", LOAD.replace("MODE", mode)
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    first = sail.one(file, contract(schema, STRICT, load=load, source=DIALECT))
    assert first.error is None
    assert statuses(rows, first.load_id or "") == [(line, "open", None) for line in (4, 5, 7, 8, 9)]
    fixed = contract(schema, FIXED, load=load, source=DIALECT)
    done = landfall("replay", first.load_id, "--contracts", fixed, "--json", "--quiet")
    assert done.code == 0, done.err
    (receipt,) = done.receipts
    assert receipt["source"].startswith(f"replay of {first.load_id} ")
    assert (receipt["rows"]["read"], receipt["rows"]["inserted"], receipt["rows"]["rejected"]) == (5, 2, 3)
    new = receipt["load_id"]
    assert statuses(rows, first.load_id or "") == [
        (4, "replayed", new), (5, "open", None), (7, "open", None), (8, "open", None), (9, "replayed", new),
    ]  # fmt: skip
    assert rows(f"SELECT id, name, _load_id::text FROM {schema}.target ORDER BY id") == [
        (1, "ant", first.load_id), (2, "c;o", new), (6, "c;o", new),
    ]  # fmt: skip
    again = landfall("replay", first.load_id, "--contracts", fixed, "--json", "--quiet")
    assert again.receipts[0]["rows"]["inserted"] == 0
    assert rows(f"SELECT count(*) FROM {schema}.target") == [(3,)]
    assert "is itself a replay" in landfall("replay", new, "--contracts", fixed).err


def test_from_the_file_that_the_sender_corrected(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query
) -> None:
    items = contract("replay_file", KEYLESS, load=LOAD.replace("MODE", "append"), source=DIALECT)
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    first = sail.one(file, items)
    sent_back = landfall("rejects", first.load_id, "--csv").raw
    assert sent_back.count(b"reason") == 1
    corrected = tmp_path / "corrected.csv"
    corrected.write_bytes(sent_back.replace(b'"d\r\ng"', b"bee").replace(b"x;ant", b"4;ant").replace(b";7;", b";"))
    short = tmp_path / "short.csv"
    short.write_bytes(b"\n".join(corrected.read_bytes().split(b"\n")[:3]) + b"\n")
    refused = landfall("replay", first.load_id, "--contracts", items, "--file", short)
    assert refused.code == 2
    assert "has 1 records, but load" in refused.err
    done = landfall("replay", first.load_id, "--contracts", items, "--file", corrected, "--json", "--quiet")
    assert done.code == 0, done.err
    assert done.receipts[0]["rows"]["inserted"] == 3
    assert {status for _, status, _ in statuses(rows, first.load_id or "")} == {"replayed"}
    again = landfall("replay", first.load_id, "--contracts", items, "--file", corrected)
    assert again.code == 0
    assert "has no open rejects" in again.out
    assert rows("SELECT id, name FROM replay_file.target ORDER BY id") == [
        (1, "ant"), (2, "c;o"), (3, "bee"), (4, "ant"), (5, "bee"), (6, "c;o"),
    ]  # fmt: skip
    undone = landfall("undo", done.receipts[0]["load_id"])
    assert undone.code == 0, undone.err
    assert {status for _, status, _ in statuses(rows, first.load_id or "")} == {"open"}


def test_a_file_without_header_keeps_its_number_of_fields(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query
) -> None:
    source = "    format: csv\n    customProperties:\n      - {property: readOptions, value: {header: false}}"
    columns = ["{name: id, logicalType: integer}", "{name: name, logicalType: string}"]
    load = LOAD.replace("MODE", "append")
    file = tmp_path / "a.csv"
    file.write_text("".join(f"{i},ant\n" for i in range(50)) + "99,Smith, John\n")
    narrow = contract("replay_fields", columns, load=load, source=source)
    first = sail.one(file, narrow)
    done = landfall("replay", first.load_id, "--contracts", narrow, "--json", "--quiet")
    assert (done.code, done.receipts[0]["rows"]["rejected"]) == (0, 1)
    assert rows("SELECT count(*) FROM replay_fields.target") == [(50,)]
    wide = contract("replay_fields", [*columns, "{name: first, logicalType: string}"], load=load, source=source)
    assert landfall("replay", first.load_id, "--contracts", wide).code == 0
    assert rows("SELECT id, name, first FROM replay_fields.target WHERE id = 99") == [(99, "Smith", " John")]


def test_json_records(sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query) -> None:
    load = LOAD.replace("MODE", "upsert")
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"id": 1, "name": "ant"}, {"id": 2, "name": "c;o"}], indent=2))
    first = sail.one(file, contract("replay_json", STRICT, load=load, source="    format: json"))
    assert first.rows["rejected"] == 1
    fixed = contract("replay_json", FIXED, load=load, source="    format: json")
    done = landfall("replay", first.load_id, "--contracts", fixed, "--quiet")
    assert done.code == 0, done.err
    assert rows("SELECT id FROM replay_json.target ORDER BY id") == [(1,), (2,)]


def test_a_new_version_of_the_object_replaces_replayed_rows_too(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query
) -> None:
    load = LOAD.replace("MODE", "append")
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    first = sail.one(file, contract("replay_newer", [KEYLESS[0], STRICT[1]], load=load, source=DIALECT))
    fixed = contract("replay_newer", KEYLESS, load=load, source=DIALECT)
    assert landfall("replay", first.load_id, "--contracts", fixed).code == 0
    file.write_bytes(FILE.replace(b"1;ant", b"1;bee"))
    assert sail.one(file, fixed).error is None
    assert rows("SELECT id, name FROM replay_newer.target ORDER BY id") == [(1, "bee"), (2, "c;o"), (6, "c;o")]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rejects_of_a_version_that_a_newer_one_replaced_are_left_alone(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query, mode: str
) -> None:
    load, name = LOAD.replace("MODE", mode), f"replay_old_{mode}"
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    columns = STRICT if mode == "upsert" else [KEYLESS[0], STRICT[1]]
    first = sail.one(file, contract(name, columns, load=load, source=DIALECT))
    fixed = contract(name, FIXED if mode == "upsert" else KEYLESS, load=load, source=DIALECT)
    file.write_bytes(FILE + b"7;bee\r\n")
    newer = sail.one(file, fixed)
    before = rows(f"SELECT id, name FROM {name}.target ORDER BY id")
    done = landfall("replay", first.load_id, "--contracts", fixed)
    assert done.code == 65
    assert f"load {newer.load_id} of the same object came later" in done.err + done.out
    assert rows(f"SELECT id, name FROM {name}.target ORDER BY id") == before
    assert {status for _, status, _ in statuses(rows, first.load_id or "")} == {"open"}


def test_a_replay_cannot_be_undone_under_a_newer_version_that_relies_on_its_rows(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query
) -> None:
    load = LOAD.replace("MODE", "append")
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    first = sail.one(file, contract("replay_relied", [KEYLESS[0], STRICT[1]], load=load, source=DIALECT))
    fixed = contract("replay_relied", KEYLESS, load=load, source=DIALECT)
    (replay,) = landfall("replay", first.load_id, "--contracts", fixed, "--json", "--quiet").receipts
    file.write_bytes(FILE + b"7;bee\r\n")
    newer = sail.one(file, fixed)
    assert (newer.rows["inserted"], newer.rows["unchanged"]) == (1, 3)
    before = rows("SELECT id, name FROM replay_relied.target ORDER BY id")
    done = landfall("undo", replay["load_id"])
    assert done.code == 65
    assert f"load {newer.load_id} of file://{file} came later and relies on rows" in done.err
    assert rows("SELECT id, name FROM replay_relied.target ORDER BY id") == before
    assert landfall("undo", newer.load_id).code == 0
    assert landfall("undo", replay["load_id"]).code == 0


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-be"])
def test_json_in_the_senders_encoding(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query, encoding: str
) -> None:
    """Sent back as text, corrected or not, and never read in another encoding than it was written in."""
    name = f"replay_{encoding.replace('-', '_')}"
    load, source = LOAD.replace("MODE", "append"), f"    format: json\n    encoding: {encoding}"
    wanted = "Noël" if encoding == "latin-1" else "Noël\u010a"  # with a byte of a line end, in UTF-16
    text = f'{{"id": "x", "name": "Zoë"}}\n{{"id": 2, "name": "{wanted}"}}\n{{"id": 3, "name": "Eve"}}\n'
    file = tmp_path / "a.json"
    file.write_bytes(text.encode(encoding))
    strict = ["{name: id, logicalType: integer}", "{name: name, logicalType: string, enum: [{value: Eve}ALSO]}"]
    first = sail.one(file, contract(name, [line.replace("ALSO", "") for line in strict], load=load, source=source))
    assert first.rows["rejected"] == 2
    more = f", {{value: Zoë}}, {{value: '{wanted}'}}"
    fixed = contract(name, [line.replace("ALSO", more) for line in strict], load=load, source=source)
    done = landfall("replay", first.load_id, "--contracts", fixed)
    assert done.code == 0, done.err
    back = tmp_path / "back.csv"
    back.write_text(landfall("rejects", first.load_id, "--csv").out.replace('""x""', "1"), encoding="utf-8")
    done = landfall("replay", first.load_id, "--contracts", fixed, "--file", back)
    assert done.code == 0, done.err
    assert rows(f"SELECT id, name FROM {name}.target ORDER BY id") == [(1, "Zoë"), (2, wanted), (3, "Eve")]


@pytest.mark.parametrize("mode", ["replace", "scd2"])
def test_refuses_modes_in_which_some_rows_alone_do_harm(
    sail: Loader, contract: Contract, tmp_path: Path, landfall: Landfall, rows: Query, mode: str
) -> None:
    items = contract(f"replay_{mode}", STRICT, load=LOAD.replace("MODE", mode), source=DIALECT)
    file = tmp_path / "a.csv"
    file.write_bytes(FILE)
    first = sail.one(file, items)
    done = landfall("replay", first.load_id, "--contracts", items)
    assert done.code == 65
    assert f"loaded with mode {mode}" in done.err
    assert rows(f"SELECT count(*) FROM replay_{mode}.target") == [(1,)]
