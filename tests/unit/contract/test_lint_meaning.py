"""What is well-formed and still cannot be: columns, keys, expressions, rules, options that do not fit."""

from __future__ import annotations

import pytest

from tests.unit.contract.contracts import VALID, edited, pointed_at, problems

COLUMN = "{name: status, logicalType: string, enum: [{value: open}, {value: shut}]}"
RULE = "{metric: rowCount, mustBeGreaterThan: 0}"
OPTIONS = "{property: readOptions, value: {header: true}}"
LOCATION = "s3://landing/shop/year=*/orders_*.csv"
TARGET = "{server: target, type: postgres, host: localhost, port: 5432, database: dwh, schema: shop}"
LONG = "n" * 64


def only(text: str, at: str, message: str) -> None:
    """The text has one mistake: `message`, at the place where `at` stands."""
    found = problems(text)
    assert len(found) == 1, [str(problem) for problem in found]
    assert message in str(found[0])
    assert pointed_at(text, found[0]).startswith(at), pointed_at(text, found[0])


@pytest.mark.parametrize(
    ("new", "at", "message"),
    [
        ("{name: _x, logicalType: string}", "_x", "names that start with _ are Landfall's own; write x"),
        ("{name: _load_id, logicalType: string}", "_load_id", "names that start with _"),
        ("{name: Order No, logicalType: string}", "Order No", "'Order No' is not a name of letters, digits and _; write order_no"),
        ("{name: a.b, logicalType: string}", "a.b", "write a_b"),
        ("{name: 2nd, logicalType: string}", "2nd", "add physicalName: a name that starts with a letter"),
        (f"{{name: {LONG}, logicalType: string}}", LONG, "has 64 bytes; PostgreSQL keeps 63"),
        (f"{{name: {'ä' * 32}, logicalType: string}}", "ä", "has 64 bytes"),
        ("{name: ctid, logicalType: string}", "ctid", "is a system column of PostgreSQL"),
        ("{name: qty, logicalType: string}", "qty", "the column qty is there twice"),
        ("{name: QTY, logicalType: string}", "QTY", "QTY and qty differ only in case"),
        ("{name: other, physicalName: qty, logicalType: string}", "qty", "the column qty is there twice"),
        ("{name: s, logicalType: number}", "number", "a number needs a physicalType"),
        ("{name: s, logicalType: string, physicalType: INT}", "INT", "INT goes with logicalType integer"),
        ("{name: s, logicalType: array}", "{name: s", "an array needs the type of its items"),
        ("{name: s, logicalType: date, logicalTypeOptions: {format: '%d'}}", "'%d'", "strftime"),
        ("{name: s, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: CETT}}", "CETT", "CETT is no time zone"),
        # patterns and lengths
        ('{name: s, logicalType: string, logicalTypeOptions: {pattern: "^["}}', '"^["', "not a regular expression: missing ]"),
        ('{name: s, logicalType: string, logicalTypeOptions: {pattern: "(?=x)"}}', '"(?=x)"', "no look-around"),
        ('{name: s, logicalType: string, physicalType: JSONB, logicalTypeOptions: {pattern: "x"}}', "pattern", "pattern needs a column of text, not JSONB"),
        ("{name: s, logicalType: string, physicalType: BYTEA, logicalTypeOptions: {maxLength: 2}}", "maxLength", "maxLength needs a column of text"),
        ("{name: s, logicalType: string, logicalTypeOptions: {minLength: 5, maxLength: 4}}", "5", "minLength 5 is above the longest text, 4"),
        ("{name: s, logicalType: string, physicalType: CHAR(3), logicalTypeOptions: {minLength: 4}}", "4", "minLength 4 is above the longest text, 3"),
        ("{name: s, logicalType: string, physicalType: VARCHAR(3), logicalTypeOptions: {maxLength: 4}}", "4", "maxLength 4 does not fit into VARCHAR(3)"),
        ("{name: s, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {minItems: 2, maxItems: 1}}", "2", "minItems 2 is above maxItems 1"),
        # bounds
        ("{name: s, logicalType: integer, logicalTypeOptions: {minimum: 5, maximum: 4}}", "5", "no value is allowed: minimum 5 and maximum 4"),
        ("{name: s, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 5, maximum: 5}}", "5", "no value is allowed"),
        ("{name: s, logicalType: integer, logicalTypeOptions: {minimum: 5, exclusiveMinimum: 5}}", "5", "at once; keep one of them"),
        ("{name: s, logicalType: integer, logicalTypeOptions: {minimum: 0.5}}", "0.5", "minimum: 0.5 is not a whole number"),
        ("{name: s, logicalType: integer, physicalType: SMALLINT, logicalTypeOptions: {maximum: 40000}}", "40000", "40000 does not fit into SMALLINT"),
        ('{name: s, logicalType: number, physicalType: "NUMERIC(4,2)", logicalTypeOptions: {maximum: 100}}', "100", "100 does not fit into NUMERIC(4,2)"),
        ("{name: s, logicalType: date, logicalTypeOptions: {minimum: 31.12.2024}}", "31.12.2024", "minimum: 31.12.2024 is not ISO 8601; for example 2024-01-31"),
        ("{name: s, logicalType: date, logicalTypeOptions: {minimum: 2024-02-30}}", "2024-02-30", "is not ISO 8601"),
        ("{name: s, logicalType: date, logicalTypeOptions: {minimum: 2024-02-02, maximum: 2024-02-01}}", "2024-02-02", "no value is allowed"),
        ('{name: s, logicalType: timestamp, logicalTypeOptions: {timezone: false, minimum: "2024-01-01T00:00:00Z"}}', '"2024', "has an offset, the column has none"),
        ('{name: s, logicalType: time, logicalTypeOptions: {minimum: "12:00+01:00"}}', '"12:00', "has an offset, the column has none"),
        # enums
        ("{name: s, logicalType: string, enum: [{value: a}, {value: a}]}", "a}]", "the enum value 'a' is there twice"),
        ("{name: s, logicalType: string, enum: [{value: 1}]}", "1", 'the enum value 1 is not text; write it in quotes: "1"'),
        ("{name: s, logicalType: string, physicalType: CHAR(1), enum: [{value: ab}]}", "ab", "is longer than CHAR(1)"),
        ("{name: s, logicalType: integer, enum: [{value: a}]}", "a}", "the enum value 'a' is not a number"),
        ("{name: s, logicalType: integer, enum: [{value: true}]}", "true", "is not a number"),
        ("{name: s, logicalType: integer, physicalType: SMALLINT, enum: [{value: 70000}]}", "70000", "does not fit"),
        ("{name: s, logicalType: integer, enum: [{value: 1}, {value: 1}]}", "1}]", "is there twice"),
        ("{name: s, logicalType: boolean, enum: [{value: yes}]}", "yes", "is not true or false"),
        ("{name: s, logicalType: date, enum: [{value: soon}]}", "soon", "is not ISO 8601"),
        ("{name: s, logicalType: string, physicalType: UUID, enum: [{value: x}]}", "x}", "is not a UUID"),
        ("{name: s, logicalType: array, items: {logicalType: string}, enum: [{value: x}]}", "enum", "a column of type TEXT[] has no enum"),
        ("{name: s, logicalType: object, enum: [{value: x}]}", "enum", "has no enum"),
        # keys
        ("{name: s, logicalType: object, unique: true}", "true", "s is JSON: it cannot be compared"),
        ("{name: s, logicalType: string, primaryKeyPosition: 1}", "1", "primaryKeyPosition without primaryKey"),
        ("{name: s, logicalType: string, partitioned: true}", "partitioned", "Landfall does not partition the table"),
        # expressions
        ("{name: s, logicalType: string, transformLogic: upper(a}", "upper", "transformLogic: a closing parenthesis is missing"),
        ('{name: s, logicalType: string, transformLogic: "a + b c d"}', "d", "not valid Spark SQL near d"),
        ("{name: s, logicalType: string, transformLogic: upper(OrderNo)}", "OrderNo", "source columns are named in snake_case: write order_no"),
        ("{name: s, logicalType: string, transformLogic: user.name}", "user", "the columns of a csv file have no fields"),
        ("{name: s, logicalType: string, transformLogic: _metadata.filename}", "_metadata", "_metadata.filename is not known of a file; did you mean file_name?"),
        ("{name: s, logicalType: string, transformLogic: max(a)}", "max", "max looks at more than one row"),
        ("{name: s, logicalType: string, transformLogic: explode(a)}", "explode", "write it as load.explode"),
        # quality of a property
        ("{name: s, logicalType: string, quality: [{metric: rowCount, mustBe: 1}]}", "rowCount", "counts rows, not values of a column; write the rule on the object"),
        ("{name: s, logicalType: string, quality: [{metric: nullValues}]}", "{metric", "the rule has no bound"),
        ("{name: s, logicalType: string, quality: [{metric: nullValues, mustBe: 1, mustNotBe: 2}]}", "mustNotBe", "a second bound beside mustBe"),
        ("{name: s, logicalType: string, quality: [{metric: nullValues, mustBeBetween: [2, 1]}]}", "[2, 1]", "the first bound is above the second"),
        ("{name: s, logicalType: string, quality: [{metric: nullValues, mustBeLessThan: 101, unit: percent}]}", "101", "a percentage is from 0 to 100"),
        ("{name: s, logicalType: string, quality: [{metric: nullValues, mustBe: 1, arguments: {pattern: x}}]}", "pattern", "nullValues has no argument pattern here"),
        ('{name: s, logicalType: string, quality: [{metric: invalidValues, mustBe: 1, arguments: {pattern: "["}}]}', '"["', "not a regular expression"),
        ("{name: s, logicalType: string, quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [qty]}}]}", "properties", "has no argument properties here"),
        ("{name: s, logicalType: string, quality: [{type: custom, engine: spark, implementation: s > nope}]}", "nope", "nope is no column of the table"),
        ("{name: s, logicalType: string, quality: [{type: custom, engine: spark, name: enough, implementation: s > 1}]}", "enough", "another rule is called enough"),
        ("{name: s, logicalType: string, customProperties: [{property: load, value: 1}]}", "load", "load has no effect here; it belongs to the customProperties of the schema object"),
    ],
)  # fmt: skip
def test_columns(new: str, at: str, message: str) -> None:
    only(edited(COLUMN, new), at, message)


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        # the table and the load
        ("name: orders", "name: _orders", "_orders", "names that start with _"),
        ("name: orders", "name: orders\n    physicalName: sales.orders", "sales.orders", "is not a name of letters"),
        ("logicalType: string, primaryKey: true", "logicalType: string", "upsert", "mode upsert needs a primary key"),
        ("dedupe: ordered_on desc", "dedupe: ordered desc", "ordered desc", "ordered is no column of the table; did you mean ordered_on?"),
        ("dedupe: ordered_on desc", "dedupe: qty desc, ordered desc", "ordered desc", "ordered is no column"),
        ("dedupe: ordered_on desc", "dedupe: ordered_on descending", "ordered_on descending", "is no ORDER BY term"),
        ("dedupe: ordered_on desc", "dedupe: lower(status)", "lower", "is no ORDER BY term"),
        ("dedupe: ordered_on desc", 'dedupe: "qty,"', '"qty', "an empty term is no ORDER BY term"),
        ("dedupe: ordered_on desc", "dedupe: 'qty; drop table x'", "'qty;", "is no ORDER BY term"),
        ("mode: upsert", "mode: upsert\n          replaceBy: [qty]", "replaceBy", "replaceBy has no effect in mode upsert; it goes with mode replace"),
        ("mode: upsert", "mode: replace\n          replaceBy: [qtyy]", "qtyy", "qtyy is no column of the table; did you mean qty?"),
        ("mode: upsert", "mode: replace\n          replaceBy: [qty, qty]", "qty]", "qty is there twice"),
        ("mode: upsert", "mode: scd2\n          trackColumns: [order_no]", "order_no]", "part of the key, which never changes"),
        ("mode: upsert", "mode: append\n          trackColumns: [qty]", "trackColumns", "it goes with mode scd2"),
        ("mode: upsert", "mode: upsert\n          validFrom: ordered_on", "validFrom", "it goes with mode scd2"),
        ("mode: upsert", "mode: scd2\n          validFrom: orderd_on", "orderd_on", "orderd_on is no column of the table; did you mean ordered_on?"),
        ("mode: upsert", "mode: scd2\n          validFrom: qty", "qty", "qty is neither a date nor a timestamp"),
        ("mode: upsert", "mode: scd2\n          validFrom: ordered_on", "ordered_on", "add required: true to ordered_on"),
        ("{max: 5, unit: percent}", "{max: 101, unit: percent}", "101", "more than all"),
        ("{max: 5, unit: percent}", "{max: 1.5, unit: rows}", "1.5", "is no number of rows"),
        ("order_no is not null", "order_no is not nul", "order_no", "IS goes with NULL, TRUE or FALSE"),
        ("order_no is not null", "orderNo is not null", "orderNo", "write order_no"),
        ("mode: upsert", "mode: upsert\n          explode: explode(items) AS item", "explode(items)", "a row with an empty list would vanish"),
        ("mode: upsert", "mode: upsert\n          explode: explode_outer(items)", "explode_outer", "need names"),
        ("mode: upsert", "mode: upsert\n          explode: explode_outer(items) AS Item", "Item", "Item is not snake_case"),
        # rules of the object
        (RULE, "{metric: nullValues, mustBe: 0}", "nullValues", "counts the values of a column; write the rule on the property"),
        (RULE, "{metric: rowCount, mustBe: 1, unit: percent}", "percent", "rowCount is a number of rows"),
        (RULE, "{metric: duplicateValues, mustBe: 0}", "{metric", "needs the columns that must differ"),
        (RULE, "{metric: duplicateValues, mustBe: 0, arguments: {properties: [qtyy]}}", "qtyy", "did you mean qty?"),
        (RULE, "{metric: rowCount}", "{metric", "the rule has no bound; add one of mustBe"),
        ("qty > 0", "qty >", ">", "implementation: not valid Spark SQL"),
        ("qty > 0", "QTY > 0", '"QTY', "QTY is no column of the table; did you mean qty?"),
        ("qty > 0", "qty > avg(qty)", '"qty', "avg looks at more than one row"),
        ("SELECT count(*) FROM {object}", "SELECT count(*) FROM orders", '"SELECT', "does not read {object}"),
        ("SELECT count(*) FROM {object}", "SELECT count( FROM {object}", '"SELECT', "not valid SQL"),
        ("SELECT count(*) FROM {object}", "DELETE FROM {object}", '"DELETE', "must be one SELECT"),
        ("SELECT count(*) FROM {object}", "SELECT 1 FROM {object}; DROP TABLE x", '"SELECT', "must be one SELECT"),
        ("SELECT count(*) FROM {object}", "SELECT 1 INTO x FROM {object}", '"SELECT', "must be one SELECT"),
        ("SELECT count(*) FROM {object}", "WITH d AS (DELETE FROM x RETURNING 1) SELECT 1 FROM {object}", '"WITH', "must be one SELECT"),
        ("SELECT count(*) FROM {object}", "SELECT count({property}) FROM {object}", '"SELECT', "this one stands on the object"),
        # servers
        (TARGET, TARGET + "\n  - {server: t, type: local, path: x/*.csv, format: csv}", "{server: t,", "a second source server"),
        (", schema: shop", ", schema: landfall", "landfall", "the schema landfall is not for tables of yours"),
        (", schema: shop", ", schema: pg_catalog", "pg_catalog", "is not for tables of yours"),
        (LOCATION, "landing/orders.csv", "landing", "a location is s3://bucket/key"),
        (LOCATION, "s3://landing", "s3://landing", "a location is s3://bucket/key"),
        (LOCATION, "s3://landing/shop/", "s3://", "names a directory, not files"),
        (LOCATION, '"s3://landing/{model}/*.csv"', '"s3', "{...} is not a wildcard"),
        (LOCATION, "s3://landing/a=*/a=*/*.csv", "s3://", "the partition a is there twice"),
        ('delimiter: ";"', "delimiter: tab", "tab", 'write "\\t" in double quotes for a tab'),
        ('delimiter: ";"', "delimiter: '\\t'", "'", "write \"\\t\" in double quotes"),
        ('delimiter: ";"', "delimiter: '||'", "'||'", "a delimiter is one character"),
        ('delimiter: ";"', 'delimiter: "\\n"', '"\\n"', "this character cannot be a delimiter"),
        ('delimiter: ";"', "encoding: latin-99", "latin-99", "unknown encoding latin-99"),
        ('delimiter: ";"', "encoding: UTF-88", "UTF-88", "did you mean UTF-8?"),
        ('delimiter: ";"', "encoding: rot13", "rot13", "unknown encoding rot13"),
        ('delimiter: ";"', "encoding: unicode_escape", "unicode_escape", "unknown encoding"),
        ('delimiter: ";"', "encoding: UTF-7", "UTF-7", "unknown encoding"),
        ('delimiter: ";"', "encoding: cp037", "cp037", "unknown encoding"),
        ('delimiter: ";"', "encoding: base64", "base64", "unknown encoding"),
        ('delimiter: ";"', "delimiter: §", "§", "choose another ASCII character"),
        (OPTIONS, "{property: readOptions, value: {sheet: 1}}", "sheet", "csv has no sheet"),
        (OPTIONS, "{property: readOptions, value: {quote: ab}}", "ab", "quote is one ASCII character"),
        (OPTIONS, "{property: readOptions, value: {quote: ';'}}", "';'", "quote and delimiter are the same character"),
        (OPTIONS, "{property: readOptions, value: {comment: ';'}}", "';'", "comment and delimiter are the same character"),
        (OPTIONS, "{property: readOptions, value: {escape: '\"'}}", "'\"'", "a quote before a quote is the default; leave escape out"),
        (OPTIONS, "{property: readOptions, value: {quote: null, escape: x}}", "x", "without quote there is nothing to escape"),
        (OPTIONS, "{property: readSchema, value: a STRING}", "a STRING", "readSchema is for json: csv has its own columns"),
        (OPTIONS, "{property: readOption, value: {}}", "readOption", "did you mean readOptions?"),
        (OPTIONS, "{property: load, value: {}}", "load", "load has no effect here; it belongs to the customProperties of the schema object"),
        (OPTIONS, f"{OPTIONS}\n      - {OPTIONS}", "readOptions", "readOptions is there twice"),
        ('["", NA]', '["", NA, NA]', "NA]", '"NA" is there twice'),
    ],
)  # fmt: skip
def test_the_rest(old: str, new: str, at: str, message: str) -> None:
    only(edited(old, new), at, message)


