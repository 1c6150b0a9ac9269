"""A contract's Spark SQL expression, adapted so that both engines answer alike and no row can stop a load.

Only names are exchanged, at their token's place; the rest of the text stays as the author wrote it. In an engine a bad
value must yield NULL, not an error: `cast` becomes `try_cast`, and so on. `Expression.fallible` tells that NULL from a
missing value: inputs present, result absent, means the value was refused (reject rule `type`).
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.dialects import Spark
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from pipeline.contract.metadata import METADATA
from pipeline.errors import ContractError

# These answer NULL only for a value that is not there.
_TOTAL = frozenset(
    {"array", "btrim", "concat", "concat_ws", "initcap", "lcase", "left", "length", "lower", "lpad", "ltrim", "md5"}
    | {"named_struct", "regexp_replace", "replace", "reverse", "right", "rpad", "rtrim", "sha1", "sha2", "split"}
    | {"struct", "substr", "substring", "substring_index", "to_json", "translate", "trim", "ucase", "upper"}
)
# NULL is an answer of theirs, or the author has said himself what becomes of it. So has he with any `try_`.
_NOTHING_IS_AN_ANSWER = frozenset(
    {"aggregate", "any_match", "array_contains", "array_max", "array_min", "array_position", "arrays_overlap"}
    | {"coalesce", "decode", "element_at", "elt", "exists", "filter", "forall", "from_csv", "from_json", "get"}
    | {"get_json_object", "if", "iff", "ifnull", "json_array_length", "json_object_keys", "json_tuple", "nullif"}
    | {"nullifzero", "nvl", "nvl2", "parse_url", "reduce", "regexp_extract", "regexp_substr", "schema_of_json"}
    | {"str_to_map", "transform", "variant_get", "xpath", "xpath_string"}
)
_NULL_IS_MEANT = {TokenType.ARROW, TokenType.CASE, TokenType.L_BRACKET, TokenType.NULL}
_OPERATORS = {TokenType.DASH, TokenType.DIV, TokenType.MOD, TokenType.PLUS, TokenType.SLASH, TokenType.STAR}
_RENAMED = {
    "cast": "try_cast",
    "try_to_date": "to_date",
    "to_number": "try_to_number",
    "to_timestamp": "try_to_timestamp",
    "element_at": "try_element_at",
}
# `int(a)` is `cast(a as int)` (https://spark.apache.org/docs/latest/api/sql/#int).
_CASTS = frozenset(
    {"bigint", "binary", "boolean", "date", "decimal", "double", "float", "int", "smallint", "string", "timestamp"}
    | {"tinyint"}
)


@dataclass(frozen=True)
class Expression:
    """`sql` as the engine gets it; `inputs`: the source values it reads, as quoted SQL; `fallible`: see the module."""

    sql: str
    inputs: tuple[str, ...]
    fallible: bool


@dataclass(frozen=True)
class Call:
    """A function call: its name's token, its arguments' texts, and where it ends (an index into the tokens)."""

    name: Token
    arguments: tuple[str, ...]
    end: int


def compile_expression(sql: str, where: str) -> Expression:
    """Adapt `sql`; `where` names the contract's place in messages. Raises `ContractError` if it does not parse."""
    tokens, tree = _parse(sql, where)
    return Expression(sql=adapt(sql, where), inputs=_inputs(tree), fallible=_fallible(tokens))


def _fallible(tokens: list[Token]) -> bool:
    kinds = {token.token_type for token in tokens}
    called = {token.text.lower() for index, token in enumerate(tokens) if _called(tokens, index)}
    if kinds & _NULL_IS_MEANT or called & _NOTHING_IS_AN_ANSWER or any(name.startswith("try_") for name in called):
        return False
    return bool(called - _TOTAL or kinds & _OPERATORS)


def adapt(sql: str, where: str) -> str:
    """`sql` with conversions in their NULL-yielding form and `_metadata` fields as columns."""
    tokens, _ = _parse(sql, where)
    edits: list[tuple[int, int, str]] = []
    for index, token in enumerate(tokens):
        if token.token_type == TokenType.DCOLON:
            raise ContractError(f"{where}: write cast(value as type) instead of value::type")
        edits.extend(_edits(sql, tokens, index, where))
    return _edited(sql, edits)


