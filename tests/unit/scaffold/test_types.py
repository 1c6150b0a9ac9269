"""The type of a column, the evidence for it, and what stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.scaffold.scaffolded import column, scaffolded

INTEGER = {"logicalType": "integer"}
TEXT = {"logicalType": "string"}
NAIVE = {"timezone": False}


def _date(pattern: str) -> dict[str, Any]:
    return {"logicalType": "date", "logicalTypeOptions": {"format": pattern}}


def _stamp(pattern: str, **options: object) -> dict[str, Any]:
    return {"logicalType": "timestamp", "logicalTypeOptions": {"format": pattern, **options}}


def _number(physical: str) -> dict[str, Any]:
    return {"logicalType": "number", "physicalType": physical}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1", "-20", "0"], INTEGER),
        (["9223372036854775807"], INTEGER),
        (["9223372036854775808", "1"], {"logicalType": "integer", "physicalType": "NUMERIC(22,0)"}),
        (["9" * 37], TEXT),
        (["12345678901234567.89", "1.00"], _number("NUMERIC(22,2)")),
        (["01234", "99999"], TEXT),
        (["+4912345", "+4998765"], TEXT),
        (["007.5", "1.5"], TEXT),
        (["0", "0.5", ".25", "-.5"], _number("NUMERIC(14,4)")),
        (["12.50", "7.00"], _number("NUMERIC(12,2)")),
        (["48.86667", "32.33333"], _number("NUMERIC(15,5)")),
        (["0.5103750689005356", "1.5"], _number("DOUBLE PRECISION")),
        (["1e5", "2.5"], _number("DOUBLE PRECISION")),
        (["0x1F", "0x2A"], TEXT),
        (["1_000", "2_000"], TEXT),
        (["true", "FALSE", "True"], {"logicalType": "boolean"}),
        (["true"], {"logicalType": "boolean"}),
        (["yes", "no"], {"logicalType": "boolean"}),
        (["Y", "Y"], TEXT),
        (["1", "0"], INTEGER),
        (["M", "F"], TEXT),
        (["2026-01-31", "1999-12-01"], {"logicalType": "date"}),
        (["2026-02-30"], TEXT),
        (["2026/01/31", "2026/02/01"], _date("yyyy/MM/dd")),
        (["31.12.2026", "01.02.2026"], _date("dd.MM.yyyy")),
        (["12/31/2026", "01/02/2026"], _date("MM/dd/yyyy")),
        (["31/1/2026", "1/12/2026"], _date("d/M/yyyy")),
        (["31/12/26", "01/02/26"], _date("dd/MM/yy")),
        (["20260131", "20251201", "19990228"], _date("yyyyMMdd")),
        (["20260131", "20261301", "19990228"], INTEGER),
        (["20260131", "20260132"], INTEGER),
        (["Jan 1 2000", "Feb 12 2000"], _date("MMM d yyyy")),
        (["January 1, 2000", "May 12, 2000"], _date("MMMM d, yyyy")),
        (["1-Jan-2000", "12-Feb-2000"], _date("d-MMM-yyyy")),
        (["12:30", "01:05"], {"logicalType": "time"}),
        (["1:05 PM", "12:30 AM"], {"logicalType": "time", "logicalTypeOptions": {"format": "h:mm a"}}),
        (["36:15", "01:05"], TEXT),
        (["2026-01-01T05:00:00", "2026-01-01 06:00"], {"logicalType": "timestamp", "logicalTypeOptions": NAIVE}),
        (["2026-01-01T05:00:00Z", "2026-01-01T05:00:00.123+02:00"], {"logicalType": "timestamp"}),
        (["2015/01/01 01:00:00", "2015/01/02 23:59:59"], _stamp("yyyy/MM/dd HH:mm:ss", **NAIVE)),
        (["12/31/2026 1:05 PM", "1/2/2026 11:05 AM"], _stamp("M/d/yyyy h:mm a", **NAIVE)),
        (["31.12.2026 01:05+02:00", "01.02.2026 11:05Z"], _stamp("dd.MM.yyyy HH:mmX")),
        (["2026-01-01T05:00:00.123456789"], TEXT),
        (
            ["123e4567-e89b-12d3-a456-426614174000"],
            {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}},
        ),
        (['{"a": 1}', "{}"], {"logicalType": "object"}),
        (["[1, 2]", "[]"], {"logicalType": "array", "items": INTEGER}),
        (['["a"]', "[null]"], {"logicalType": "array", "items": TEXT}),
        (["[1, 2.5]"], {"logicalType": "array", "items": _number("DOUBLE PRECISION")}),
        (['[{"a": 1}]', "[1]"], {"logicalType": "array", "items": {"logicalType": "object"}}),
        (["[draft]", "{x}"], TEXT),
    ],
    ids=lambda value: str(value)[:40],
)
def test_types(tmp_path: Path, values: list[str], wanted: dict[str, Any]) -> None:
    assert scaffolded(tmp_path, column(*values)).properties["v"] == wanted


@pytest.mark.parametrize(
    ("values", "transform", "physical"),
    [
        (["1.234,50", "7,00"], "replace(replace(`v`, '.', ''), ',', '.')", "NUMERIC(12,2)"),
        (["1,234,567.50", "12.00"], "replace(`v`, ',', '')", "NUMERIC(12,2)"),
        ([" 1.25", "2.50 "], "nullif(trim(`v`), '')", "NUMERIC(12,2)"),
    ],
)
def test_numbers_that_need_a_repair_get_it(tmp_path: Path, values: list[str], transform: str, physical: str) -> None:
    found = scaffolded(tmp_path, column(*values)).properties["v"]
    assert (found["logicalType"], found["physicalType"], found["transformLogic"]) == ("number", physical, transform)


@pytest.mark.parametrize("blank", ["\t", "\u00a0", "\u2003", " \t"])
def test_blanks_that_sql_does_not_trim_keep_numbers_text(tmp_path: Path, blank: str) -> None:
    assert scaffolded(tmp_path, column(f"5{blank}", "7", " 9")).properties["v"] == TEXT


def test_a_comma_before_three_digits_could_be_either_and_stays_text(tmp_path: Path) -> None:
    assert scaffolded(tmp_path, column("1,234", "5,678")).properties["v"] == TEXT


def test_ambiguous_dates_stay_text_and_say_so(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, column("01/02/2026", "03/04/2026"))
    assert found.properties["v"] == TEXT
    assert "AMBIGUOUS: both dd/MM/yyyy and MM/dd/yyyy fit every value" in found.comment_of("v")


def test_zero_padded_digits_say_why_they_are_text(tmp_path: Path) -> None:
    assert "zero-padded digits stay text" in scaffolded(tmp_path, column("00501", "10001")).comment_of("v")


def test_the_evidence_stands_above_the_column(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, column(*map(str, range(1, 40)), "NA"))
    assert found.comment_of("v") == "39 values, all integers, 1 to 39, 2.5 % missing"


def test_words_for_missing_are_found_among_numbers(tmp_path: Path) -> None:
    text = "a,b,c,d\n1,2026-01-01,-,x\n-,N/A,2.5,NA\nNaN,2026-01-02,?,\\N\n"
    found = scaffolded(tmp_path, text)
    assert set(found.dataset.read.missing_values) == {"", "\\N", "N/A", "NaN", "-", "?"}
    assert [item["logicalType"] for item in found.properties.values()] == ["integer", "date", "number", "string"]
    assert "'NA' (1): text here" in found.comment_of("d")


def test_words_among_text_are_left_alone(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, column("None", "NA", "x"))
    assert found.dataset.read.missing_values == ("",)
    assert "customProperties" not in found.source


def test_empty_text_is_missing_in_json_only_where_numbers_are(tmp_path: Path) -> None:
    numbers = scaffolded(tmp_path, '[{"a": "1", "b": ""}, {"a": "", "b": "x"}]', "sample.json")
    assert numbers.dataset.read.missing_values == ("",)
    assert scaffolded(tmp_path, '[{"a": ""}, {"a": "x"}]', "sample.json").dataset.read.missing_values == ()


def test_one_word_among_numbers_is_named(tmp_path: Path) -> None:
    comment = scaffolded(tmp_path, column(*map(str, range(50)), "withheld")).comment_of("v")
    assert "all numbers but for 'withheld' (1)" in comment


def test_addresses_are_tagged_and_never_shown(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, column("ana@example.com", "ben@example.com"))
    assert found.properties["v"]["tags"] == ["pii"]
    assert found.dataset.columns[0].restricted
    assert "ana@" not in found.text


def test_few_values_that_come_again_are_an_enum_candidate(tmp_path: Path) -> None:
    many = scaffolded(tmp_path, column(*["EWR", "JFK"] * 25))
    assert "enum candidate: enum: [{value: EWR}, {value: JFK}]" in many.comment_of("v")
    assert "enum candidate" not in scaffolded(tmp_path, column("EWR", "JFK")).comment_of("v")


def test_key_candidates(tmp_path: Path) -> None:
    single = scaffolded(tmp_path, "a,b,c\n1,x,1.5\n2,x,2.5\n3,y,3.5\n").text
    assert "Key candidates (never missing, never twice in the file): a\n" in single
    pair = scaffolded(tmp_path, "a,b\n1,x\n1,y\n2,x\n2,y\n").text
    assert "Key candidates (never missing, never twice in the file): a + b\n" in pair
    assert "No key candidate" in scaffolded(tmp_path, "a,b\n1,x\n1,\n2,x\n2,y\n").text
    assert "No key candidate" in scaffolded(tmp_path, "a,b\n1,x\n1,x\n2,y\n").text
