"""Text of a file, or its name, for a terminal: what would move the cursor or change colours is shown, not obeyed."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_OR_END = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def visible(text: str) -> str:
    """The text with its lines and tabs, each other control character as `\\xNN`."""
    return _CONTROL.sub(_code, text)


def visible_name(name: str) -> str:
    """The same on one line: a name that holds line ends would forge lines."""
    return _CONTROL_OR_END.sub(_code, name)


def _code(found: re.Match[str]) -> str:
    return f"\\x{ord(found.group()):02x}"