KEYS = edited("logicalType: string, primaryKey: true", "logicalType: string, primaryKey: true, primaryKeyPosition: 1")


@pytest.mark.parametrize(
    ("key", "at", "message"),
    [
        ("primaryKey: true", "true", "a key of several columns needs primaryKeyPosition"),
        ("primaryKey: true, primaryKeyPosition: 1", "1", "the position 1 is that of order_no"),
        ("primaryKey: true, primaryKeyPosition: 0", "0", "positions are counted from 1"),
    ],
)
def test_keys_of_several_columns(key: str, at: str, message: str) -> None:
    only(KEYS.replace("physicalType: SMALLINT", f"physicalType: SMALLINT, {key}"), at, message)


JSON = (
    VALID.replace("format: csv", "format: json")
    .replace('delimiter: ";"', "delimiter: new_line")
    .replace(
        f"      - {OPTIONS}\n",
        '      - {property: readSchema, value: "order_no STRING, day STRING, amount STRING, qty BIGINT, status STRING, user STRUCT<id:INT>, items ARRAY<STRING>"}\n',
    )
)


def test_the_json_contract_is_valid() -> None:
    assert problems(JSON) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("transformLogic: to_date(day)", "transformLogic: to_date(dya)", "dya", "dya is not in readSchema; did you mean day?"),
        ("{name: qty,", "{name: quty,", "quty", "quty is not in readSchema; did you mean qty?"),
        ("order_no is not null", "order_id is not null", "order_id", "order_id is not in readSchema"),
        ("mode: upsert", "mode: upsert\n          explode: explode_outer(itms) AS item", "itms", "itms is not in readSchema; did you mean items?"),
        ("qty BIGINT", "qty BIGINTT", "BIGINTT", "readSchema: not valid Spark SQL near BIGINTT"),
        ("delimiter: new_line", "delimiter: newline", "newline", "the delimiter of json is new_line or array; did you mean new_line?"),
        ("delimiter: new_line", "delimiter: new_line\n    encoding: nope", "nope", "unknown encoding"),
        ("missingValues, value: [\"\", NA]", "readOptions, value: {header: true}", "header", "json has no header"),
    ],
)  # fmt: skip
def test_json(old: str, new: str, at: str, message: str) -> None:
    assert JSON.count(old) == 1
    text = JSON.replace(old, new)
    found = [problem for problem in problems(text) if message in str(problem)]
    assert len(found) == 1, [str(problem) for problem in problems(text)]
    assert pointed_at(text, found[0]).startswith(at)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("transformLogic: to_date(day)", "transformLogic: to_date(user.id)"),
        ("transformLogic: to_date(day)", "transformLogic: 'make_date(year, 1, 1)'"),
        ("transformLogic: to_date(day)", "transformLogic: to_date(_metadata.file_name)"),
        ("mode: upsert", "mode: upsert\n          explode: explode_outer(items) AS qty"),
        ("delimiter: new_line", "delimiter: array"),
        ("    delimiter: new_line\n", ""),
    ],
)
def test_json_that_is_valid(old: str, new: str) -> None:
    assert JSON.count(old) == 1
    assert problems(JSON.replace(old, new)) == []


