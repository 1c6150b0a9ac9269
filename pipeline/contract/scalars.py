"""YAML 1.2 core-schema scalars and `${NAME:-default}` references.

PyYAML resolves scalars by YAML 1.1, where `NO` is false, `12:30` is 750 and `017` is fifteen. Contracts follow the core
schema of YAML 1.2 (section 10.3.2) instead. Numbers with a fraction become `Decimal`, so that bounds stay exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}\Z")
_OCTAL = re.compile(r"0o[0-7]{1,400}\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?\Z")
_INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)\Z")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)\Z")

# The reference syntax of ODCS v3.2 (its RFC 50).
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

Scalar = str | int | Decimal | bool | None


class UnsetVariable(ValueError):  # noqa: N818 - names the situation
    """A reference without default names a variable that is unset or empty. `name` is the variable's name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def resolve_plain(text: str) -> Scalar:
    """The value of an unquoted scalar: null, bool, int, Decimal or the text itself."""
    if _NULL.match(text):
        return None
    if _TRUE.match(text) or _FALSE.match(text):
        return text[0] in "tT"
    return _number(text)


def _number(text: str) -> Scalar:
    if _INTEGER.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.match(text):
        return int(text[2:], 16)
    if _FLOAT.match(text):
        return Decimal(text)
    if _NAN.match(text):
        return Decimal("NaN")
    infinite = _INFINITY.match(text)
    return Decimal(infinite.group(1) + "Infinity") if infinite else text


def has_reference(text: str) -> bool:
    """Whether the text holds a `${NAME}` reference, so that its resolved value may be a secret."""
    return _REFERENCE.search(text) is not None


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """The text with each `${NAME}` or `${NAME:-default}` replaced. An empty variable counts as unset (ODCS v3.2).

    Raises UnsetVariable for the first reference that has neither value nor default.
    """

    def value(reference: re.Match[str]) -> str:
        name, default = reference.group(1), reference.group(2)
        if found := environment.get(name):
            return found
        if default is None:
            raise UnsetVariable(name)
        return default

    return _REFERENCE.sub(value, text)
