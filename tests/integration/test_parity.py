"""Both engines give the same tables, the same rejects and the same receipts."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg2 import sql

from pipeline.load.connect import Connection, Destination, connect
from pipeline.receipt import Receipt
from tests.conftest import fresh_database
from tests.integration.edge_cases import EdgeCases, edge_cases
from tests.integration.loader import Loader

Contract = Callable[..., Path]
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Outcome:
    """What one engine made of some source objects: the target's rows without load ids, the rejects, the receipts."""

    columns: tuple[str, ...]
    table: list[tuple[Any, ...]]
    rejects: list[tuple[Any, ...]]
    receipts: list[dict[str, Any]]


class Both:
    """Loads the same files with both engines, each into a database of its own."""

    def __init__(self, loaders: list[Loader]) -> None:
        self._loaders = loaders

    def __call__(self, *paths: Path | str, contracts: Path, target: str) -> Outcome:
        """The outcome, which is the same with both engines."""
        first, second = (outcome(loader, paths, contracts, target) for loader in self._loaders)
        assert first.columns == second.columns
        assert first.table == second.table
        assert first.rejects == second.rejects
        assert first.receipts == second.receipts
        return first


@pytest.fixture(scope="module")
def both(server: Destination, pools: Callable[[str], ProcessPoolExecutor]) -> Iterator[Both]:
    """Needs Java, as the other engine does."""
    if shutil.which("java") is None:
        pytest.skip("engine spark needs Java, and there is none on this machine")
    with fresh_database(server) as for_sail, fresh_database(server) as for_spark:
        yield Both([Loader(pools("sail"), "sail", for_sail), Loader(pools("spark"), "spark", for_spark)])


def outcome(loader: Loader, paths: tuple[Path | str, ...], contracts: Path, target: str) -> Outcome:
    """Load `paths` and read back what the database holds."""
    receipts = loader(*paths, contracts=contracts)
    assert [receipt.error for receipt in receipts] == [None] * len(receipts)
    session = connect(loader.destination, "test")
    try:
        columns, table = rows_of(session, target)
        return Outcome(columns, table, rejects_of(session, receipts), [facts(receipt) for receipt in receipts])
    finally:
        session.close()


