"""JSON: every value as it was written, every document for itself."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ContractError, RefusedError, SourceError
from pipeline.extract.json_columns import MOST_UNKNOWN
from tests.unit.extract.reading import Outcome, dataset, read_bytes

AB = ("a", "b")
EVENTS = (
    "event_id STRING, user STRUCT<id:BIGINT, geo:STRUCT<country:STRING>>, items ARRAY<STRUCT<sku:STRING, price:STRING>>,"
    " props MAP<STRING,STRING>, n DECIMAL(10,2), on BOOLEAN, at TIMESTAMP, d DATE NOT NULL COMMENT 'a day', x DOUBLE"
)


def _read(directory: Path, content: bytes | str, columns: tuple[str, ...] = AB, **options: Any) -> Outcome:
    encoded = content.encode() if isinstance(content, str) else content
    part_bytes = options.pop("part_bytes", 1 << 20)
    name = options.pop("name", "f.json")
    return read_bytes(directory, encoded, dataset(columns, format="json", **options), part_bytes=part_bytes, name=name)


def test_scalars_are_text_and_numbers_keep_every_digit(tmp_path: Path) -> None:
    numbers = ["1.50", "-0", "1e5", "12345678901234567890123", "0.1000000000000000055511151231257827", "1E+400"]
    content = "".join(f'{{"a":{number},"b":"{number}"}}\n' for number in numbers)
    assert _read(tmp_path, content).rows == [(number, number) for number in numbers]
    assert _read(tmp_path, '{"a":true,"b":null}\n{"b":"null"}\n').rows == [("true", None), (None, "null")]


def test_nested_values_are_compact_json_with_their_tokens_untouched(tmp_path: Path) -> None:
    outcome = _read(tmp_path, '{"a": { "x" : [ 1.0 , "p  q\\n" , {} ] } , "b":[]}\n')
    assert outcome.rows == [('{"x":[1.0,"p  q\\n",{}]}', "[]")]


def test_escapes_become_their_characters(tmp_path: Path) -> None:
    outcome = _read(tmp_path, r'{"a":"\u00e9\n\"\\\/\ud83d\ude00","b":"\\u0000 \\ud800"}')
    assert outcome.rows == [('é\n"\\/😀', "\\u0000 \\ud800")]


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (b'{"a":1', "structure"),
        (b'{"a":1}}', "structure"),
        (b'{"a":1}{"a":2}', "structure"),
        (b"{'a':1}", "structure"),
        (b'{"a":01}', "structure"),
        (b'{"a":NaN}', "structure"),
        (b'{"a":Infinity}', "structure"),
        (b'{"a":1,}', "structure"),
        (b'{"a":"tab\there"}', "structure"),
        (b'{"a":"\\x"}', "structure"),
        (b"[1,2]", "structure"),
        (b"7", "structure"),
        (b"null", "structure"),
        (b'{"a":1,"a":1}', "structure"),
        (b'{"a":1,"\\u0061":2}', "structure"),
        (b'{"a":{"x":1,"x":2}}', "structure"),
        (b'{"other":[{"x":1,"x":2}]}', "structure"),
        (b'{"a":' + b"[" * 101 + b"]" * 101 + b"}", "structure"),
        (b'{"a":' + b'{"a":' * 100_000 + b"}", "structure"),
        (b'{"a":"\\u0000"}', "not_storable"),
        (b'{"\\u0000":1}', "not_storable"),
        (b'{"a":"\\ud800"}', "encoding"),
        (b'{"a":"\\udc00\\ud800"}', "encoding"),
        (b'{"a":"\xff"}', "encoding"),
        (b'{"a":"\xed\xa0\x80"}', "encoding"),
        (b'{"a":"\xc0\xaf"}', "encoding"),
    ],
)
@pytest.mark.parametrize("part_bytes", [8, 1 << 20])
def test_an_invalid_document_is_one_reject(tmp_path: Path, document: bytes, rule: str, part_bytes: int) -> None:
    content = b'{"a":1,"b":"x: y \\"z\\": {"}\n\n' + document + b'\n{"a":{"k":2},"b":"w"}'
    outcome = _read(tmp_path, content, part_bytes=part_bytes, json_layout="lines")
    assert outcome.rows == [("1", 'x: y "z": {'), ('{"k":2}', "w")]
    assert outcome.lines == [1, 4]
    assert [(r.line, r.raw, r.rule) for r in outcome.rejects] == [(3, document, rule)]


def test_as_deep_as_is_allowed(tmp_path: Path) -> None:
    nested = "[" * 99 + "]" * 99
    assert _read(tmp_path, f'{{"a":{nested},"b":"{"[" * 300}"}}').rows == [(nested, "[" * 300)]


def test_spellings_of_one_column_are_one_column(tmp_path: Path) -> None:
    outcome = _read(tmp_path, '{"userId":1}\n{"user_id":2}\n{"User ID":3,"userId":4}\n', columns=("user_id",))
    assert outcome.rows == [("1",), ("2",)]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(3, "structure", "user_id")]


def test_unknown_keys_are_named_and_carried_only_if_the_contract_adopts_them(tmp_path: Path) -> None:
    content = '{"a":1}\n' + '{"a":1,"late":2}\n' * 3
    ignored = _read(tmp_path, content, part_bytes=8)
    assert [column.name for column in ignored.extraction.columns] == ["a", "b", "late"]
    assert ignored.table.column_names == ["a", "b", "_line"]
    adopted = _read(tmp_path, content, part_bytes=8, new_columns="add")
    assert adopted.rows == [("1", None, None)] + [("1", None, "2")] * 3


def test_values_have_the_types_of_the_read_schema(tmp_path: Path) -> None:
    document = {
        "event_id": 7.5,
        "user": {"id": 12, "geo": {"country": "DE", "more": 1}},
        "items": [{"sku": "s", "price": 1}, None, {}],
        "props": {"k": 1, "l": None, "m": {"x": [1]}},
        "n": 12.5,
        "on": True,
        "at": "2024-05-06T07:08:09.5+02:00",
        "d": "2024-05-06",
        "x": 1e3,
    }
    columns = tuple(document)
    content = json.dumps(document) + "\n{}\n" + '{"user":null,"items":[],"props":{},"at":"2024-05-06T07:08:09"}\n'
    outcome = _read(tmp_path, content, columns=columns, read_schema=EVENTS)
    full, empty, partial = outcome.table.drop_columns(["_line"]).to_pylist()
    utc = datetime.UTC
    assert full == {
        "event_id": "7.5",
        "user": {"id": 12, "geo": {"country": "DE"}},
        "items": [{"sku": "s", "price": "1"}, None, {"sku": None, "price": None}],
        "props": [("k", "1"), ("l", None), ("m", '{"x":[1]}')],
        "n": Decimal("12.50"),
        "on": True,
        "at": datetime.datetime(2024, 5, 6, 5, 8, 9, 500_000, tzinfo=utc),
        "d": datetime.date(2024, 5, 6),
        "x": 1000.0,
    }
    assert empty == dict.fromkeys(columns)
    assert partial["user"] is None
    assert (partial["items"], partial["props"]) == ([], [])
    assert partial["at"] == datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=utc)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", "5"),
        ("user", '{"id":"12"}'),
        ("user", '{"id":1.5}'),
        ("user", '{"id":9223372036854775808}'),
        ("user", '{"geo":[]}'),
        ("items", "{}"),
        ("items", '[{"sku":"s"},5]'),
        ("props", '"x"'),
        ("n", "1.234"),
        ("n", "123456789.00"),
        ("on", "1"),
        ("on", '"true"'),
        ("at", "5"),
        ("at", '"yesterday"'),
        ("d", '"2024-02-30"'),
        ("x", "1e999"),
    ],
)
def test_a_value_of_another_type_rejects_its_row(tmp_path: Path, key: str, value: str) -> None:
    content = f'{{"event_id":"1"}}\n{{"event_id":"2","{key}":{value}}}\n{{"event_id":"3"}}\n'
    outcome = _read(tmp_path, content, columns=("event_id", key), read_schema=EVENTS)
    assert outcome.rows == [("1", None), ("3", None)]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", key)]


@pytest.mark.parametrize(
    ("data_type", "key", "value"),
    [
        ("DATE", "2024-01-02", datetime.date(2024, 1, 2)),
        ("TIMESTAMP", "2024-01-02T03:04:05Z", datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)),
        ("BINARY", "YQ==", b"a"),
        ("DECIMAL(5,2)", "1.50", Decimal("1.50")),
        ("INT", "7", 7),
        ("DOUBLE", "7.5", 7.5),
        ("BOOLEAN", "true", True),
    ],
)
@pytest.mark.parametrize("bad", ["é", "x"])
def test_keys_of_a_map_have_a_type(tmp_path: Path, data_type: str, key: str, value: Any, bad: str) -> None:
    content = f'{{"a":{{"{key}":"v"}}}}\n{{"a":{{"{key}":"v","{bad}":"w"}}}}\n{{}}\n'
    outcome = _read(tmp_path, content, columns=("a",), read_schema=f"a MAP<{data_type},STRING>")
    assert outcome.rows == [([(value, "v")],), (None,)]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", "a")]


@pytest.mark.parametrize("bad", ["é", "YQ", "=", "YQ==\\n"])
def test_text_that_is_no_base64_is_one_reject(tmp_path: Path, bad: str) -> None:
    content = f'{{"a":"YQ=="}}\n{{"a":"{bad}"}}\n{{"a":null}}\n'
    outcome = _read(tmp_path, content, columns=("a",), read_schema="a BINARY")
    assert outcome.rows == [(b"a",), (None,)]
    assert outcome.rules == [(2, "type")]


def test_values_of_the_path_have_the_type_of_the_read_schema(tmp_path: Path) -> None:
    options = {"columns": ("a", "dt"), "read_schema": "a STRING, dt DATE"}
    outcome = _read(tmp_path, '{"a":1}', name="s3://x/dt=2024-05-06/f.json", **options)  # type: ignore[arg-type]
    assert outcome.table.to_pylist() == [{"a": "1", "_line": 1, "dt": datetime.date(2024, 5, 6)}]
    with pytest.raises(SourceError, match="dt=soon"):
        _read(tmp_path, '{"a":1}', name="s3://x/dt=soon/f.json", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("part_bytes", [1, 10, 1 << 20])
@pytest.mark.parametrize("own", [1, 3])
def test_a_level_of_the_path_wins_over_a_key(tmp_path: Path, own: int, part_bytes: int) -> None:
    """Else it would depend on one document, and on where a block ends, what all the others have."""
    content = "".join(f'{{"a":{n},"dt":"own"}}\n' if n == own else f'{{"a":{n}}}\n' for n in (1, 2, 3))
    outcome = _read(tmp_path, content, columns=("a", "dt"), name="s3://x/dt=2024/f.json", part_bytes=part_bytes)
    assert outcome.table.select(["a", "dt"]).to_pylist() == [{"a": str(n), "dt": "2024"} for n in (1, 2, 3)]


@pytest.mark.parametrize("first", ["order_no=1", "Order No=1"])
def test_of_two_levels_for_one_column_the_nearer_one_is_taken(tmp_path: Path, first: str) -> None:
    outcome = _read(tmp_path, '{"a":1}', columns=("a", "order_no"), name=f"s3://x/{first}/order_no=2/f.json")
    assert outcome.table.select(["a", "order_no"]).to_pylist() == [{"a": "1", "order_no": "2"}]


@pytest.mark.parametrize("part_bytes", [4096, 1 << 20])
def test_ever_new_keys_are_neither_kept_nor_named(tmp_path: Path, part_bytes: int) -> None:
    documents = [f'{{"k{n}":1}}\n' for n in range(MOST_UNKNOWN + 500)]
    content = "".join([*documents, '{"A":5,"k0":1}\n'])
    outcome = _read(tmp_path, content, columns=("a",), part_bytes=part_bytes)
    assert outcome.rows[-1] == ("5",)
    names = [column.name for column in outcome.extraction.columns]
    assert len(names) == 1 + MOST_UNKNOWN + 1
    assert names[-2:] == [f"k{MOST_UNKNOWN - 1}", "and_more"]
    refused = _read(tmp_path, content, columns=("a",), new_columns="fail").extraction
    assert [column.name for column in refused.columns] == names
    with pytest.raises(RefusedError, match=f"'k{MOST_UNKNOWN}'"):
        _read(tmp_path, content, columns=("a",), new_columns="add")


@pytest.mark.parametrize(
    "ddl", ["a", "a STRING,", "a STRUCT<b:INT", "a NOTYPE", "a INT b INT", "?", "a MAP<ARRAY<INT>,INT>"]
)
def test_a_read_schema_that_is_no_ddl_is_an_error_of_the_contract(tmp_path: Path, ddl: str) -> None:
    with pytest.raises(ContractError, match="readSchema"):
        _read(tmp_path, "{}", read_schema=ddl)


@pytest.mark.parametrize("part_bytes", [1, 7, 1 << 20])
def test_an_array_is_read_element_by_element(tmp_path: Path, part_bytes: int) -> None:
    content = ' [ {"a":1.50,"b":"x,]\\"y"},\n {"a": {"x":\n [1 ,2]},"b":"z"}, {"a":3,"b":"1\n2"},5,,{"b":9}\n]\n'
    outcome = _read(tmp_path, content, part_bytes=part_bytes)
    assert outcome.rows == [("1.50", 'x,]"y'), ('{"x":[1,2]}', "z"), (None, "9")]
    assert outcome.lines == [1, 2, 6]
    assert [(r.line, r.raw) for r in outcome.rejects] == [(3, b'{"a":3,"b":"1\n2"}'), (4, b"5"), (5, b"")]
    assert outcome.raw(2, 6) == [b'{"a": {"x":\n [1 ,2]},"b":"z"}', b'{"b":9}']


@pytest.mark.parametrize("part_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("encoding", "bad"),
    [("windows-1252", b"\x81"), ("windows-1252", b"\x8d\x8f"), ("UTF-16-LE", b"\x00\xd8"), ("UTF-16-BE", b"\xdc\x41" * 2),
     ("EUC-JP", b"\xff"), ("EUC-JP", b"\x8f"), ("GB18030", b"\x81"), ("UTF-32-LE", b"\x00\x00\x00\x7f")],
)  # fmt: skip
def test_bytes_that_are_no_text_cost_one_element(tmp_path: Path, encoding: str, bad: bytes, part_bytes: int) -> None:
    good = ['[{"a":"x"},\n', '{"a":"', '"} , {"a":"y"}]']
    begin, before, after = (text.encode(encoding) for text in good)
    content = begin + before + bad + after
    outcome = _read(tmp_path, content, columns=("a",), encoding=encoding, part_bytes=part_bytes)
    assert outcome.rows == [("x",), ("y",)]
    raw = before + bad + '"}'.encode(encoding)
    assert [(r.line, r.rule, r.raw) for r in outcome.rejects] == [(2, "encoding", raw)]
    assert outcome.raw(2) == [raw]


@pytest.mark.parametrize("content", ["[]", " [ ] ", "[\n]\n"])
def test_an_empty_array_has_no_records(tmp_path: Path, content: str) -> None:
    assert _read(tmp_path, content).extraction.records == 0


@pytest.mark.parametrize("content", ['[{"a":1}', '[{"a":1},', "[", '[{"a":1}]]', '[{"a":1}] x', '[{"a":"1}]'])
def test_an_array_that_is_not_closed_or_goes_on_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError, match="JSON array"):
        _read(tmp_path, content)


@pytest.mark.parametrize(("encoding", "bad"), [("euc_jp", b"\x8f"), ("gb18030", b"\x810")])
def test_bytes_outside_an_encoding_never_pass_a_line_end(tmp_path: Path, encoding: str, bad: bytes) -> None:
    lines = [b'{"a":1}', b'{"a":"' + bad, b'{"a":3}', b'{"a":4}', b'{"a":5,}']
    outcome = _read(tmp_path, b"\n".join(lines), encoding=encoding)
    assert outcome.lines == [1, 3, 4]
    assert [(r.line, r.raw) for r in outcome.rejects] == [(2, lines[1]), (5, lines[4])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32-be"])
@pytest.mark.parametrize("content", ['[{"a":"é"},7]', '{"a":"é"}\n7'])
def test_other_encodings(tmp_path: Path, encoding: str, content: str) -> None:
    outcome = _read(tmp_path, content.encode(encoding), encoding=encoding.removesuffix("-sig"), part_bytes=3)
    codec = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert outcome.rows == [("é", None)]
    assert outcome.rejects[0].raw == "7".encode(codec)


def test_a_declared_layout_is_not_guessed(tmp_path: Path) -> None:
    assert _read(tmp_path, '[{"a":1}]', json_layout="lines").rules == [(1, "structure")]
    with pytest.raises(SourceError, match="does not begin with"):
        _read(tmp_path, '{"a":1}', json_layout="array")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"a": values, "b": values}), max_size=4),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from([5, 1 << 20]),
)
def test_what_a_json_writer_wrote_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[dict[str, Any]],
    ascii_only: bool,
    indent: int | None,
    as_array: bool,
    part_bytes: int,
) -> None:
    def written(document: Any, pad: int | None = None, separators: tuple[str, str] | None = None) -> str:
        return json.dumps(document, ensure_ascii=ascii_only, indent=pad, separators=separators)

    content = written(documents, indent) if as_array else "\n".join(map(written, documents))
    outcome = _read(tmp_path_factory.mktemp("json"), content, part_bytes=part_bytes)
    assert outcome.rejects == []
    assert outcome.rows == [tuple(_text(document[key], written) for key in AB) for document in documents]


def _text(value: Any, written: Callable[..., str]) -> str | None:
    return value if value is None or isinstance(value, str) else written(value, None, (",", ":"))
