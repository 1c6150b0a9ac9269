"""Keys and values: each mistake is named in words, at its place, with what to write instead."""

from __future__ import annotations

import pytest

from tests.unit.contract.contracts import DATA, VALID, edited, pointed_at, problems

ORDER_NO = "{name: order_no, logicalType: string, primaryKey: true}"
AMOUNT = 'amount, logicalType: number, physicalType: "NUMERIC(12,2)", logicalTypeOptions: {minimum: 0}'


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda path: path.name)
def test_the_sample_contracts_are_valid(path: object) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []  # type: ignore[attr-defined]


def test_the_valid_contract_is_valid() -> None:
    assert problems(VALID) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        # unknown, misplaced and refused keys
        ("id: shop-orders", "id: shop-orders\nverson: 2", "verson", "unknown key verson; did you mean version?"),
        ("id: shop-orders", "id: shop-orders\nqqqq: 2", "qqqq", "unknown key qqqq; known here: apiVersion, kind, id"),
        ("delimiter:", "delimeter:", "delimeter", "unknown key delimeter; did you mean delimiter?"),
        ("mode: upsert", "Mode: upsert", "Mode", "unknown key Mode; did you mean mode?"),
        ("{header: true}", "{heeder: true}", "heeder", "unknown key heeder; did you mean header?"),
        ("{header: true}", "{sep: x}", "sep", "sep is not honoured here; write delimiter on the server itself"),
        ("{header: true}", "{inferSchema: true}", "inferSchema", "the contract says the types"),
        ("{max: 5, unit: percent}", "{max: 5, unit: percent, per: 1}", "per", "unknown key per; known here: max, unit"),
        (
            ORDER_NO,
            "{name: order_no, logicalType: string, primary_key: true}",
            "primary_key",
            "did you mean primaryKey?",
        ),
        (
            ORDER_NO,
            "{name: order_no, logicalType: string, primaryKey: true, items: {}}",
            "items",
            "only logicalType array has items",
        ),
        (
            ORDER_NO,
            "{name: order_no, logicalType: string, primaryKey: true, relationships: []}",
            "relationships",
            "Landfall creates no foreign keys",
        ),
        (
            ORDER_NO,
            "{name: order_no, logicalType: string, primaryKey: true, encryptedName: x}",
            "encryptedName",
            "Landfall does not encrypt",
        ),
        ("{minimum: 0}", "{minimun: 0}", "minimun", "did you mean minimum?"),
        ("{minimum: 0}", "{format: f32}", "format", "write the width as physicalType"),
        ("{minimum: 0}", "{pattern: x}", "pattern", "unknown key pattern"),
        ("name: orders", "name: orders\n    relationships: []", "relationships", "create it in the database"),
        ("name: orders", "name: orders\n    mode: upsert", "mode", "write it in the custom property load"),
        ("name: enough", "schedule: daily", "schedule", "checks every rule at every load"),
        ("name: enough", "unit: rows", "unit", "load.rejects"),
        ("format: csv", "format: csv\n    endpointUrl: http://x", "endpointUrl", "AWS_ENDPOINT_URL"),
        ("format: csv", "format: csv\n    compression: gzip", "compression", "recognised by the file's first bytes"),
        ("id: shop-orders", "id: shop-orders\nmodels: {}", "models", "ODCS v3 calls it schema"),
        # missing keys: the mapping that lacks it
        ("id: shop-orders\n", "", "apiVersion", "the key id is missing"),
        ("version: 1.0.0\n", "", "apiVersion", "the key version is missing"),
        ("    format: csv\n", "", "server: source", "the key format is missing"),
        (", schema: shop", "", "{server: target", "the key schema is missing; The schema of the target table"),
        ("name: qty, ", "", "{logicalType: integer, physicalType: SMALLINT", "the key name is missing"),
        (
            "logicalType: integer, physicalType: SMALLINT",
            "physicalType: SMALLINT",
            "{name: qty",
            "the key logicalType is missing; write one of string, integer",
        ),
        (
            "{metric: rowCount, mustBeGreaterThan: 0}",
            "{mustBeGreaterThan: 0}",
            "{mustBeGreaterThan",
            "the key metric is missing",
        ),
        ("engine: spark, ", "", "{type: custom", "the key engine is missing"),
        (
            "{max: 5, unit: percent}",
            "{max: 5}",
            "{max: 5",
            "the key unit is missing; rows, or percent of the rows read",
        ),
        # values that are none of the words
        ("v3.2.0", "v2.2.2", "v2.2.2", "apiVersion must be v3.2.0, v3.1.0"),
        ("kind: DataContract", "kind: Contract", "Contract", "kind must be DataContract, not Contract"),
        (
            "mode: upsert",
            "mode: upset",
            "upset",
            "mode must be append, upsert, replace or scd2, not upset; did you mean upsert?",
        ),
        ("mode: upsert", "mode: merge", "merge", "write upsert"),
        ("mode: upsert", "mode: overwrite", "overwrite", "write replace"),
        ("unit: percent", 'unit: "%"', '"%"', "write percent"),
        ("type: s3", "type: s4", "s4", "type cannot be s4; known here: s3, local, postgres"),
        ("type: s3", "type: sftp", "sftp", "Landfall reads s3 and local files"),
        ("type: postgres", "type: mysql", "mysql", "type cannot be mysql"),
        ("format: csv", "format: tsv", "tsv", 'write csv, with the delimiter ("\\t" is a tab)'),
        ("format: csv", "format: jsonl", "jsonl", "write json, with delimiter: new_line"),
        (
            "logicalType: integer, physicalType",
            "logicalType: int, physicalType",
            "int,",
            "logicalType cannot be int; write integer",
        ),
        ("logicalType: date", "logicalType: datetime", "datetime", "write timestamp"),
        ("logicalType: date", "logicalType: uuid", "uuid", "write string, with logicalTypeOptions: {format: uuid}"),
        ("logicalType: date", "logicalType: vector", "vector", "write array"),
        ("metric: rowCount", "metric: row_count", "row_count", "did you mean rowCount?"),
        ("type: custom", "type: costum", "costum", "did you mean custom?"),
        ("engine: spark", "engine: soda", "soda", "engine must be spark, not soda"),
        ("name: enough", "severity: high", "high", "severity must be error, warning or info, not high; write error"),
        # values of another kind
        ("version: 1.0.0", "version: 1.0", "1.0", 'version must be text, not 1.0; write it in quotes: "1.0"'),
        ("id: shop-orders", "id: 007", "007", 'write it in quotes: "007"'),
        ("NA]", "null]", "null", "item 2 of value must be text, not null"),
        ("NA]", "1]", "1]", 'write it in quotes: "1"'),
        ("primaryKey: true", "primaryKey: yes", "yes", "primaryKey must be true or false, not yes; write true"),
        ("primaryKey: true", "primaryKey: NO", "NO", "write false"),
        ("primaryKey: true", "primaryKey: 1", "1", "write true"),
        ("header: true", 'header: "true"', '"true"', "header must be true or false, not true"),
        ("{max: 5,", '{max: "5",', '"5"', "max must be a number, not 5"),
        ("{max: 5,", "{max: -1,", "-1", "max must be at least 0, not -1"),
        ("{max: 5,", "{max: .inf,", ".inf", "max must be a finite number"),
        ("{minimum: 0}", "{minimum: many}", "many", "minimum must be a number, not many"),
        ("{minimum: 0}", "{multipleOf: 0}", "0", "multipleOf must be above 0"),
        (
            "location: s3://landing/shop/year=*/orders_*.csv",
            "location:",
            "location",
            "location must be text, but it is empty",
        ),
        ("where: order_no is not null", "where: [a]", "[a]", "where must be text, not a list"),
        ("where: order_no is not null", 'where: ""', '""', "where must not be empty"),
        ("value: {header: true}", "value: true", "true", "value must be a mapping, not true"),
        ("value: {header: true}", "value: []", "[]", "value must be a mapping, not a list"),
        ('value: ["", NA]', "value: NA", "NA", "value must be a list, not NA"),
        ("port: 5432", "port: 5.5", "5.5", "port must be a whole number or text"),
        (ORDER_NO, "order_no", "order_no", "item 1 of properties must be a mapping"),
        ("{value: open}", "open", "open", "item 1 of enum must be a mapping, not open"),
        ("enum: [{value: open}, {value: shut}]", "enum: []", "[]", "enum must have 1 or more items"),
        ("{value: open}", "{value: [1]}", "[1]", "value must be one value"),
        ("mustBeGreaterThan: 0", "mustBeBetween: [1]", "[1]", "mustBeBetween must have 2 or more items"),
        ("mustBeGreaterThan: 0", "mustBeBetween: [1, 2, 3]", "[1, 2, 3]", "mustBeBetween must have at most 2 items"),
        (AMOUNT, "amount, logicalType: map", "{name: amount", "the key map is missing"),
        (AMOUNT, "amount, logicalType: map, map: {key: {logicalType: string}}", "{key", "the key value is missing"),
        (
            AMOUNT,
            "amount, logicalType: string, logicalTypeOptions: {minLength: -1}",
            "-1",
            "minLength must be at least 0",
        ),
        (
            AMOUNT,
            "amount, logicalType: string, logicalTypeOptions: {format: email}",
            "email",
            "format must be uuid, not email",
        ),
    ],
)
def test_structure(old: str, new: str, at: str, message: str) -> None:
    text = edited(old, new)
    found = problems(text)
    assert len(found) == 1, [str(problem) for problem in found]
    assert message in str(found[0])
    assert pointed_at(text, found[0]).startswith(at)


