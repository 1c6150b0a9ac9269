"""Which encoding a text has: proven by a byte order mark or by UTF-8's rules, else the likeliest of the usual ones."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.extract.compression import ByteStream

_BLOCK = 1 << 20
_KEPT = 1 << 19
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# The single-byte encodings that files still have, likeliest first: a later one must be clearly more plausible.
_SINGLE_BYTE = ("windows-1252", "cp850", "mac-roman", "windows-1250", "windows-1251", "koi8-r", "windows-1253", "cp437")
_MULTI_BYTE = ("shift_jis", "gb18030", "big5", "euc-kr")
_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class FoundEncoding:
    """`name` as a contract writes it; `said`: the evidence, for a comment."""

    name: str
    said: str


def find_encoding(stream: ByteStream, limit: int) -> FoundEncoding:
    """The encoding of the first `limit` bytes of a stream."""
    head = stream.read(_BLOCK)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return FoundEncoding(name, "says the byte order mark")
    if wide := _wide(head[:4096]):
        return FoundEncoding(wide, "every other byte is zero, and there is no byte order mark: check it")
    beyond, valid, broken = _beyond_ascii(_whole_lines(head, stream, limit))
    if not beyond:
        return FoundEncoding("UTF-8", "nothing beyond ASCII")
    if not broken:
        return FoundEncoding("UTF-8", "valid UTF-8")
    if valid > 10 * broken:
        return FoundEncoding("UTF-8", "valid UTF-8, but for a few lines that will be rejects")
    return _likeliest(beyond)


def _whole_lines(head: bytes, stream: ByteStream, limit: int) -> Iterator[bytes]:
    """The text in blocks that end with a line, so that no character is cut in two."""
    size, rest = 0, b""
    while head and size < limit:
        size += len(head)
        end = head.rfind(b"\n") + 1
        yield rest + head[:end]
        rest = head[end:]
        head = stream.read(_BLOCK)
    if not head:
        yield rest


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: text of mostly Latin letters has a zero in every other byte."""
    half = len(head) // 2
    if half < 2:
        return None
    first, second = head[0::2].count(0), head[1::2].count(0)
    if second > 0.4 * half and first < 0.1 * half:
        return "UTF-16LE"
    return "UTF-16BE" if first > 0.4 * half and second < 0.1 * half else None


def _beyond_ascii(blocks: Iterator[bytes]) -> tuple[bytes, int, int]:
    """The first lines with bytes beyond ASCII; how many runs of such bytes are valid UTF-8, and how many are not."""
    kept: list[bytes] = []
    size = valid = broken = 0
    for block in blocks:
        if block.isascii() or size > _KEPT:
            continue
        for line in block.splitlines():
            if not line.isascii():
                kept.append(line)
                size += len(line)
                good, bad = _runs(line)
                valid, broken = valid + good, broken + bad
    return b"\n".join(kept), valid, broken


def _runs(line: bytes) -> tuple[int, int]:
    good = bad = 0
    for run in _RUN.findall(line):
        try:
            run.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
    return good, bad


def _likeliest(beyond: bytes) -> FoundEncoding:
    scores = {name: _plausibility(beyond, name) for name in (*_SINGLE_BYTE, *_MULTI_BYTE)}
    best = max(scores, key=lambda name: scores[name])
    if scores[_SINGLE_BYTE[0]] >= scores[best] - 0.05:
        best = _SINGLE_BYTE[0]
    shown = _shown(beyond.decode(best, "replace"))
    return FoundEncoding(best, f"a guess, not valid UTF-8: reads {shown}; check such words")


def _shown(text: str) -> str:
    words = dict.fromkeys(word for word in re.findall(r"\w+", text) if not word.isascii())
    return ", ".join(repr(word) for word in list(words)[:3]) or "only signs beyond ASCII"


def _plausibility(raw: bytes, name: str) -> float:
    """From -1 to 1: how much the text looks like words when read in this encoding."""
    try:
        text = raw.decode(name)
    except UnicodeDecodeError:
        return -1.0
    points = [_point(text, place) for place, letter in enumerate(text) if not letter.isascii()]
    many = name in _MULTI_BYTE
    # An encoding of many bytes a character makes letters out of nearly anything: it must convince by wide ones.
    return sum(points) / max(len(points), 1) - (0.3 if many and _narrow(text) else 0)


def _narrow(text: str) -> bool:
    beyond = [letter for letter in text if not letter.isascii()]
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in beyond)
    return wide < 0.9 * len(beyond) or sum(map(str.isalpha, text)) > 3 * len(beyond)


def _point(text: str, place: int) -> float:
    """1 for a letter that fits its neighbours, less for a sign, -1 for what no text contains."""
    letter = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if letter.isalpha():
        return _as_letter(letter, [near for near in (before, after) if near.isalpha()]) - _odd(before, letter)
    name = unicodedata.name(letter, "")
    if not name or "BOX" in name or "BLOCK" in name:
        return -1.0
    return -0.7 if before.isalpha() and after.isalpha() else 0.3


def _as_letter(letter: str, near: list[str]) -> float:
    """Accented letters stand among plain ones; those of another script stand together."""
    if not near:
        return 0.6
    plain = sum(map(str.isascii, near)) / len(near)
    return plain if unicodedata.name(letter, "").startswith("LATIN") else 1.0 - 1.5 * plain


def _odd(before: str, letter: str) -> float:
    return 1.2 if letter.isupper() and before.islower() else 0.0