def test_nested_json_without_a_read_schema_has_no_fields() -> None:
    text = edited("format: csv", "format: json").replace('    delimiter: ";"\n', "").replace(f"      - {OPTIONS}\n", "")
    only(text.replace("to_date(day)", "to_date(user.day)"), "user", "describe the nested fields in the source server's")


@pytest.mark.parametrize(
    ("format_", "message"),
    [("parquet", "parquet has no delimiter"), ("xlsx", "xlsx has no delimiter"), ("avro", "avro has no delimiter")],
)
def test_formats_without_delimiter(format_: str, message: str) -> None:
    text = edited("format: csv", f"format: {format_}").replace("{header: true}", "{}")
    only(text, '";"', message)


def test_formats_without_encoding() -> None:
    text = edited("format: csv", "format: parquet").replace('delimiter: ";"', "encoding: UTF-8")
    only(text.replace("{header: true}", "{}"), "UTF-8", "parquet has no encoding of its own")


@pytest.mark.parametrize("options", ["{sheet: 1, header: false, skipLines: 2}", "{sheet: Data}"])
def test_options_of_xlsx(options: str) -> None:
    text = edited("format: csv", "format: xlsx").replace('    delimiter: ";"\n', "")
    assert problems(text.replace("{header: true}", options)) == []
    only(text.replace("{header: true}", "{sheet: 0}"), "0", "sheets are counted from 1")


