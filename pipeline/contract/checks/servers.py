"""Servers: one source, one target; the location; and read options that fit the format."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from pipeline.contract import parts
from pipeline.contract.checks.facts import Facts
from pipeline.contract.model import Contract
from pipeline.contract.model.contract import S3Server, SourceServer
from pipeline.contract.model.custom import ReadOptions
from pipeline.contract.names import LONGEST_NAME
from pipeline.contract.parts import At
from pipeline.contract.problem import Finding, SqlMistake, did_you_mean
from pipeline.contract.source_columns import source_columns

_RESERVED_SCHEMAS = ("information_schema", "landfall", "landfall_staging")
# Their bytes mean something else after a shift, so that a line cannot be read by itself.
_STATEFUL = ("iso2022", "hz", "utf-7", "idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-8-sig")
_WIDE = ("utf-16", "utf-32")
_ASCII = bytes(range(128))
_COMMON_ENCODINGS = (
    "UTF-8",
    "ISO-8859-1",
    "ISO-8859-15",
    "windows-1252",
    "UTF-16",
    "US-ASCII",
    "cp850",
    "Shift_JIS",
    "GBK",
)
_POSITION = re.compile(r"col_[0-9]+\Z")
_JSON_DELIMITERS = ("new_line", "array")
# Which formats each read option has an effect on.
_FITS = {
    "header": ("csv", "xlsx"),
    "skip_lines": ("csv", "xlsx"),
    "quote": ("csv",),
    "escape": ("csv",),
    "comment": ("csv",),
    "sheet": ("xlsx",),
}


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of the servers."""
    contract = facts.contract
    yield from _one_of_each(facts)
    for target in parts.targets(contract):
        name = target.value.schema_
        if name in _RESERVED_SCHEMAS or name.startswith("pg_") or len(name.encode()) > LONGEST_NAME:
            at = (*target.location, "schema")
            yield Finding(
                at, f"the schema {name} is not for tables of yours", "choose another name of at most 63 bytes"
            )
    for source in parts.sources(contract):
        yield from _location(source)
        yield from _delimiter(source)
        yield from _encoding(source)
    yield from _read_options(facts)
    yield from _read_schema(contract)


def _one_of_each(facts: Facts) -> Iterator[Finding]:
    sources, targets = parts.sources(facts.contract), parts.targets(facts.contract)
    unknown = len(facts.contract.servers) < facts.servers
    if not sources and not unknown:
        yield Finding(("servers",), "no server says where the files are", "add a server of type s3 or local")
    if not targets and not unknown:
        yield Finding(
            ("servers",), "no server says where the table is", "add a server of type postgres with its schema"
        )
    for extra in sources[1:]:
        yield Finding(extra.location, "a second source server", "one contract describes one kind of file: split it")
    for another in targets[1:]:
        yield Finding(
            another.location, "a second target server", "choose the database with --database-url, and keep one"
        )


def _location(source: At[SourceServer]) -> Iterator[Finding]:
    server = source.value
    text = parts.location(server)
    at = (*source.location, "location" if isinstance(server, S3Server) else "path")
    if isinstance(server, S3Server):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if not text.startswith("s3://") or not bucket or not key:
            yield Finding(at, "a location is s3://bucket/key", "for example s3://landing/orders/*.csv")
            return
    if text.endswith("/"):
        yield Finding(at, "the location names a directory, not files", "end it with a pattern such as *.csv")
    names = parts.partitions(server)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(at, f"the partition {name} is there twice")
    if "{" in text:
        yield Finding(at, "{...} is not a wildcard of Landfall", "write * for one level, ** for any number of levels")


def _delimiter(source: At[SourceServer]) -> Iterator[Finding]:
    server, at = source.value, (*source.location, "delimiter")
    text = server.delimiter
    if text is None:
        return
    if server.format == "json":
        if text not in _JSON_DELIMITERS:
            yield Finding(at, "the delimiter of json is new_line or array", did_you_mean(text, _JSON_DELIMITERS))
    elif server.format != "csv":
        yield Finding(at, f"{server.format} has no delimiter", "remove it")
    elif len(text) != 1:
        tab = text.lower() in ("tab", "\\t", "tabs")
        yield Finding(at, "a delimiter is one character", 'write "\\t" in double quotes for a tab' if tab else None)
    elif not text.isascii() or text in '"\r\n\0':
        yield Finding(at, "this character cannot be a delimiter", "choose another ASCII character")