def test_a_second_schema_object_is_refused() -> None:
    found = problems(VALID + "  - {name: other, properties: [{name: a, logicalType: string}]}\n")
    assert ["schema must have at most 1 items" in problem.message for problem in found] == [True]


@pytest.mark.parametrize("text", ["", "# nothing\n", "~\n"])
def test_an_empty_contract(text: str) -> None:
    assert [problem.message for problem in problems(text)] == ["the contract is empty"]


@pytest.mark.parametrize("text", ["- a\n", "text\n", "12\n"])
def test_a_contract_is_a_mapping(text: str) -> None:
    assert ["the contract must be a mapping" in problem.message for problem in problems(text)] == [True]


def test_yaml_mistakes_are_reported_with_all_others() -> None:
    text = edited("version: 1.0.0", "version: 1.0.0\nversion: 2.0.0\nverson: 1").replace("qty > 0", "qtty > 0")
    assert [str(problem).split(": ", 1)[1] for problem in problems(text)] == [
        "the key version is there twice (first on line 4); remove one of them",
        "unknown key verson; did you mean version?",
        "qtty is no column of the table; did you mean qty?",
    ]


def test_every_mistake_is_found_at_once() -> None:
    """A mistake of structure hides neither the others nor those of meaning."""
    text = VALID
    for old, new in [
        ("delimiter: ", "delimeter: "),
        ("version: 1.0.0", "version: 1"),
        ("mode: upsert", "mode: upset"),
        ("order_no is not null", "order_no is not"),
        ("dedupe: ordered_on desc", "dedupe: orderd_on desc"),
        ("mustBeGreaterThan: 0", "mustBeGreatr: 0"),
        ("qty > 0", "qtty > 0"),
        ("NUMERIC(12,2)", "NUMERIC(12,22)"),
        ("physicalType: SMALLINT", "logicalTypeOptions: {minimum: 9, maximum: 1}"),
        ("{value: shut}", "{value: open}"),
    ]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    found = [(problem.line, problem.message) for problem in problems(text)]
    assert [line for line, _ in found] == [4, 10, 20, 21, 22, 25, 26, 31, 32, 33], found