def rows_of(session: Connection, target: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Every value as PostgreSQL writes it, `_load_id` left out, in the order of the file."""
    with session, session.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND attname <> '_load_id' ORDER BY attnum",
            (target,),
        )
        described = cursor.fetchall()
        names = [name for name, _ in described]
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        order = sql.SQL(", ").join(sql.SQL(str(number)) for number in range(1, len(names) + 1))
        schema, table = target.split(".")
        cursor.execute(
            sql.SQL("SELECT {} FROM {} ORDER BY _line, {}").format(texts, sql.Identifier(schema, table), order)
        )
        return tuple(f"{name} {kind}" for name, kind in described), cursor.fetchall()


def rejects_of(session: Connection, receipts: list[Receipt]) -> list[tuple[Any, ...]]:
    """All that is kept of the rejects, source object by source object."""
    found: list[tuple[Any, ...]] = []
    with session, session.cursor() as cursor:
        for receipt in receipts:
            cursor.execute(
                "SELECT line, ordinal, column_name, rule, message, reasons::text, encode(raw, 'escape'), raw_text, status "
                "FROM landfall.reject WHERE load_id = %s ORDER BY line, ordinal",
                (receipt.load_id,),
            )
            found.extend(cursor.fetchall())
    return found


def facts(receipt: Receipt) -> dict[str, Any]:
    """A receipt without what differs from load to load."""
    facts = json.loads(receipt.as_json())
    for name in ("load_id", "engine", "started_at", "seconds", "previous_load"):
        del facts[name]
    return facts


def balanced(receipt: dict[str, Any]) -> bool:
    rows = receipt["rows"]
    parts = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")
    return bool(rows["read"] == sum(rows[part] for part in parts))


SAMPLES = {
    "sales.orders": ("samples/acme/orders/orders_2026-11-20.csv", "samples/acme/orders/orders_2026-11-21.csv"),
    "aviation.flights": ("samples/flights",),
    "web.event_items": ("samples/web",),
    "mobility.trips": ("samples/trips",),
}


@pytest.mark.parametrize("target", SAMPLES)
def test_samples(both: Both, target: str) -> None:
    found = both(*(ROOT / path for path in SAMPLES[target]), contracts=ROOT / "samples" / "contracts", target=target)
    assert [receipt["status"] for receipt in found.receipts] == ["loaded"] * len(SAMPLES[target])
    assert all(balanced(receipt) for receipt in found.receipts)
    assert found.table


@pytest.fixture(scope="module")
def cases() -> EdgeCases:
    return edge_cases()


PATIENT = "rejects: {max: 100, unit: percent}"
RULES = """      - {type: custom, engine: spark, name: error_rule, severity: error, implementation: "small <> 32767 and day > date'0500-01-01' and array_size(numbers) > 0 and length(blob) > 1"}
      - {type: custom, engine: spark, name: warning_rule, severity: warning, implementation: "money >= 0.01 and moment is null"}
      - {type: custom, engine: spark, name: info_rule, severity: info, implementation: "hour(instant) between 9 and 18"}"""


@pytest.mark.parametrize("rules", ["", RULES], ids=["in one pass", "with row rules"])
def test_every_type(both: Both, cases: EdgeCases, contract: Contract, tmp_path: Path, rules: str) -> None:
    name = "types_ruled" if rules else "types"
    described = contract(name, cases.properties, load=f"{{mode: append, {PATIENT}}}", quality=rules)
    file = tmp_path / "types.csv"
    file.write_text(cases.content)
    found = both(file, contracts=described, target=f"{name}.target")
    refused = {line: column for line, _, column, rule, *_ in found.rejects if rule != "row_rule"}
    assert refused == cases.rejected
    (receipt,) = found.receipts
    assert (receipt["status"], balanced(receipt)) == ("loaded", True)
    ruled = sum(1 for reject in found.rejects if reject[3] == "row_rule")
    assert receipt["rows"]["rejected"] == len(cases.rejected) + ruled
    assert bool(ruled) == bool(rules)
    broken = {rule["name"]: rule["value"] for rule in receipt["rules"]}
    assert (len(broken) == 2 and all(broken.values())) if rules else not broken


def test_row_rules_leave_valid_values_as_they_are(
    both: Both, cases: EdgeCases, contract: Contract, tmp_path: Path
) -> None:
    """Row rules send typed rows through the engine once more: every value must come back as it was."""
    always = '      - {type: custom, engine: spark, name: always, implementation: "number > 0"}'
    plain = contract("types_once", cases.properties, load=f"{{mode: append, {PATIENT}}}")
    ruled = contract("types_twice", cases.properties, load=f"{{mode: append, {PATIENT}}}", quality=always)
    file = tmp_path / "types.csv"
    file.write_text(cases.content)
    once = both(file, contracts=plain, target="types_once.target")
    twice = both(file, contracts=ruled, target="types_twice.target")
    assert once.table == twice.table
    assert once.rejects == twice.rejects


EXPRESSIONS = [
    "{name: number, logicalType: integer, primaryKey: true}",
    """{name: third, logicalType: string, transformLogic: "element_at(split(a, '0'), 3)"}""",
    '{name: made, logicalType: date, transformLogic: "make_date(cast(a as int), cast(b as int), cast(c as int))"}',
    "{name: parsed, logicalType: date, transformLogic: \"to_date(a, 'dd/MM/yyyy')\"}",
    "{name: either, logicalType: date, transformLogic: \"coalesce(try_to_date(a, 'dd/MM/yyyy'), try_to_date(a, 'yyyy-MM-dd'))\"}",
    '{name: whole, logicalType: integer, physicalType: INTEGER, transformLogic: "cast(a as int)"}',
    "{name: price, logicalType: number, physicalType: 'NUMERIC(8,2)', transformLogic: \"cast(regexp_replace(a, '[^0-9.-]', '') as decimal(8,2))\"}",
    "{name: size, logicalType: string, transformLogic: \"case when b = '' or b is null then 'none' when length(b) > 2 then 'long' else upper(b) end\"}",
    '{name: filled, logicalType: string, transformLogic: "coalesce(c, b, a, \'?\')"}',
    "{name: found, logicalType: string, transformLogic: \"regexp_extract(a, '([0-9]+)', 1)\"}",
    '{name: tried, logicalType: integer, transformLogic: "try_cast(b as int)"}',
    '{name: sum, logicalType: integer, transformLogic: "cast(a as int) + cast(b as int)"}',
    '{name: moment, logicalType: timestamp, transformLogic: "to_timestamp(a)"}',
    '{name: hashed, logicalType: string, transformLogic: "sha2(concat_ws(\'|\', a, b, c), 256)"}',
    '{name: file, logicalType: string, transformLogic: "_metadata.file_name"}',
    '{name: trimmed, logicalType: string, transformLogic: "lower(trim(a))"}',
]  # fmt: skip
INPUTS = [
    "2024,2,29", "2023,2,29", "2024,13,1", "2024,x,1", ",2,29", "31/12/2024,ab,", "31/02/2024,abc,c", "2024-12-31,,",
    "12,5,", "12.7,5,", "1e3,5,x", "2147483648,1,", "2147483647,1,", " 7 ,8,", "€ 1.234,a,b", "-5.005,a,b", "99999999.99,,",
    "2024-02-29T12:00:00Z,1,1", "2024-02-29 12:00:00,1,1", "no,no,no", "DROP me,1,1", "ÄÖÜ ß,é,ñ", '"two\nlines",1,1', ",,",
]  # fmt: skip


@pytest.mark.parametrize("column", [line.split("name: ")[1].split(",")[0] for line in EXPRESSIONS[1:]])
def test_expressions(both: Both, contract: Contract, tmp_path: Path, column: str) -> None:
    chosen = [EXPRESSIONS[0], next(line for line in EXPRESSIONS if f"name: {column}," in line)]
    described = contract(
        f"expression_{column}", chosen, load=f"{{mode: upsert, where: \"coalesce(a, '') not like 'DROP%'\", {PATIENT}}}"
    )
    file = tmp_path / "expressions.csv"
    file.write_text("number,a,b,c\n" + "".join(f"{number},{text}\n" for number, text in enumerate(INPUTS)))
    found = both(file, contracts=described, target=f"expression_{column}.target")
    (receipt,) = found.receipts
    assert (receipt["status"], balanced(receipt)) == ("loaded", True)
    assert receipt["rows"]["filtered"] == 1
    assert found.table


def test_explode(both: Both, contract: Contract, tmp_path: Path) -> None:
    properties = [
        "{name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1}",
        '{name: pos, logicalType: integer, primaryKey: true, primaryKeyPosition: 2, transformLogic: "coalesce(pos, -1)"}',
        "{name: sku, logicalType: string, transformLogic: item.sku}",
        "{name: price, logicalType: number, physicalType: 'NUMERIC(6,2)', transformLogic: \"cast(item.price as decimal(6,2))\", logicalTypeOptions: {minimum: 0}}",
    ]
    source = (
        "    format: json\n    customProperties:\n"
        "      - {property: readSchema, value: 'id STRING, items ARRAY<STRUCT<sku:STRING, price:STRING>>'}"
    )
    load = f'{{mode: upsert, explode: "posexplode_outer(items) AS (pos, item)", where: "id <> \'gone\'", {PATIENT}}}'
    described = contract("exploded", properties, load=load, source=source)
    records: list[object] = [
        {"id": "two", "items": [{"sku": "a", "price": "1.50"}, {"sku": "b", "price": "2"}]},
        {"id": "empty", "items": []},
        {"id": "null", "items": None},
        {"id": "absent"},
        {"id": "mixed", "items": [{"sku": "c", "price": "x"}, {"sku": "d", "price": "-1"}, {"sku": None}, None]},
        {"id": "gone", "items": [{"sku": "e"}, {"sku": "f"}]},
    ]
    file = tmp_path / "exploded.ndjson.gz"
    lines = "".join(json.dumps(record) + "\n" for record in records) + '{"id": "broken", "items": [\n'
    file.write_bytes(gzip.compress(lines.encode()))
    found = both(file, contracts=described, target="exploded.target")
    (receipt,) = found.receipts
    assert (receipt["status"], balanced(receipt)) == ("loaded", True)
    assert receipt["rejects_by_rule"] == {"range": 1, "structure": 1, "type": 1}
    assert [reject[:2] for reject in found.rejects] == [(5, 1), (5, 2), (7, 1)]
    assert len(found.table) == 7


def _text(cases: EdgeCases, path: Path) -> tuple[str, list[str]]:
    path.write_text(cases.content)
    return "    format: csv", cases.properties


def _documents(_: EdgeCases, path: Path) -> tuple[str, list[str]]:
    """With a readSchema, so that parts hold typed values, lists and objects; and with keys that are not there."""
    path.write_text(
        '{"id": 1, "price": 1.5, "tags": ["a", null], "user": {"name": "x", "age": 3}, "note": ""}\n'
        '{"id": 2, "price": null, "tags": [], "user": null, "note": "NA", "more": 1}\n'
        '{"id": 3, "price": 2.25, "user": {"name": "NA"}, "note": "y"}\n'
        '{"id": "x", "note": "bad"}\n'
    )
    read = "id BIGINT, price DOUBLE, tags ARRAY<STRING>, user STRUCT<name:STRING, age:INT>, note STRING"
    return f"    format: json\n    customProperties:\n      - {{property: readSchema, value: '{read}'}}", [
        "{name: id, logicalType: integer}",
        "{name: price, logicalType: number, physicalType: 'NUMERIC(6,2)'}",
        "{name: tags, logicalType: array, items: {logicalType: string}}",
        "{name: user, logicalType: object, physicalType: JSONB}",
        "{name: note, logicalType: string}",
    ]


def _columns(_: EdgeCases, path: Path) -> tuple[str, list[str]]:
    days = [date(2024, 2, 29), None, date(1, 1, 1)]
    moments = [datetime(2024, 2, 29, 12, 0, 0, 5), None, datetime(9999, 12, 31)]
    columns = {
        "tiny": (pa.array([1, None, -128], pa.int8()), "integer, physicalType: SMALLINT"),
        "wide": (pa.array([2**32 - 1, None, 0], pa.uint32()), "integer"),
        "rough": (pa.array([0.1, None, float("nan")], pa.float32()), "number, physicalType: REAL"),
        "money": (pa.array([Decimal("1.10"), None, Decimal("-9.99")]), "number, physicalType: 'NUMERIC(6,2)'"),
        "words": (pa.array(["NA", "", "x"]), "string"),
        "yes": (pa.array([True, None, False]), "boolean"),
        "day": (pa.array(days), "date"),
        "moment": (pa.array(moments, pa.timestamp("us")), "timestamp, logicalTypeOptions: {timezone: false}"),
        "instant": (pa.array(moments, pa.timestamp("us", "Europe/Rome")), "timestamp"),
        "blob": (pa.array([b"\0\xff", None, b""]), "string, physicalType: BYTEA"),
        "list": (pa.array([[1, None], None, []], pa.list_(pa.int64())), "array, items: {logicalType: integer}"),
        "never": (pa.nulls(3), "string"),
        "absent": (None, "string"),
    }
    pq.write_table(pa.table({name: array for name, (array, _) in columns.items() if array is not None}), path)
    return "    format: parquet", [f"{{name: {name}, logicalType: {kind}}}" for name, (_, kind) in columns.items()]


@pytest.mark.parametrize("made", [_text, _documents, _columns], ids=["csv", "json", "parquet"])
def test_values_are_the_same_whether_an_engine_saw_them_or_not(
    both: Both, cases: EdgeCases, contract: Contract, tmp_path: Path, made: Callable[[EdgeCases, Path], Any]
) -> None:
    """Without SQL in the contract workers read the parts themselves; a condition that always holds is SQL."""
    file = tmp_path / "file"
    source, properties = made(cases, file)
    missing = "    customProperties:\n" if "customProperties" not in source else ""
    source += f"\n{missing}      - {{property: missingValues, value: ['', NA]}}"
    kind = made.__name__
    plan = f"mode: append, evolution: {{missingColumns: fill}}, {PATIENT}"
    direct = contract(f"direct{kind}", properties, load=f"{{{plan}}}", source=source)
    through = contract(f"through{kind}", properties, load=f"{{{plan}, where: 'true'}}", source=source)
    seen = both(file, contracts=through, target=f"through{kind}.target")
    read = both(file, contracts=direct, target=f"direct{kind}.target")
    assert read.columns == seen.columns
    assert read.table == seen.table
    assert read.rejects == seen.rejects
    assert read.table
