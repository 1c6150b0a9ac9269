"""Damaged JSON documents: those that a second, slow reader accepts are the ones that are loaded."""

from __future__ import annotations

import json
import random
from typing import Any

from pipeline.extract.json_documents import read_documents

_SEEDS = [
    b'{"a":1.5e3,"b":"x: y \\"q\\": \\u00e9\\ud83d\\ude00","c":{"d":[1,2,{"e":null}],"f":true}}',
    b'{"a" : "caf\xc3\xa9" , "a b":[ ],"n":-0.0}',
    b'{"k":"\\\\","l":"\\\\\\"","m":{"x":1,"y":{"x":2}}}',
]
_PIECES = [b'"', b":", b",", b"{", b"}", b"[", b"]", b"\\", b"u0000", b"ud800", b"\xff", b"\0", b" ", b"\t", b"0", b"-"]
_PIECES += [b".", b"e", b"null", b"NaN", b'"a":1,', b'"\\u0061":2,', b"\x7f", b"\xed\xa0\x80", b"/", b"'"]


def test_documents_are_accepted_exactly_if_they_are_valid() -> None:
    chance = random.Random(5)  # the same documents in every run
    read = accepted = 0
    for _ in range(1_500):
        documents = [_damaged(chance) for _ in range(chance.randint(1, 4))]
        found = read_documents(documents, b"\n".join(documents))
        good = range(len(documents)) if found.good is None else found.good
        expected = [place for place, document in enumerate(documents) if _is_valid(document)]
        assert list(good) == expected, documents
        assert [place for place, _ in found.faults] == [i for i in range(len(documents)) if i not in expected]
        read, accepted = read + len(documents), accepted + len(expected)
    assert read * 0.2 < accepted < read * 0.8


def _damaged(chance: random.Random) -> bytes:
    document = bytearray(chance.choice(_SEEDS))
    for _ in range(chance.choice([0, 0, 1, 1, 2, 4])):
        place = chance.randrange(len(document) + 1)
        removed = chance.choice([0, 0, 1, 3])
        document[place : place + removed] = chance.choice([b"", *_PIECES])
    return bytes(document)


def _is_valid(document: bytes) -> bool:
    try:
        value = json.loads(document.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant, parse_int=str)
    except ValueError:
        return False
    return isinstance(value, dict) and _is_storable(value)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _no_constant(_: str) -> None:
    raise ValueError


def _is_storable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_storable(key) and _is_storable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_storable, value))
    return not isinstance(value, str) or ("\0" not in value and _is_text(value))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