@pytest.mark.parametrize(
    "name",
    [
        "UTF-8",
        "utf8",
        "ISO-8859-1",
        "latin1",
        "windows-1252",
        "UTF-16",
        "utf-16-le",
        "UTF-32",
        "Shift_JIS",
        "GBK",
        "cp850",
        "US-ASCII",
    ],
)
def test_encodings_that_are_known(name: str) -> None:
    assert problems(edited("format: csv", f"format: csv\n    encoding: {name}")) == []


HISTORY = edited("mode: upsert", "mode: scd2\n          validFrom: ordered_on").replace(
    "logicalType: date, ", "logicalType: date, required: true, "
)


def test_history_since_a_column_says_so() -> None:
    assert problems(HISTORY) == []
    tracked = HISTORY.replace("mode: scd2", "mode: scd2\n          trackColumns: [ordered_on]")
    only(tracked, "ordered_on", "it tells when, not what")


def test_columns_without_a_header_go_by_position_or_by_name() -> None:
    headless = edited("{header: true}", "{header: false}")
    assert problems(headless) == []
    mixed = headless.replace("to_date(day)", "to_date(col_2)")
    only(mixed, "false", "without header col_2 means a position, but order_no goes by name")
    names = {
        "order_no, logic": "col_1, logic",
        "name: amount": "name: col_3",
        "name: qty": "name: col_4",
        "name: status": "name: col_5",
    }
    for old, new in {**names, "qty > 0": "col_4 > 0", "order_no is": "col_1 is"}.items():
        mixed = mixed.replace(old, new)
    assert problems(mixed) == []


