"""Every column type with texts that are just valid and texts that are just not, as a CSV file with its contract."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A column: the rest of its property in YAML, texts that are of its type, texts that are not."""

    yaml: str
    valid: tuple[str, ...]
    invalid: tuple[str, ...] = ()


KINDS = {
    "words": Kind(
        "logicalType: string",
        ("plain", " padded ", "ünïcødé 😀", "two\nlines", 'a "quote"', "\\N", "\\.", "NULL", "tab\there", "'", "\u2028"),
    ),
    "short": Kind("logicalType: string, physicalType: VARCHAR(5)", ("abcde", "äöüßé", "😀😀😀😀😀"), ("abcdef", "😀😀😀😀😀😀")),
    "code": Kind("logicalType: string, physicalType: CHAR(3)", ("abc", "ab"), ("abcd",)),
    "named": Kind(
        'logicalType: string, logicalTypeOptions: {pattern: "^[a-z]+$", minLength: 2, maxLength: 4}',
        ("ab", "abcd"),
        ("a", "abcde", "AB", "ab1", "ab\n"),
    ),
    "choice": Kind("logicalType: string, enum: [{value: open}, {value: paid}]", ("open", "paid"), ("Open", "paid ")),
    "small": Kind(
        "logicalType: integer, physicalType: SMALLINT",
        ("-32768", "32767", "+5", "007", "-0"),
        ("32768", "-32769", "1.0", "1e3", "0x1F", " 5", "5 ", "--1", "1_000", "1,000", "٣", "true"),
    ),
    "whole": Kind(
        "logicalType: integer, physicalType: INTEGER, logicalTypeOptions: {minimum: -5, exclusiveMaximum: 2147483647, multipleOf: 5}",
        ("-5", "0", "2147483645"),
        ("-10", "2147483647", "2147483650", "7"),
    ),
    "big": Kind(
        "logicalType: integer",
        ("9223372036854775807", "-9223372036854775808"),
        ("9223372036854775808", "-9223372036854775809", "9.0"),
    ),
    "money": Kind(
        "logicalType: number, physicalType: 'NUMERIC(10,2)'",
        ("0.01", "-99999999.99", "1e3", "+1.5", "12", ".5"),
        ("1.005", "100000000.00", "1,5", "NaN", "Infinity", " 1", "1 000", "abc"),
    ),
    "huge": Kind(
        "logicalType: number, physicalType: 'NUMERIC(38,10)'",
        ("9999999999999999999999999999.9999999999", "-0.0000000001"),
        ("99999999999999999999999999999", "0.00000000001"),
    ),
    "ratio": Kind(
        "logicalType: number, physicalType: DOUBLE PRECISION",
        ("1e308", "-0", "NaN", "Infinity", "-inf", ".5", "5.", "4.9e-324", "0.1"),
        ("1e309", "abc", "1,5", " 1", "1d"),
    ),
    "rough": Kind("logicalType: number, physicalType: REAL", ("3.4e38", "0.1", "NaN", "16777217"), ("3.5e38", "x")),
    "yes": Kind("logicalType: boolean", ("true", "F", "yes", "No", "ON", "0"), ("2", "wahr", " true", "tru")),
    "day": Kind(
        "logicalType: date",
        ("2024-02-29", "0001-01-01", "9999-12-31", "1582-10-10"),
        ("2023-02-29", "0000-01-01", "2024-2-9", "10000-01-01", "2024-13-01", "2024-02-30", "29.02.2024", "today"),
    ),
    "german_day": Kind(
        "logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}",
        ("29.02.2024", "01.01.0001"),
        ("29.02.2023", "2024-02-29", "1.2.2024", "31.11.2024"),
    ),
    "moment": Kind(
        "logicalType: timestamp, logicalTypeOptions: {timezone: false}",
        ("2024-02-29T12:34:56.123456", "2024-02-29 12:34:56", "0001-01-01T00:00:00", "1582-10-10 01:00:00", "9999-12-31 23:59:59"),
        ("2024-02-29T12:34:56Z", "2024-02-29T24:00:00", "2024-02-29T12:60:00", "2024-02-29T12:34:56.1234567", "noon"),
    ),
    "instant": Kind(
        "logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}",
        ("2024-06-01T12:00:00Z", "2024-06-01T12:00:00+02:00", "2024-03-31T01:59:59", "1800-01-01T00:00:00", "2024-06-01 12:00:00.000001-11:30"),
        ("2024-03-31T02:30:00", "2024-10-27T02:30:00", "2024-06-01T12:00:00+99:00", "2024-06-01T12:00:00 CET"),
    ),
    "stamped": Kind(
        "logicalType: timestamp, logicalTypeOptions: {format: \"d/M/yyyy h:mm a\", timezone: false}",
        ("1/2/2024 12:00 AM", "31/12/2024 12:59 pm"),
        ("31/6/2024 1:00 AM", "1/2/2024 13:00 PM", "1/2/2024 0:30 AM"),
    ),
    "clock": Kind(
        "logicalType: time",
        ("00:00", "23:59:59.999999", "12:34:56.1"),
        ("24:00", "12:00:60", "1:00", "12:00:00Z", "noon"),
    ),
    "dotted_clock": Kind(
        "logicalType: time, logicalTypeOptions: {format: HH.mm}",
        ("00.00", "23.59"),
        ("24.00", "12:34", "1.00"),
    ),
    "clocks": Kind("logicalType: array, items: {logicalType: time}", ('["12:34", null, "23:59:59.999999"]',), ('["24:00"]',)),
    "instants": Kind(
        "logicalType: array, items: {logicalType: timestamp}",
        ('["2024-06-01T12:00:00Z", "0001-01-01T00:00:00Z"]',),
        ('["2024-06-01T25:00:00Z"]',),
    ),
    "moments": Kind(
        "logicalType: array, items: {logicalType: timestamp, logicalTypeOptions: {timezone: false}}",
        ('["2024-06-01T12:00:00.5"]',),
        ('["2024-06-01T12:00:00Z"]',),
    ),
    "identities": Kind(
        "logicalType: array, items: {logicalType: string, logicalTypeOptions: {format: uuid}}",
        ('["3F2504E0-4f89-11d3-9a0c-0305e82c3301"]',),
        ('["3F2504E0"]',),
    ),
    "flags": Kind("logicalType: array, items: {logicalType: boolean}", ('[true, "no", null]',), ('["maybe"]',)),
    "roughs": Kind("logicalType: array, items: {logicalType: number, physicalType: REAL}", ("[0.1, 3e38]",), ("[1e39]",)),
    "halves": Kind(
        "logicalType: number, physicalType: DOUBLE PRECISION, logicalTypeOptions: {multipleOf: 0.5}",
        ("1e308", "-2.5", "0"),
        ("0.25", "Infinity", "NaN", "5e-324"),
    ),
    "cents": Kind(
        "logicalType: number, physicalType: 'NUMERIC(38,2)', logicalTypeOptions: {multipleOf: 0.05}",
        ("999999999999999999999999999999999999.95",),
        ("999999999999999999999999999999999999.99",),
    ),
    "identity": Kind(
        "logicalType: string, logicalTypeOptions: {format: uuid}",
        ("3F2504E0-4f89-11d3-9a0c-0305e82c3301",),
        ("3F2504E04f8911d39a0c0305e82c3301", "{3F2504E0-4f89-11d3-9a0c-0305e82c3301}", "3F2504E0-4f89-11d3-9a0c-0305e82c330g"),
    ),
    "document": Kind(
        "logicalType: object, physicalType: JSONB",
        (
            '{"a": [1, {"b": null}], "big": 12345678901234567890.5}', "null", '"text"', "[]", " 1 ",
            '{"a": [9.9e131071, 1E-16383, 0e131072]}',
        ),
        (
            "{a: 1}", "{'a': 1}", '{"a": NaN}', '"\\u0000"', '{"a": 1} x', "[" * 300 + "]" * 300,
            '{"a": 1e131072}', '[1e-16384]', "1e999999999999999999999",
        ),
    ),
    "blob": Kind(
        "logicalType: string, physicalType: BYTEA",
        ("\\xDEADbeef", "aGVsbG8=", "\\x"),
        ("\\xABC", "\\xZZ", "aGVsbG8", "not base64!"),
    ),
    "names": Kind(
        "logicalType: array, items: {logicalType: string}, logicalTypeOptions: {maxItems: 4}",
        ("[]", '["a", null, "NULL", "quote \\" \\\\ {} ,"]', '["x"]'),
        ('{"a": 1}', "a,b", '["a"', '[["a"]]', '["1","2","3","4","5"]', '["a", "b\\u0000"]', '["\\ud800"]'),
    ),
    "codes": Kind(
        "logicalType: array, items: {logicalType: string, physicalType: VARCHAR(2)}",
        ('["ab", null, "äö"]',),
        ('["ab", "abc"]',),
    ),
    "numbers": Kind(
        "logicalType: array, items: {logicalType: integer, physicalType: INTEGER}",
        ("[1, -2147483648, null]", "[]"),
        ("[1.5]", '["x"]', "[2147483648]"),
    ),
    "days": Kind("logicalType: array, items: {logicalType: date}", ('["2024-02-29", null]',), ('["2023-02-29"]',)),
    "prices": Kind(
        "logicalType: array, items: {logicalType: number, physicalType: 'NUMERIC(6,2)'}", ("[0.10, 9999.99]",), ("[0.001]",)
    ),
}  # fmt: skip


@dataclass(frozen=True)
class EdgeCases:
    """A CSV file in which each record is about one text of one column, and the lines whose record is not valid."""

    content: str
    rejected: dict[int, str]
    properties: list[str]


def edge_cases() -> EdgeCases:
    """Every text of every kind in a record of its own, the other columns missing; then records of valid texts only."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["number", *KINDS])
    rejected: dict[int, str] = {}
    number = 0

    def write(values: dict[str, str]) -> int:
        nonlocal number
        number += 1
        line = buffer.getvalue().count("\n") + 1
        writer.writerow([number, *(values.get(name, "") for name in KINDS)])
        return line

    for name, kind in KINDS.items():
        for text in kind.valid:
            write({name: text})
        for text in kind.invalid:
            rejected[write({name: text})] = name
    for position in range(max(len(kind.valid) for kind in KINDS.values())):
        write({name: kind.valid[position % len(kind.valid)] for name, kind in KINDS.items()})
    properties = ["{name: number, logicalType: integer, required: true}"]
    properties += [f"{{name: {name}, {kind.yaml}}}" for name, kind in KINDS.items()]
    return EdgeCases(buffer.getvalue(), rejected, properties)
