"""What a contract's Spark SQL texts refer to: expressions, `explode`, `readSchema`.

Imported where there is such a text: sqlglot takes a tenth of the time in which a small file is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError, TokenError

from pipeline.contract.problem import SqlMistake, nearest

_PREFIX = "SELECT "
# How many columns each makes: of a list, or of a map.
_NAMES = {"explode_outer": (1, 2), "posexplode_outer": (2, 3), "inline_outer": (1, 1_000)}
_OUTER = tuple(_NAMES)
# The types of a DDL schema, as sqlglot calls them (TEXT is Spark's STRING).
_TYPES = {
    *("TEXT", "VARCHAR", "CHAR", "BIGINT", "INT", "SMALLINT", "TINYINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN"),
    *("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMPNTZ", "BINARY", "VARBINARY"),
    *("ARRAY", "MAP", "STRUCT"),
}
# A retried load would give other values, or the function runs outside the row.
_FORBIDDEN = {
    **dict.fromkeys(("rand", "randn", "random", "uuid", "shuffle"), "is random"),
    **dict.fromkeys(("monotonically_increasing_id", "spark_partition_id"), "depends on how the work was divided"),
    **dict.fromkeys(("reflect", "java_method", "try_reflect"), "runs Java code"),
    "input_file_name": "is not known to every engine: write _metadata.file_path",
}


@dataclass(frozen=True)
class Exploded:
    """`explode`: what it reads, and the names of the columns that it produces."""

    references: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]


def references(text: str) -> tuple[tuple[str, ...], ...]:
    """The columns that an expression reads, each as its parts (`user.geo.country` has three), in order, once.

    Raises SqlMistake if it does not parse or is not an expression over one row.
    """
    tree = _projection(text)
    if isinstance(tree, exp.Alias | exp.Aliases):
        raise SqlMistake("AS gives a name that is not needed here, or an operator is missing")
    if found := tree.find(exp.UDTF):
        raise SqlMistake(f"{_name(found)} makes rows", "write it as load.explode")
    _check_row(tree)
    return _columns(tree)


def explode(text: str) -> Exploded:
    """Read `posexplode_outer(items) AS (pos, item)`. Raises SqlMistake unless outer, its columns named."""
    tree = _projection(text)
    names = tuple(name.name for name in tree.expressions) if isinstance(tree, exp.Aliases) else (tree.alias,)
    call = tree.this if isinstance(tree, exp.Alias | exp.Aliases) else tree
    function = _name(call)
    if function not in _OUTER:
        outer = nearest(function + "_outer", _OUTER)
        message = f"{function or 'this'} is not an outer generator: a row with an empty list would vanish uncounted"
        raise SqlMistake(message, f"write {outer or _OUTER[0]}(...) AS ...")
    if not all(names):
        raise SqlMistake(
            f"the columns that {function} makes need names", f"write {function}(...) AS {_example(function)}"
        )
    fewest, most = _NAMES[function]
    if not fewest <= len(names) <= most:
        raise SqlMistake(f"{function} makes other columns than {', '.join(names)}", f"write AS {_example(function)}")
    for argument in call.find_all(exp.Select, exp.Subquery, exp.AggFunc, exp.Window):
        raise SqlMistake(f"{_name(argument) or 'a subquery'} does not work on one row")
    return Exploded(_columns(call), names)


def ddl_names(text: str) -> tuple[str, ...]:
    """The top-level field names of a Spark DDL schema (`id BIGINT, user STRUCT<name:STRING>`). Raises SqlMistake."""
    prefix = "CREATE TABLE t ("
    tree = _parsed(f"{prefix}{text}\n)", len(prefix))
    if text.rstrip().endswith(","):
        raise SqlMistake("a comma at the end", "remove it", len(text.rstrip()) - 1)
    fields = tree.this.expressions if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema) else []
    for field in fields:
        if not isinstance(field, exp.ColumnDef) or field.args.get("kind") is None:
            raise SqlMistake(f"{field.sql('spark')} has no type", "write name TYPE, name TYPE")
        kind = field.args["kind"]
        if not isinstance(kind, exp.DataType) or _unknown_type(kind):
            raise SqlMistake(
                f"{field.name} has an unknown type", "write a Spark type such as STRING, BIGINT, STRUCT<a:STRING>"
            )
    if not fields:
        raise SqlMistake("not a Spark DDL schema", "write name TYPE, name TYPE")
    return tuple(field.name for field in fields)


def _unknown_type(kind: exp.DataType) -> bool:
    return any(
        not isinstance(part.this, exp.DataType.Type) or part.this.value not in _TYPES
        for part in kind.find_all(exp.DataType)
    )


def _projection(text: str) -> exp.Expr:
    """The text as the only column of a SELECT: what starts like a statement (`desc`) is then an expression, too."""
    tree = _parsed(_PREFIX + text, len(_PREFIX))
    if not isinstance(tree, exp.Select) or any(key != "expressions" and part for key, part in tree.args.items()):
        raise SqlMistake("this is a query; wanted is an expression over one row")
    if len(tree.expressions) != 1:
        raise SqlMistake("these are several expressions; wanted is one")
    found: exp.Expr = tree.expressions[0]
    if found.find(exp.Star) and not found.find(exp.AggFunc):
        raise SqlMistake("* is not one value", "name a column")
    return found


def _parsed(text: str, prefix: int) -> exp.Expr:
    try:
        _check_tokens(text, prefix)
        trees = sqlglot.parse(text, dialect="spark")
    except TokenError:
        raise SqlMistake("a quote without its end") from None
    except SqlglotError as error:
        details = getattr(error, "errors", None)
        raise _described(details[0] if details else {}, prefix) from None
    except RecursionError:
        raise SqlMistake("nested too deeply") from None
    if len(trees) != 1 or trees[0] is None:
        raise SqlMistake("these are several statements; wanted is one expression")
    return trees[0]


def _check_tokens(text: str, prefix: int) -> None:
    """What sqlglot's parser lets pass, and an engine does not."""
    depth = 0
    for token in sqlglot.tokenize(text, dialect="spark"):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if token.token_type == TokenType.DCOLON:
            raise SqlMistake(":: is not Spark SQL in Landfall", "write cast(value as type)", token.start - prefix)
        if depth < 0:
            raise SqlMistake("a closing parenthesis too many", offset=token.start - prefix)
    if depth:
        raise SqlMistake("a closing parenthesis is missing")


