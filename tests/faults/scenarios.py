"""What the struck loads load: a series of files for each load mode, and what the table has to hold after each.

The models share no code with the pipeline: a file is a list of tuples, and a table a dict of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.contracts import contract_text, id_property

Row = tuple[object, ...]

COLUMNS = (
    "{name: name, logicalType: string}",
    '{name: amount, logicalType: number, physicalType: "NUMERIC(10,2)"}',
)

# Lines that are rejected, wherever they come, and the rule that rejects them.
BAD = (("7001,bad amount,ten", "type"), ("7002,too,many,fields", "structure"))


@dataclass
class Scenario:
    """A load mode, with or without a key. `anew`: each file goes into a table of its own, which the load creates.

    Files are numbered from 0 and have `size` good rows each; each is loaded after the one before.
    """

    name: str
    mode: str
    keyed: bool = True
    anew: bool = False
    size: int = 8
    objects: dict[int, list[Row]] = field(default_factory=dict)
    current: dict[object, Row] = field(default_factory=dict)
    closed: list[Row] = field(default_factory=list)

    def dataset(self, number: int) -> str:
        """The id of the dataset of file `number`, which is also the target's schema."""
        words = self.name.replace(" ", "_")
        return f"{words}_{number}" if self.anew else words

    def contract(self, directory: Path, number: int) -> Path:
        """The contract for file `number`, written."""
        path = directory / f"{self.dataset(number)}.odcs.yaml"
        load = f"{{mode: {self.mode}, rejects: {{max: 50, unit: percent}}}}"
        path.write_text(contract_text(self.dataset(number), [id_property(keyed=self.keyed), *COLUMNS], load=load))
        return path

    def file(self, directory: Path, number: int) -> Path:
        """File `number`, written. With append every second is a new version of the object before it."""
        object_number = number // 2 if self.mode == "append" else number
        path = directory / f"{self.dataset(number)}_{object_number}.csv"
        lines = [f"{key},{name},{amount}.00" for key, name, amount in self.rows(number)]
        lines[3:3] = [BAD[0][0]]
        path.write_text("\n".join(["id,name,amount", *lines, BAD[1][0]]) + "\n")
        return path

    def rows(self, number: int) -> list[Row]:
        """The good rows of file `number`: some new, some changed, some as before; and one of the last file is gone."""
        first = self.size * (number // 2) if self.mode == "append" else number
        return [(key, f"name {key}", number if key % 2 else 0) for key in range(first, first + self.size)]

    def rejects(self) -> list[tuple[int, str]]:
        """(line, rule) of what is rejected of every file."""
        return [(5, BAD[0][1]), (self.size + 3, BAD[1][1])]

    def loaded(self, number: int) -> None:
        """File `number` is in the table now."""
        rows = {row[0]: row for row in self.rows(number)}
        if self.anew:
            self.objects, self.current = {}, {}
        if self.mode == "append":
            self.objects[number // 2] = list(rows.values())
        elif self.mode == "replace":
            self.current = rows
        else:
            changed = {key for key, row in rows.items() if self.current.get(key, row) != row}
            self.closed += [self.current[key] for key in changed]
            self.current |= rows

    def expected(self) -> Counter[Row]:
        """The table's rows; with scd2 each has at its end whether it is the current one of its key."""
        if self.mode == "append":
            return Counter(row for rows in self.objects.values() for row in rows)
        if self.mode == "scd2":
            return Counter([(*row, True) for row in self.current.values()] + [(*row, False) for row in self.closed])
        return Counter(self.current.values())


def scenarios() -> list[Scenario]:
    """Every mode, onto a table that is there; append also without a key; and a table that is not there yet."""
    return [
        Scenario("append with a key", "append"),
        Scenario("append without a key", "append", keyed=False),
        Scenario("upsert", "upsert"),
        Scenario("replace", "replace"),
        Scenario("scd2", "scd2"),
        Scenario("first upsert", "upsert", anew=True),
        Scenario("first append without a key", "append", keyed=False, anew=True),
    ]
