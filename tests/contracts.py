"""The contract that tests write who care about one or two of its passages, and not about the rest."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: {id}
version: 1.0.0
status: active
servers:
  - {source}
  - {{server: target, type: postgres, host: localhost, port: 5432, database: dwh, schema: {id}}}
schema:
  - name: target
    customProperties:
      - property: load
        value: {load}
{quality}
    properties:
{properties}
"""


def contract_text(
    identity: str, properties: Iterable[str], *, load: str, source: str | None = None, quality: str = ""
) -> str:
    """A contract of this id, which is also the target's schema; the table is called target.

    All else is YAML: of each property a line, the load plan, the source server (CSV if none is given) and the items of
    `quality`, indented by 6.
    """
    source = source or source_server("format: csv")
    return CONTRACT.format(
        id=identity,
        source=textwrap.indent(source, "    ").strip(),
        load=load,
        quality=f"    quality:\n{quality}" if quality else "",
        properties="\n".join(f"      - {line}" for line in properties),
    )


def source_server(options: str, location: str = "*") -> str:
    """A source server of these further lines, below s3://landing."""
    return f"server: source\ntype: s3\nlocation: s3://landing/{location}\n{textwrap.dedent(options)}"


def id_property(*, keyed: bool) -> str:
    """The property `id`, a required integer; with `keyed` the primary key."""
    return f"{{name: id, logicalType: integer, required: true{', primaryKey: true' if keyed else ''}}}"
