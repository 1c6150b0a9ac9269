"""Contracts for the tests: one that is valid, and edits of it."""

from __future__ import annotations

from pathlib import Path

from pipeline.contract.lint import check
from pipeline.contract.problem import Problem

DATA = Path(__file__).parents[2] / "data" / "contracts"

VALID = """\
apiVersion: v3.2.0
kind: DataContract
id: shop-orders
version: 1.0.0
servers:
  - server: source
    type: s3
    location: s3://landing/shop/year=*/orders_*.csv
    format: csv
    delimiter: ";"
    customProperties:
      - {property: readOptions, value: {header: true}}
      - {property: missingValues, value: ["", NA]}
  - {server: target, type: postgres, host: localhost, port: 5432, database: dwh, schema: shop}
schema:
  - name: orders
    customProperties:
      - property: load
        value:
          mode: upsert
          where: order_no is not null
          dedupe: ordered_on desc
          rejects: {max: 5, unit: percent}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 0}
      - {type: custom, engine: spark, name: enough, implementation: "qty > 0"}
      - {type: sql, query: "SELECT count(*) FROM {object}", mustBeLessThan: 9}
    properties:
      - {name: order_no, logicalType: string, primaryKey: true}
      - {name: ordered_on, logicalType: date, transformLogic: to_date(day)}
      - {name: amount, logicalType: number, physicalType: "NUMERIC(12,2)", logicalTypeOptions: {minimum: 0}}
      - {name: qty, logicalType: integer, physicalType: SMALLINT}
      - {name: status, logicalType: string, enum: [{value: open}, {value: shut}]}
      - {name: year, logicalType: integer}
"""


def edited(old: str, new: str) -> str:
    """VALID with one passage replaced."""
    assert VALID.count(old) == 1, f"{old!r} is there {VALID.count(old)} times"
    return VALID.replace(old, new)


def problems(text: str, **environment: str) -> list[Problem]:
    """What `check` says of a contract called c.yaml."""
    return check(text, "c.yaml", environment)


def pointed_at(text: str, problem: Problem) -> str:
    """The rest of the line from the problem's place on."""
    return text.split("\n")[problem.line - 1][problem.column - 1 :]