def test_a_server_is_missing() -> None:
    only(edited(f"  - {TARGET}\n", ""), "- server", "no server says where the table is")
    source = VALID[VALID.index("  - server: source") : VALID.index(f"  - {TARGET}")]
    only(edited(source, ""), "- {server", "no server says where the files are")


def test_a_second_target_is_refused() -> None:
    only(edited(f"  - {TARGET}\n", f"  - {TARGET}\n  - {TARGET}\n"), "{server: target", "a second target server")


def test_a_local_source() -> None:
    old = VALID[VALID.index("    type: s3") : VALID.index("    format: csv")]
    assert problems(edited(old, "    type: local\n    path: ./data/year=*/*.csv\n")) == []
    only(edited(old, "    type: local\n    path: data/year=1/\n"), "data", "names a directory, not files")


@pytest.mark.parametrize(
    "column",
    [
        "{name: größe, logicalType: string}",
        "{name: OrderNo, logicalType: string}",
        "{name: Order No, physicalName: order_number, logicalType: string}",
        "{name: s, logicalType: string, enum: [{value: ''}, {value: a, label: A}]}",
        "{name: s, logicalType: boolean, enum: [{value: true}]}",
        "{name: s, logicalType: date, enum: [{value: 2024-01-01}], logicalTypeOptions: {minimum: 2024-01-01}}",
        '{name: s, logicalType: timestamp, logicalTypeOptions: {minimum: "2024-01-01", maximum: "2024-01-01T00:00:00+01:00", defaultTimezone: Europe/Berlin}}',
        "{name: s, logicalType: string, quality: [{metric: invalidValues, mustBeLessThan: 5, unit: percent}]}",
        "{name: s, logicalType: string, quality: [{metric: duplicateValues, mustBe: 0}]}",
        '{name: s, logicalType: string, quality: [{type: sql, query: "SELECT count({property}) FROM {object}", mustBe: 0}]}',
        "{name: s, logicalType: string, quality: [{type: text, description: checked by hand}]}",
        "{name: s, logicalType: string, primaryKeyPosition: -1}",
        "{name: s, logicalType: object, properties: [{name: a, logicalType: string}]}",
        "{name: s, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: object, properties: []}}}",
        "{name: s, logicalType: string, customProperties: [{property: owner, value: x}]}",
        "{name: s, logicalType: string, transformLogic: current_date()}",
    ],
)
def test_columns_that_are_valid(column: str) -> None:
    assert problems(edited(COLUMN, column)) == []


def test_a_property_of_another_vendor_is_left_alone() -> None:
    assert problems(edited(OPTIONS, "{property: readOption, value: 1, vendor: other}")) == []