def _edits(sql: str, tokens: list[Token], index: int, where: str) -> list[tuple[int, int, str]]:
    token, name = tokens[index], tokens[index].text.lower()
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return []
    if name == "_metadata" and index + 2 < len(tokens):
        field = tokens[index + 2]
        if field.text.lower() not in METADATA:
            raise ContractError(f"{where}: _metadata.{field.text} is not available; there are {', '.join(METADATA)}")
        return [(token.start, field.end + 1, METADATA[field.text.lower()])]
    if not _called(tokens, index):
        return []
    if name == "make_date":
        return _make_date(sql, tokens, index, where)
    if name in _CASTS:
        return _cast(sql, tokens, index, where)
    return [(token.start, token.end + 1, _RENAMED[name])] if name in _RENAMED else []


def _make_date(sql: str, tokens: list[Token], index: int, where: str) -> list[tuple[int, int, str]]:
    """Sail's make_date stops at month 13; text through to_date yields NULL on both engines."""
    call = call_at(sql, tokens, index)
    if len(call.arguments) != 3:
        raise ContractError(f"{where}: make_date takes a year, a month and a day")
    parts = [f"cast({adapt(argument, where)} as string)" for argument in call.arguments]
    iso = ", '-', ".join(parts)
    return [(call.name.start, tokens[call.end].end + 1, f"to_date(concat({iso}), 'yyyy-M-d')")]


def _cast(sql: str, tokens: list[Token], index: int, where: str) -> list[tuple[int, int, str]]:
    """`int(a)` stops Sail at a value that is no number; `decimal(10)` may be a type."""
    call = call_at(sql, tokens, index)
    if len(call.arguments) != 1 or tokens[index + 2].token_type == TokenType.NUMBER:
        return []
    value = f"try_cast({adapt(call.arguments[0], where)} as {call.name.text})"
    return [(call.name.start, tokens[call.end].end + 1, value)]


def outermost_cast(sql: str) -> tuple[str, str] | None:
    """`(inner, type)` when `sql` is one `cast(inner as type)`, `int(inner)` or the like, `to_date(inner)` or
    `to_timestamp(inner)`, else None."""
    tokens = Spark().tokenize(sql)
    if not tokens or not _called(tokens, 0):
        return None
    call, name = call_at(sql, tokens, 0), tokens[0].text.lower()
    if call.end != len(tokens) - 1 or len(call.arguments) != 1:
        return None
    if name in ("to_date", "to_timestamp") or name in _CASTS:
        return call.arguments[0], name.removeprefix("to_")
    if name == "cast":
        alias = [t for t in tokens[: call.end] if t.token_type == TokenType.ALIAS and _depth(tokens, t) == 1]
        if alias:
            return sql[tokens[1].end + 1 : alias[-1].start].strip(), sql[alias[-1].end + 1 : tokens[-1].start].strip()
    return None


def call_at(sql: str, tokens: list[Token], index: int) -> Call:
    """The call whose name stands at `index`, its arguments cut at the commas of its own level."""
    depth, start, arguments = 0, tokens[index + 1].end + 1, []
    for position in range(index + 1, len(tokens)):
        token = tokens[position]
        if token.token_type == TokenType.L_PAREN:
            depth += 1
        elif token.token_type == TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                arguments.append(sql[start : token.start].strip())
                return Call(tokens[index], tuple(arguments), position)
        elif token.token_type == TokenType.COMMA and depth == 1:
            arguments.append(sql[start : token.start].strip())
            start = token.end + 1
    raise ContractError(f"unbalanced parentheses in {sql!r}")


def _called(tokens: list[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].token_type == TokenType.L_PAREN


def _depth(tokens: list[Token], wanted: Token) -> int:
    depth = 0
    for token in tokens:
        if token is wanted:
            return depth
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
    return depth


def _edited(sql: str, edits: list[tuple[int, int, str]]) -> str:
    parts, position = [], 0
    for start, end, text in edits:
        if start < position:  # inside a call that was rewritten as a whole
            continue
        parts += [sql[position:start], text]
        position = end
    return "".join([*parts, sql[position:]])


def _parse(sql: str, where: str) -> tuple[list[Token], exp.Expr]:
    try:
        return Spark().tokenize(sql), sqlglot.parse_one(sql, dialect="spark")
    except SqlglotError as error:
        raise ContractError(f"{where}: not a Spark SQL expression: {str(error).splitlines()[0]}") from None


def _inputs(tree: exp.Expr) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for column in tree.find_all(exp.Column):
        parts = [part.name for part in column.parts]
        if parts[0] != "_metadata":
            names[".".join(f"`{part}`" for part in parts)] = None
    return tuple(names)
