"""From the contract to the dataset that every stage knows."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from pipeline.contract.dataset import (
    Budget,
    Column,
    ColumnType,
    Dataset,
    DatasetRule,
    Evolution,
    LoadPlan,
    ReadOptions,
    RowRule,
    Rules,
)
from pipeline.contract.lint import load, load_contracts, read_files
from pipeline.errors import ContractError
from tests.unit.contract.contracts import DATA, VALID, edited

COLUMN = "{name: status, logicalType: string, enum: [{value: open}, {value: shut}]}"


def compiled(text: str = VALID, **environment: str) -> Dataset:
    return load(text, "c.yaml", environment)


def sample(name: str) -> Dataset:
    return load((DATA / f"{name}.odcs.yaml").read_text(encoding="utf-8"), name, {})


def column(text: str) -> Column:
    return compiled(edited(COLUMN, text)).columns[4]


def test_the_head() -> None:
    dataset = compiled()
    assert (dataset.id, dataset.version, dataset.path) == ("shop-orders", "1.0.0", "c.yaml")
    assert (dataset.schema, dataset.table) == ("shop", "orders")
    assert dataset.location == "s3://landing/shop/year=*/orders_*.csv"
    assert dataset.sha256 == hashlib.sha256(VALID.encode()).hexdigest()
    assert dataset.read == ReadOptions("csv", delimiter=";", missing_values=("", "NA"))
    assert dataset.key == ("order_no",)


def test_source_columns_are_in_order_of_first_use_and_those_of_the_path_last() -> None:
    assert compiled().source_columns == ("order_no", "day", "amount", "qty", "status", "year")
    text = edited("order_no is not null", "shop_id > 1 and _metadata.file_size > 0")
    assert compiled(text).source_columns == ("order_no", "day", "amount", "qty", "status", "shop_id", "year")


def test_columns() -> None:
    order_no, ordered_on, amount, qty, status, _ = compiled().columns
    assert order_no == Column("order_no", ColumnType("string", "text"), "order_no", required=True, key_position=1)
    assert ordered_on == Column("ordered_on", ColumnType("date", "date"), "", expression="to_date(day)")
    assert amount.type == ColumnType("decimal", "numeric(12,2)", precision=12, scale=2)
    assert amount.rules == Rules(minimum="0")
    assert qty.type == ColumnType("integer", "smallint", bits=16)
    assert status.rules == Rules(enum=("open", "shut"))


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("{name: OrderNo, logicalType: string}", "OrderNo", "order_no"),
        ("{name: Order No., physicalName: number, logicalType: string}", "number", "order_no"),
        ("{name: größe, logicalType: string}", "größe", "größe"),
    ],
)
def test_the_source_is_the_name_in_snake_case(text: str, name: str, source: str) -> None:
    found = column(text)
    assert (found.name, found.source) == (name, source)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("{name: s, logicalType: integer, logicalTypeOptions: {minimum: 1, exclusiveMaximum: 1e3, multipleOf: 5}}", Rules(minimum="1", exclusive_maximum="1000", multiple_of="5")),
        ('{name: s, logicalType: number, physicalType: "NUMERIC(38,18)", logicalTypeOptions: {maximum: 12345678901234567890.123456789}}', Rules(maximum="12345678901234567890.123456789")),
        ("{name: s, logicalType: date, logicalTypeOptions: {exclusiveMinimum: 2024-01-01}}", Rules(exclusive_minimum="2024-01-01")),
        ('{name: s, logicalType: string, logicalTypeOptions: {pattern: "^a", minLength: 1, maxLength: 9}}', Rules(pattern="^a", min_length=1, max_length=9)),
        ("{name: s, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {minItems: 1, maxItems: 2}}", Rules(min_items=1, max_items=2)),
        ("{name: s, logicalType: integer, enum: [{value: 1}, {value: 20}]}", Rules(enum=("1", "20"))),
        ('{name: s, logicalType: number, physicalType: "NUMERIC(5,2)", enum: [{value: 1.50}]}', Rules(enum=("1.50",))),
        ("{name: s, logicalType: boolean, enum: [{value: true}]}", Rules(enum=("true",))),
    ],
)  # fmt: skip
def test_rules_keep_the_numbers_as_written(text: str, rules: Rules) -> None:
    assert column(text).rules == rules


@pytest.mark.parametrize(
    ("said", "restricted"),
    [
        ("classification: restricted", True),
        ("classification: Confidential", True),
        ("classification: secret", True),
        ("classification: public", False),
        ("tags: [PII]", True),
        ("tags: [a, pii]", True),
        ("tags: [a]", False),
        ("required: true", False),
    ],
)
def test_restricted(said: str, restricted: bool) -> None:
    assert column(f"{{name: s, logicalType: string, {said}}}").restricted is restricted


def test_the_key_is_in_its_declared_order() -> None:
    dataset = sample("flights")
    assert dataset.key == ("carrier", "flight", "time_hour", "sched_dep_time")
    assert all(found.required for found in dataset.columns if found.key_position)


def test_the_load() -> None:
    plan = compiled().load
    assert (plan.mode, plan.where, plan.dedupe) == ("upsert", "order_no is not null", "ordered_on desc")
    assert plan.budget == Budget(5.0, "percent")
    defaults = compiled(edited("          rejects: {max: 5, unit: percent}\n", "")).load
    assert (defaults.budget, defaults.evolution, defaults.same_content) == (Budget(10, "percent"), Evolution(), "skip")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ordered_on", "ordered_on"),
        ("ordered_on DESC", "ordered_on desc"),
        ("ordered_on  desc   NULLS LAST,qty", "ordered_on desc nulls last, qty"),
        ("_line desc", "_line desc"),
    ],
)
def test_dedupe_is_kept_in_one_form(written: str, kept: str) -> None:
    assert compiled(edited("dedupe: ordered_on desc", f'dedupe: "{written}"')).load.dedupe == kept


def test_a_contract_without_load_appends() -> None:
    start, end = VALID.index("    customProperties:\n      - property: load"), VALID.index("    quality:")
    plan = compiled(VALID[:start] + VALID[end:]).load
    assert (plan.mode, plan.where, plan.budget) == ("append", None, Budget(10, "percent"))


def test_rules_of_rows_and_of_the_dataset() -> None:
    dataset = sample("orders")
    assert dataset.row_rules == (RowRule("qty_positive", "qty > 0 or status = 'cancelled'", "warning"),)
    count, query, nulls = dataset.dataset_rules
    assert count == DatasetRule("rowCount mustBeGreaterThan 0", "rowCount", "mustBeGreaterThan", (0.0,))
    assert query.query == "SELECT COUNT(*) FROM {object} WHERE status = 'shipped' AND amount IS NULL"
    assert (query.metric, query.severity, query.bounds) == ("sql", "warning", (20.0,))
    assert nulls == DatasetRule(
        "order_date nullValues mustBeLessThan 40 percent",
        "nullValues",
        "mustBeLessThan",
        (40.0,),
        "percent",
        columns=("order_date",),
    )


def test_arguments_of_rules() -> None:
    found = column(
        '{name: s, logicalType: string, quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: ["", null, 0]}}]}'
    )
    assert found.name == "s"
    rule = compiled(
        edited(
            COLUMN,
            '{name: s, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [a], pattern: "^a"}}]}',
        )
    ).dataset_rules[-1]
    assert (rule.columns, rule.arguments) == (("s",), {"validValues": ["a"], "pattern": "^a"})
    several = sample("trips").dataset_rules[1]
    assert (several.columns, several.arguments) == (("trip_id", "pickup_at"), {})


def test_rules_without_a_name_are_told_apart() -> None:
    text = edited(
        "{metric: rowCount, mustBeGreaterThan: 0}",
        "{metric: rowCount, mustBe: 1}\n      - {metric: rowCount, mustBe: 1}",
    )
    assert [rule.name for rule in compiled(text).dataset_rules[:2]] == ["rowCount mustBe 1", "rowCount mustBe 1 (2)"]
    text = edited("name: enough, ", "")
    assert compiled(text).row_rules[0].name == "qty > 0"


def test_events() -> None:
    dataset = sample("events")
    assert dataset.source_columns == ("event_id", "ts", "user", "props", "items")
    assert dataset.read.json_layout == "lines"
    assert dataset.read.missing_values == ()
    assert dataset.read.read_schema is not None
    assert dataset.read.read_schema.startswith("event_id STRING, ts STRING, user STRUCT<id:BIGINT,")
    assert dataset.columns[0].type == ColumnType("uuid", "text")
    assert dataset.load.explode == "posexplode_outer(items) AS (pos, item)"


def test_trips() -> None:
    dataset = sample("trips")
    assert dataset.source_columns == ("trip_id", "pickup_at", "dist_km", "fare", "tags", "year", "month")
    assert dataset.load.replace_by == ("trip_month",)
    assert dataset.load.evolution == Evolution("add", "fill", "widen")
    assert dataset.columns[1].type == ColumnType("timestamp", "timestamp")


@pytest.mark.parametrize(
    ("format_", "expected"),
    [("csv", ("",)), ("xlsx", ("",)), ("json", ()), ("parquet", ()), ("avro", ()), ("orc", ())],
)
def test_missing_values_by_default(format_: str, expected: tuple[str, ...]) -> None:
    start, end = VALID.index("    delimiter"), VALID.index("  - {server: target")
    text = (VALID[:start] + VALID[end:]).replace("format: csv", f"format: {format_}")
    assert compiled(text).read == ReadOptions(format_, missing_values=expected)  # type: ignore[arg-type]


def test_every_read_option() -> None:
    text = edited("{header: true}", '{header: false, quote: "\'", escape: "\\\\", skipLines: 3, comment: "#"}').replace(
        "format: csv", "format: csv\n    encoding: ISO-8859-1"
    )
    assert compiled(text).read == ReadOptions(
        "csv",
        ";",
        "ISO-8859-1",
        header=False,
        quote="'",
        escape="\\",
        skip_lines=3,
        comment="#",
        missing_values=("", "NA"),
    )


def test_every_field_of_read_options_and_load_can_be_set_by_a_contract_or_a_replay() -> None:
    """A field that neither reaches is dead; this names it."""
    setters = ("contract/compile.py", "replay.py")
    sources = "".join((Path(__file__).parents[3] / "pipeline" / name).read_text(encoding="utf-8") for name in setters)
    for kind in (ReadOptions, Dataset, Column, Rules, LoadPlan):
        for field in dataclasses.fields(kind):
            assert f"{field.name}=" in sources or f'"{field.name}"' in sources, field.name


def test_the_environment_fills_in() -> None:
    text = edited("s3://landing/", "s3://${LANDING_BUCKET:-landing}/")
    assert compiled(text).location == "s3://landing/shop/year=*/orders_*.csv"
    assert compiled(text, LANDING_BUCKET="b-42").location == "s3://b-42/shop/year=*/orders_*.csv"


def test_load_lists_every_mistake() -> None:
    with pytest.raises(ContractError) as caught:
        compiled(VALID.replace("version: 1.0.0", "version: 1").replace("SMALLINT", "SMALLISH"))
    assert str(caught.value).splitlines() == [
        'c.yaml:4:10: version must be text, not 1; write it in quotes: "1"',
        "c.yaml:32:57: physicalType SMALLISH does not fit logicalType integer; did you mean SMALLINT?",
    ]
    assert caught.value.exit_code == 64


def test_load_contracts() -> None:
    files = [(path, path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.yaml"))]
    assert [dataset.id for dataset in load_contracts(files, {})] == [
        "web-events",
        "nyc-flights",
        "acme-orders",
        "city-trips",
    ]


def test_load_contracts_lists_the_mistakes_of_all_files() -> None:
    with pytest.raises(ContractError) as caught:
        load_contracts([("a", edited("kind: DataContract", "kind: x")), ("b", VALID), ("c", "")], {})
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["a", "c"]


def test_two_contracts_with_one_id() -> None:
    with pytest.raises(ContractError, match=r"b: the id shop-orders is also that of a; give each dataset its own id"):
        load_contracts([("a", VALID), ("b", VALID)], {})


def test_read_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.odcs.yaml", "a.odcs.yml", "deep/c.odcs.yaml", "other.yaml", "data.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    found = [(Path(path).name, text) for path, text in read_files(tmp_path)]
    assert found == [("a.odcs.yml", "a.odcs.yml"), ("b.odcs.yaml", "b.odcs.yaml"), ("c.odcs.yaml", "deep/c.odcs.yaml")]
    assert [text for _, text in read_files(tmp_path / "other.yaml")] == ["other.yaml"]


@pytest.mark.parametrize(("name", "message"), [("nope", "no such file or directory"), (".", "no contracts here")])
def test_read_files_that_are_not_there(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        list(read_files(tmp_path / name))


def test_read_files_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.odcs.yaml").write_bytes("größe".encode("latin-1"))
    with pytest.raises(ContractError, match=r"a\.odcs\.yaml: not UTF-8"):
        list(read_files(tmp_path))