def _encoding(source: At[SourceServer]) -> Iterator[Finding]:
    server, at = source.value, (*source.location, "encoding")
    if server.encoding is None:
        return
    if server.format not in ("csv", "json"):
        yield Finding(at, f"{server.format} has no encoding of its own", "remove it")
    elif not _is_encoding(server.encoding):
        yield Finding(at, f"unknown encoding {server.encoding}", did_you_mean(server.encoding, _COMMON_ENCODINGS))


def _is_encoding(name: str) -> bool:
    """Whether files can be written in it: a superset of ASCII, UTF-16 or UTF-32, each line readable by itself."""
    try:
        found = codecs.lookup(name)
        plain = not found.name.replace("_", "-").startswith(_STATEFUL)
        return plain and (found.name.startswith(_WIDE) or _ASCII.decode(found.name) == _ASCII.decode("ascii"))
    except (LookupError, ValueError, TypeError):
        return False


def _read_options(facts: Facts) -> Iterator[Finding]:
    contract = facts.contract
    source, options = parts.source(contract), parts.read_options(contract)
    if source is None:
        return
    for name in sorted(options.value.model_fields_set):
        if source.value.format not in _FITS[name]:
            key = ReadOptions.model_fields[name].alias or name
            yield Finding((*options.location, key), f"{source.value.format} has no {key}", "remove it", at_key=True)
    yield from _characters(options, source.value)
    yield from _positions(facts, options)
    sheet = options.value.sheet
    if isinstance(sheet, int) and sheet < 1:
        yield Finding((*options.location, "sheet"), "sheets are counted from 1")
    missing = parts.missing_values(contract)
    for index, word in enumerate(missing.value if missing else []):
        if missing and word in missing.value[:index]:
            yield Finding((*missing.location, index), f'"{word}" is there twice', "remove one of them")


def _positions(facts: Facts, options: At[ReadOptions]) -> Iterator[Finding]:
    """Without a header the columns go by position or by the contract's own names, not by both."""
    if options.value.header:
        return
    try:
        wanted = source_columns(facts.contract)
    except SqlMistake:
        return
    inside = [name for source in parts.sources(facts.contract)[:1] for name in parts.partitions(source.value)]
    named = [name for name in wanted if name not in inside and not _POSITION.match(name)]
    numbered = [name for name in wanted if _POSITION.match(name)]
    if named and numbered:
        why = f"without header {numbered[0]} means a position, but {named[0]} goes by name"
        yield Finding((*options.location, "header"), why, "write col_1, col_2... for all of them, or for none")


def _characters(options: At[ReadOptions], server: SourceServer) -> Iterator[Finding]:
    """Each of csv's special characters is one character, and no two of them are the same."""
    taken = {server.delimiter or ",": "delimiter"}
    for key in ("quote", "escape", "comment"):
        text = getattr(options.value, key)
        at = (*options.location, key)
        if text is None or server.format != "csv":
            continue
        if len(text) != 1 or not text.isascii() or text in "\r\n\0":
            yield Finding(at, f"{key} is one ASCII character", "write null for none")
        elif text in taken and not (key == "escape" and taken[text] == "quote"):
            yield Finding(at, f"{key} and {taken[text]} are the same character", "choose another one")
        elif text in taken:
            yield Finding(at, "a quote before a quote is the default", "leave escape out")
        else:
            taken[text] = key
    if options.value.escape is not None and options.value.quote is None:
        yield Finding((*options.location, "escape"), "without quote there is nothing to escape", "remove it")


def _read_schema(contract: Contract) -> Iterator[Finding]:
    source, schema = parts.source(contract), parts.read_schema(contract)
    if source is None or schema is None:
        return
    if source.value.format != "json":
        why = f"readSchema is for json: {source.value.format} has its own columns"
        yield Finding(schema.location, why, "remove it")
        return
    from pipeline.contract.spark_sql import ddl_names

    try:
        ddl_names(schema.value)
    except SqlMistake as mistake:
        yield Finding(schema.location, f"readSchema: {mistake}", mistake.suggestion, offset=mistake.offset)
