"""JSON documents, strictly: each an object of distinct keys, its values kept as the bytes the sender wrote.

Whole blocks are decoded and proven at once; only when a block is in doubt are its documents looked at one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from pipeline.extract.blocks import is_utf8
from pipeline.extract.json_structure import keys, most_keys

DEEPEST = 100
"""How deep objects and lists may lie in each other, the document itself included."""

Row = dict[str, msgspec.Raw]
_decode = msgspec.json.Decoder(Row).decode
_decode_values = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_BRACE, _BRACKET = b"{["
_FAILED = (msgspec.MsgspecError, ValueError, RecursionError)

_DOUBTFUL = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(rb"\\(?:u(?:(0000)|[dD][89abAB]..\\u[dD][c-fC-F]..|([dD][89a-fA-F]))|.)", re.DOTALL)
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|([{\[])|([}\]])', re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """Why a document as a whole is a reject: `rule` and message."""

    rule: str
    message: str
    column: None = None


class _DuplicateKeyError(ValueError):
    pass


@dataclass(frozen=True)
class Documents:
    """`rows`: the good documents. `good`: their places among those asked for, None for all. `faults`: by place."""

    rows: list[Row]
    good: list[int] | None
    faults: list[tuple[int, Fault]]


def read_documents(documents: Sequence[bytes], text: bytes) -> Documents:
    """Decode documents; `text` is a block that holds all of them and nothing else but white space and commas."""
    rows = _all_at_once(documents, text)
    if rows is not None:
        return Documents(rows, None, [])
    read = [_one(document) for document in documents]
    good = [i for i, found in enumerate(read) if isinstance(found, dict)]
    faults = [(i, found) for i, found in enumerate(read) if isinstance(found, Fault)]
    return Documents([found for found in read if isinstance(found, dict)], good, faults)


def _all_at_once(documents: Sequence[bytes], text: bytes) -> list[Row] | None:
    """The rows, if everything about them is proven; None if the documents must be looked at one by one."""
    if not is_utf8(text) or (b"\\u" in text and _DOUBTFUL.search(text)) or not _is_shallow(documents, text):
        return None
    try:
        rows = [_decode(document) for document in documents]
        if sum(map(len, rows)) in (most_keys(text), keys(text)):
            return rows
        again = _encode([_decode_values(document) for document in documents])
    except _FAILED:
        return None
    # what is encoded again has fewer keys if equal keys of one object fell together
    return rows if keys(text) == keys(again) else None


def _is_shallow(documents: Sequence[bytes], text: bytes) -> bool:
    data = np.frombuffer(text, np.uint8)
    if np.count_nonzero(data == _BRACE) + np.count_nonzero(data == _BRACKET) < len(documents) + DEEPEST:
        return True
    return all(document.count(b"{") + document.count(b"[") <= DEEPEST for document in documents)


def _one(document: bytes) -> Row | Fault:
    """One document, or what is wrong with it."""
    if not is_utf8(document):
        return Fault("encoding", "bytes that the encoding does not allow")
    if fault := _escape_fault(document):
        return fault
    if _depth(document) > DEEPEST:
        return Fault("structure", f"nested deeper than {DEEPEST} levels")
    try:
        row = _decode(document)
    except _FAILED as error:
        return Fault("structure", _syntax(document, str(error)))
    if len(row) != keys(document) and (twice := _duplicate(document)):
        return Fault("structure", f"the key {twice} is there twice in one object")
    return row


def _escape_fault(document: bytes) -> Fault | None:
    for match in _ESCAPE.finditer(document):
        if match.group(1):
            return Fault("not_storable", "a NUL character (\\u0000), which PostgreSQL cannot store in text")
        if match.group(2):
            return Fault("encoding", "half of a surrogate pair, which is no character")
    return None


def _depth(document: bytes) -> int:
    if document.count(b"{") + document.count(b"[") <= DEEPEST:
        return 1
    depth = deepest = 0
    for match in _BRACKETS.finditer(document):
        depth += bool(match.group(1)) - bool(match.group(2))
        deepest = max(deepest, depth)
    return deepest


def _duplicate(document: bytes) -> str | None:
    """The first key that stands twice in one object, quoted and shortened; None if all are distinct."""
    try:
        _STRICT.decode(document.decode())
    except _DuplicateKeyError as duplicate:
        return str(duplicate)
    return None


def _distinct(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(repr(next(key for key in keys if keys.count(key) > 1)[:80]))


# numbers are not converted: a long one would cost quadratic time, and nobody looks at them here
_STRICT = json.JSONDecoder(object_pairs_hook=_distinct, parse_int=len, parse_float=len)


def _syntax(document: bytes, said: str) -> str:
    if said.startswith("Expected `object`"):
        return "a JSON document that is not an object"
    if said.startswith("Input data was truncated"):
        return f"not valid JSON: the document breaks off after {len(document.rstrip()):,} bytes"
    return f"not valid JSON: {said.removeprefix('JSON is malformed: ')}"