def _described(detail: dict[str, object], prefix: int) -> SqlMistake:
    token = str(detail.get("highlight") or "")
    said = str(detail.get("description") or "it breaks off")
    if said.startswith(("Required keyword", "Expected table name", "No expression")):
        said = "something is missing"
    elif said.startswith("Invalid expression"):
        said = "this is not expected here"
    offset = int(str(detail.get("col") or 0)) - len(token) - prefix if detail.get("line") == 1 else 0
    near = f" near {token}" if token else ""
    return SqlMistake(f"not valid Spark SQL{near}: {said[:1].lower()}{said[1:]}", offset=max(offset, 0))


def _check_row(tree: exp.Expr) -> None:
    if tree.find(exp.Select, exp.Subquery):
        raise SqlMistake("a subquery does not work on one row", "join in the database, after the load")
    if found := tree.find(exp.AggFunc, exp.Window):
        raise SqlMistake(f"{_name(found)} looks at more than one row", "use a function of one row")
    for test in tree.find_all(exp.Is):
        if not isinstance(test.expression, exp.Null | exp.Boolean):
            raise SqlMistake("IS goes with NULL, TRUE or FALSE", "compare values with =")
    for function in tree.find_all(exp.Func):
        if reason := _FORBIDDEN.get(_name(function)):
            raise SqlMistake(f"{_name(function)}() {reason}")


def _columns(tree: exp.Expr) -> tuple[tuple[str, ...], ...]:
    found = [tuple(part.name for part in column.parts) for column in tree.find_all(exp.Column, bfs=False)]
    return tuple(dict.fromkeys(found))


def _name(node: exp.Expr) -> str:
    """A function's name as its author writes it."""
    if isinstance(node, exp.Window):
        return _name(node.this)
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return node.sql("spark").split("(")[0].strip().lower() if isinstance(node, exp.Func) else ""


def _example(function: str) -> str:
    return {"explode_outer": "item", "posexplode_outer": "(pos, item)"}.get(function, "(a, b)")