def test_a_malformed_property_does_not_make_its_name_unknown() -> None:
    """Its own mistake is told once; rules and keys that name it are not blamed."""
    found = problems(edited("{name: qty, logicalType: integer", "{name: qty, logicalType: itneger"))
    assert [problem.message for problem in found] == ["logicalType cannot be itneger"]
    found = problems(edited("logicalType: string, primaryKey: true", "logicalType: strin, primaryKey: true"))
    assert [problem.message for problem in found] == ["logicalType cannot be strin"]


def test_places_after_a_dropped_property_are_those_of_the_file() -> None:
    text = edited(ORDER_NO, "{name: order_no, logicalType: strin, primaryKey: true}").replace("SMALLINT", "SMALLISH")
    found = problems(text)
    assert [pointed_at(text, problem).split(",")[0].rstrip("}") for problem in found] == ["strin", "SMALLISH"]


def test_a_resolved_reference_is_never_shown() -> None:
    found = problems(edited("mode: upsert", "mode: ${MODE}"), MODE="s3cret")
    assert len(found) == 1
    assert "s3cret" not in str(found[0])
    assert "${MODE}" in str(found[0])


@pytest.mark.parametrize(
    "addition",
    [
        "name: Orders",
        "status: draft",
        "domain: sales",
        "tenant: acme",
        "dataProduct: shop",
        "tags: [a]",
        "description: {purpose: p, limitations: l, usage: u}",
        "team: {name: t, members: [{username: a}]}",
        "roles: [{role: reader}]",
        "support: [{channel: '#x'}]",
        "price: {priceAmount: 1}",
        "slaProperties: [{property: freshness, value: 1}]",
        "authoritativeDefinitions: [{url: 'https://x', type: y}]",
        "contractCreatedTs: 2024-01-01T00:00:00Z",
        "customProperties: [{property: owner, value: x}]",
        "context: text",
    ],
)
def test_documentation_is_accepted(addition: str) -> None:
    assert problems(f"{VALID}{addition}\n") == []
