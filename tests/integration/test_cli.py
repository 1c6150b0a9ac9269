"""The commands as a user types them: what goes to stdout, what to stderr, and every exit code of the README."""

from __future__ import annotations

import gzip
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pipeline.load.connect import Destination
from tests.integration.command_line import ROOT, Done, Landfall, environment, run, start

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

KEYS = {
    "load_id", "status", "dataset", "target", "source", "version", "sha256", "bytes", "engine", "contract_sha256",
    "started_at", "seconds", "rows", "rejects_by_rule", "error",
}  # fmt: skip
COUNTS = {"read", "inserted", "updated", "unchanged", "deleted", "duplicate", "filtered", "rejected"}
NOWHERE = "postgresql://ana:s3cr3t-pass@127.0.0.1:1/nowhere"  # nothing listens on port 1
ITEMS = ["{name: id, logicalType: integer, primaryKey: true}", "{name: name, logicalType: string, required: true}"]


@pytest.fixture
def url(database: Destination) -> str:
    return database.url.render_as_string(hide_password=False)


@pytest.fixture
def landfall(url: str) -> Landfall:
    """Runs a command against the module's database."""

    def command(*arguments: object, **extra: Any) -> Done:
        return run(*arguments, **{"LANDFALL_DATABASE_URL": url, **extra})

    return command


@pytest.fixture
def items(contract: Contract, request: pytest.FixtureRequest) -> Path:
    """A contract of id and name, in a schema of this test's own; at most half of the rows may be rejected."""
    name = "t" + request.node.name[5:].split("[")[0][:50]
    return contract(name, ITEMS, load="{mode: upsert, rejects: {max: 50, unit: percent}}")


def file(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_a_load_prints_one_receipt_on_stdout_and_its_stages_on_stderr(
    landfall: Landfall, items: Path, tmp_path: Path
) -> None:
    source = file(tmp_path / "items.csv", "id,name\n1,a\n2,\n3,c\n")
    done = landfall("load", source, "--contracts", items, "--json")
    assert done.code == 0
    (receipt,) = done.receipts
    assert receipt.keys() >= KEYS
    assert receipt["rows"].keys() == COUNTS
    assert (receipt["status"], receipt["source"]) == ("loaded", f"file://{source}")
    assert {name: count for name, count in receipt["rows"].items() if count} == {
        "read": 3,
        "inserted": 2,
        "rejected": 1,
    }
    assert receipt["rejects_by_rule"] == {"required": 1}
    assert done.remarks == []
    stages = [line["stage"] for line in done.log if "stage" in line]
    assert stages == ["fetch", "begin", "extract", "publish"]
    assert all(line.keys() >= {"time", "subject", "seconds", "rows"} for line in done.log if "stage" in line)


def test_without_json_the_receipt_is_for_people(landfall: Landfall, items: Path, tmp_path: Path) -> None:
    source = file(tmp_path / "items.csv", "id,name\n1,a\n2,\n")
    done = landfall("load", source, "--contracts", items)
    assert done.out.startswith(f"✔ loaded         file://{source} -> ")
    assert "2 read = 1 inserted + 1 rejected" in done.out
    load_id = done.out.split("landfall rejects ")[1].split(")")[0]
    again = landfall("load", source, "--contracts", items, "--quiet")
    assert (again.code, again.err) == (0, "")
    assert load_id in again.out
    assert "already_loaded" in again.out
    forced = landfall("load", source, "--contracts", items, "--quiet", "--force")
    assert "2 read = 1 unchanged + 1 rejected" in forced.out


def test_on_a_terminal_there_is_a_progress_display(items: Path, url: str, tmp_path: Path) -> None:
    source = file(tmp_path / "items.csv", "id,name\n" + "".join(f"{n},a\n" for n in range(200_000)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "load", str(source), "--contracts", str(items)]
    variables = environment(LANDFALL_DATABASE_URL=url, TERM="xterm", COLUMNS="120")
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        assert process.stdout is not None
        out = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in shown
    assert b"MB/s" in shown
    assert b'"stage"' not in shown
    assert out.startswith("✔ loaded")


def test_several_sources_go_on_after_a_failed_one_and_the_worst_code_counts(
    landfall: Landfall, items: Path, tmp_path: Path, rows: Query
) -> None:
    good = file(tmp_path / "1.csv", "id,name\n1,a\n")
    refused = file(tmp_path / "2.csv", "id,other\n2,b\n")
    corrupt = tmp_path / "3.csv.gz"
    corrupt.write_bytes(gzip.compress(b"id,name\n3,c\n")[:-9])
    last = file(tmp_path / "5.csv", "id,name\n5,e\n")
    done = landfall("load", good, refused, corrupt, tmp_path / "4.csv", last, "--contracts", items, "--json", "--quiet")
    assert done.code == 66
    assert [receipt["status"] for receipt in done.receipts] == ["loaded", "refused", "failed", "failed", "loaded"]
    kinds = [receipt["error"] and receipt["error"]["kind"] for receipt in done.receipts]
    assert kinds == [None, "refused", "source", "source", None]
    assert len(done.err.splitlines()) == 3
    assert all(line.startswith("landfall: ") for line in done.err.splitlines())
    schema = items.name.removesuffix(".odcs.yaml")
    assert rows(f"SELECT id FROM {schema}.target ORDER BY id") == [(1,), (5,)]
    entered = rows("SELECT status FROM landfall.load WHERE dataset = %s ORDER BY started_at", schema)
    assert entered == [("loaded",), ("refused",), ("failed",), ("loaded",)]


@pytest.mark.skipif(shutil.which("java") is None, reason="engine spark needs Java, and there is none on this machine")
def test_the_other_engine(landfall: Landfall, items: Path, tmp_path: Path) -> None:
    source = file(tmp_path / "items.csv", "id,name\n1,a\n")
    done = landfall("load", source, "--contracts", items, "--engine", "spark", "--json")
    assert (done.code, done.receipts[0]["engine"], done.receipts[0]["rows"]["inserted"]) == (0, "spark", 1)
    assert [line["stage"] for line in done.log if "stage" in line] == ["fetch", "begin", "extract", "publish"]


class TestExitCodes:
    def test_2_usage(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        source = file(tmp_path / "items.csv", "id,name\n1,a\n")
        for arguments, said in [
            (("load",), "nothing to load"),
            (("load", source), "no contracts"),
            (("load", source, "--contracts", items, "--engine", "dask"), "'dask' is not one of 'sail', 'spark'"),
            (("load", "s3://bucket", "--contracts", items), "expected s3://bucket/key"),
            (("load", "--objects-json", "{}", "--contracts", items), "--objects-json expects"),
            (("load", source, "--contracts", items, "--database-url", "mysql://h/d"), "must begin with postgresql://"),
            (("load", source, "--contracts", items, "--database-url", "s3cr3t-pass"), "cannot be read"),
            (("show", "17"), "17"),
            (("show", "0190163d-8694-739b-aea5-966c26f8ad91"), "no load 0190163d"),
            (("rejects", "0190163d-8694-739b-aea5-966c26f8ad91"), "no load 0190163d"),
            (("check", tmp_path / "absent"), "does not exist"),
            (("loads", "--since", "yesterday"), "yesterday"),
            (("unload",), "No such command"),
        ]:
            done = landfall(*arguments)
            assert (done.code, said in done.err + done.out) == (2, True), (arguments, done)
            assert "Traceback" not in done.err
            assert "s3cr3t" not in done.err + done.out

    def test_64_contract(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        source = file(tmp_path / "items.csv", "id,name\n1,a\n")
        broken = file(tmp_path / "broken.odcs.yaml", items.read_text().replace("mode: upsert", "mode: upsrt"))
        done = landfall("load", source, "--contracts", broken, "--json")
        assert (done.code, done.receipts[0]["error"]["kind"]) == (64, "contract")
        assert "did you mean upsert?" in done.err
        done = landfall("check", broken)
        assert done.code == 64
        assert done.out.startswith(f"{broken}:")
        assert "did you mean upsert?" in done.out
        done = landfall("load", source, "--contracts", ROOT / "samples" / "contracts")
        assert done.code == 64
        assert "no contract describes it" in done.out

    def test_64_an_expression_that_no_engine_knows(
        self, landfall: Landfall, contract: Contract, tmp_path: Path
    ) -> None:
        unknown = contract("unknown_function", ['{name: id, logicalType: string, transformLogic: "frobnicate(id)"}'])
        done = landfall("load", file(tmp_path / "items.csv", "id\n1\n"), "--contracts", unknown)
        assert done.code == 64
        assert "frobnicate" in done.out

    def test_65_refused(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        over = file(tmp_path / "over.csv", "id,name\n1,a\n2,\n3,\n")
        done = landfall("load", over, "--contracts", items, "--json")
        assert (done.code, done.receipts[0]["status"]) == (65, "refused")
        assert done.receipts[0]["rows"]["rejected"] == 2
        kept = landfall("rejects", done.receipts[0]["load_id"])
        assert kept.out.count("name is required, and missing") == 2

    def test_65_the_database_says_no(self, landfall: Landfall, items: Path, tmp_path: Path, url: str) -> None:
        source = file(tmp_path / "items.csv", "id,name\n1,a\n")
        absent = make_url(url).set(database="absent").render_as_string(hide_password=False)
        done = landfall("load", source, "--contracts", items, "--database-url", absent)
        assert done.code == 65
        assert "absent" in done.out

    def test_66_source(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        assert landfall("load", tmp_path / "absent.csv", "--contracts", items).code == 66
        assert landfall("load", tmp_path / "*.csv", "--contracts", items).code == 66
        empty = file(tmp_path / "empty.csv", "")
        done = landfall("load", empty, "--contracts", items)
        assert done.code == 66
        assert "the file is empty" in done.out

    def test_75_no_database(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        source = file(tmp_path / "items.csv", "id,name\n1,a\n")
        started = time.monotonic()
        done = landfall(
            "load", source, "--contracts", items, "--database-url", NOWHERE, "--database-wait", "1", "--json"
        )
        assert time.monotonic() - started < 30
        assert (done.code, done.receipts[0]["error"]["kind"]) == (75, "transient")
        assert "no database at postgresql://ana:***@127.0.0.1:1/nowhere" in done.err
        assert landfall("loads", "--database-url", NOWHERE, LANDFALL_DATABASE_WAIT="0").code == 75


def test_the_exit_code_outlives_closed_streams() -> None:
    for arguments, code in (("--version", 0), ("load", 2)):
        closed = f'exec "$0" -m pipeline {arguments} >&- 2>&-'
        assert subprocess.run(["bash", "-c", closed, sys.executable], cwd=ROOT, check=False).returncode == code


@pytest.mark.parametrize("option", ["", "--debug", "--json"])
def test_a_password_is_never_shown(items: Path, tmp_path: Path, url: str, option: str) -> None:
    source = file(tmp_path / "items.csv", "id,name\n1,a\n")
    arguments = ["load", source, "--contracts", items, "--database-wait", "0.1", *filter(None, [option])]
    host = url.rsplit("@", 1)[1]
    for address in (NOWHERE, f"{NOWHERE}?sslpassword=s3cr3t-other", f"postgresql://stranger:s3cr3t-pass@{host}"):
        done = run(*arguments, LANDFALL_DATABASE_URL=address)
        assert done.code != 0
        assert "s3cr3t" not in done.out + done.err
        assert ("Traceback" in done.err) == (option == "--debug")


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("begin", signal.SIGTERM),
        ("extract", signal.SIGTERM),
        ("extract", signal.SIGINT),
        ("publish", signal.SIGTERM),
        ("publish", signal.SIGINT),
    ],
)
def test_a_signal_in_the_middle_of_a_load_leaves_nothing_behind(
    contract: Contract, tmp_path: Path, url: str, rows: Query, stage: str, number: signal.Signals
) -> None:
    name = f"interrupted_{stage}_{number.name.lower()}"
    described = contract(name, ITEMS, load="{mode: upsert}")
    source = file(tmp_path / "items.csv", "id,name\n" + "".join(f"{n},name {n}\n" for n in range(1_000_000)))
    address = NOWHERE if stage == "begin" else url
    process = start("load", source, "--contracts", described, "--json", LANDFALL_DATABASE_URL=address)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line).get("stage") == stage:
            break
    time.sleep(0.7)
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < 20
    assert process.returncode == 75, err.decode()
    receipt = json.loads(out)
    assert (receipt["status"], receipt["error"]["kind"]) == ("failed", "interrupted")
    assert f"interrupted by {number.name}" in err.decode()
    assert "Traceback" not in err.decode()
    if stage != "begin":
        ledger = rows("SELECT status, error_kind FROM landfall.load WHERE load_id = %s", receipt["load_id"])
        assert ledger == [("failed", "interrupted")]
        assert rows("SELECT to_regclass(%s)", f"{name}.target") == [(None,)]
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall:%%' AND datname = current_database() AND pid <> pg_backend_pid()"
        for _ in range(50):
            if rows(sessions) == [(0,)]:
                break
            time.sleep(0.1)
        assert rows(sessions) == [(0,)]


def test_a_file_that_is_still_being_written_is_left_for_later(
    items: Path, tmp_path: Path, url: str, rows: Query
) -> None:
    source = file(tmp_path / "items.csv", "id,name\n" + "".join(f"{n},name {n}\n" for n in range(500_000)))
    process = start("load", source, "--contracts", items, "--json", LANDFALL_DATABASE_URL=url)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line).get("stage") == "extract":
            break
    with source.open("a") as more:
        more.write("500000,late\n")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, "changed while it was read" in out.decode()) == (75, True)
    schema = items.name.removesuffix(".odcs.yaml")
    assert rows("SELECT to_regclass(%s)", f"{schema}.target") == [(None,)]


def test_a_directory_that_cannot_be_used_is_said(landfall: Landfall, items: Path, tmp_path: Path) -> None:
    source = file(tmp_path / "items.csv", "id,name\n1,a\n")
    done = landfall("load", source, "--contracts", items, "--work-dir", source / "below")
    assert (done.code, "name another with --work-dir" in done.out) == (2, True)


def test_the_remaining_sources_are_left_alone_after_a_signal(items: Path, tmp_path: Path) -> None:
    sources = [file(tmp_path / f"{n}.csv", f"id,name\n{n},a\n") for n in range(3)]
    process = start("load", *sources, "--contracts", items, "--json", LANDFALL_DATABASE_URL=NOWHERE)
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(1)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, len(out.splitlines())) == (75, 1)


class TestAfterwards:
    """What the ledger tells: init, loads, show, rejects."""

    @pytest.fixture
    def loaded(self, landfall: Landfall, items: Path, tmp_path: Path) -> dict[str, Any]:
        source = file(tmp_path / "items.csv", "id,name\n1,a\n2,\x1b[31mred\n3,\n")
        receipt: dict[str, Any] = landfall("load", source, "--contracts", items, "--json").receipts[0]
        return receipt

    def test_init_twice(self, landfall: Landfall) -> None:
        first, second = landfall("init"), landfall("init")
        assert (first.code, second.code) == (0, 0)
        assert "the ledger is ready" in second.out

    def test_loads(self, landfall: Landfall, loaded: dict[str, Any]) -> None:
        mine = ("loads", "--dataset", loaded["dataset"])
        table = landfall(*mine).out
        assert loaded["load_id"] in table
        assert loaded["source"] in table
        (row,) = landfall(*mine, "--json").receipts
        assert (row["load_id"], row["status"], row["rows_inserted"]) == (loaded["load_id"], "loaded", 2)
        assert landfall(*mine, "--status", "failed", "--json").out == ""
        assert landfall(*mine, "--since", "2999-01-01", "--json").out == ""
        assert len(landfall(*mine, "--since", "2000-01-01T00:00:00", "--json").receipts) == 1

    @pytest.mark.parametrize("name", ["x[/b].csv", "y[draft].csv", "z\x1b[1m\ny"])
    def test_a_name_is_not_taken_for_markup(self, landfall: Landfall, items: Path, tmp_path: Path, name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        source = file(tmp_path / name, "id,name\n1,a\n")
        shown = name.replace("\x1b", "\\x1b").replace("\n", "\\x0a")
        done = landfall("load", source, "--contracts", items)
        assert shown in done.out.splitlines()[0]
        history = landfall("loads")
        assert history.code == 0, history.err
        assert shown in history.out.splitlines()[1]
        preview = landfall("preview", source, "--contracts", items)
        assert shown in preview.out
        again = landfall("plan", source, "--contracts", items)
        assert shown in again.out.splitlines()[0]

    def test_show_gives_the_receipt_again(self, landfall: Landfall, loaded: dict[str, Any]) -> None:
        shown = landfall("show", loaded["load_id"])
        assert shown.code == 0
        assert "3 read = 2 inserted + 1 rejected" in shown.out
        (again,) = landfall("show", loaded["load_id"], "--json").receipts
        assert {name: again[name] for name in again if name not in ("seconds", "started_at")} == {
            name: loaded[name] for name in loaded if name not in ("seconds", "started_at")
        }

    def test_rejects(self, landfall: Landfall, loaded: dict[str, Any]) -> None:
        done = landfall("rejects", loaded["load_id"])
        assert done.out == "line 4: required: name is required, and missing\n    3,\n"

    def test_rejects_of_a_load_without_any(self, landfall: Landfall, items: Path, tmp_path: Path) -> None:
        source = file(tmp_path / "good.csv", "id,name\n1,a\n")
        load_id = landfall("load", source, "--contracts", items, "--json").receipts[0]["load_id"]
        assert landfall("rejects", load_id) == Done(0, b"", "")
        assert landfall("rejects", load_id, "--csv").raw == b"id,name,reason\n"

    def test_control_characters_do_not_reach_the_terminal(
        self, landfall: Landfall, items: Path, tmp_path: Path
    ) -> None:
        source = file(tmp_path / "items.csv", "id,name\n1,a\nx,\x1b[31mred\n")
        load_id = landfall("load", source, "--contracts", items, "--json").receipts[0]["load_id"]
        assert landfall("rejects", load_id).out.splitlines()[1] == "    x,\\x1b[31mred"


LATIN = '    format: csv\n    delimiter: ";"\n    encoding: ISO-8859-1'
PEOPLE = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: name, logicalType: string}",
    '{name: born_on, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}',
]  # fmt: skip
SENT = 'Id;Name;Born on\r\n1;José;01.02.1990\r\n2;"Müller; Söhne";31.02.1990\r\n3;Ana;01.02.1990;extra\r\n4;"two\r\nlines";x\r\n'


@pytest.fixture
def people(contract: Contract, request: pytest.FixtureRequest) -> Path:
    name = f"people_{request.node.name[5:40]}"
    return contract(name, PEOPLE, load="{mode: upsert, rejects: {max: 90, unit: percent}}", source=LATIN)


def test_rejects_go_back_as_the_sender_wrote_them(landfall: Landfall, people: Path, tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_bytes(SENT.encode("latin-1"))
    (receipt,) = landfall("load", source, "--contracts", people, "--json").receipts
    assert receipt["rejects_by_rule"] == {"structure": 1, "type": 2}
    back = landfall("rejects", receipt["load_id"], "--csv")
    assert back.err == ""
    lines = [
        "Id;Name;Born on;reason",
        "2;\"Müller; Söhne\";31.02.1990;type: born_on '31.02.1990' is not a date (dd.MM.yyyy)",
        "3;Ana;01.02.1990;extra;structure: 4 fields, expected 3",
        "4;\"two\r\nlines\";x;type: born_on 'x' is not a date (dd.MM.yyyy)",
    ]
    structure = back.raw.decode("latin-1").split("extra;")[1].split("\n")[0]
    lines[2] = f"3;Ana;01.02.1990;extra;{structure}"
    assert structure.startswith("structure: ")
    assert back.raw == ("\n".join(lines) + "\n").encode("latin-1")


def test_what_went_back_loads_again_without_its_reasons(
    landfall: Landfall, people: Path, tmp_path: Path, rows: Query
) -> None:
    import csv
    import io

    source = tmp_path / "people.csv"
    source.write_bytes(SENT.encode("latin-1"))
    (receipt,) = landfall("load", source, "--contracts", people, "--json").receipts
    back = landfall("rejects", receipt["load_id"], "--csv").raw.decode("latin-1")
    records = list(csv.reader(io.StringIO(back, newline=""), delimiter=";"))
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="latin-1", newline="") as out:
        for record in records:
            fields = [field.replace("31.02.", "28.02.").replace("x", "03.04.2005") for field in record[:3]]
            csv.writer(out, delimiter=";").writerow(fields)
    (again,) = landfall("load", corrected, "--contracts", people, "--json").receipts
    assert {name: count for name, count in again["rows"].items() if count} == {"read": 3, "inserted": 3}
    schema = people.name.removesuffix(".odcs.yaml")
    assert rows(f"SELECT id, name, born_on::text FROM {schema}.target ORDER BY id") == [
        (1, "José", "1990-02-01"),
        (2, "Müller; Söhne", "1990-02-28"),
        (3, "Ana", "1990-02-01"),
        (4, "two\r\nlines", "2005-04-03"),
    ]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("UTF-8", ""), ("UTF-8", "\ufeff"), ("UTF-16", "\ufeff"), ("UTF-16BE", "\ufeff"), ("cp1252", "")],
)
def test_a_preamble_and_any_encoding_go_back_too(
    landfall: Landfall, contract: Contract, tmp_path: Path, encoding: str, mark: str
) -> None:
    source = f"    format: csv\n    encoding: {encoding}\n    customProperties: [{{property: readOptions, value: {{skipLines: 1}}}}]"
    name = f"encoded_{encoding.lower().replace('-', '')}{len(mark)}"
    described = contract(name, ITEMS, load="{mode: upsert, rejects: {max: 90, unit: percent}}", source=source)
    codec = "UTF-16LE" if encoding == "UTF-16" else encoding
    path = tmp_path / "items.csv"
    path.write_bytes(f"{mark}made by ÄÖÜ\nid,name\n1,é\nx,ß\n".encode(codec))
    (receipt,) = landfall("load", path, "--contracts", described, "--json").receipts
    assert receipt["rows"]["rejected"] == 1
    back = landfall("rejects", receipt["load_id"], "--csv").raw
    expected = f"{mark}made by ÄÖÜ\nid,name,reason\nx,ß,type: id 'x' is not a bigint\n"
    assert back == expected.encode(codec)


def test_records_of_other_formats_go_back_in_a_csv(landfall: Landfall, contract: Contract, tmp_path: Path) -> None:
    described = contract(
        "other_format", ITEMS, load="{mode: append, rejects: {max: 90, unit: percent}}", source="    format: json"
    )
    source = file(tmp_path / "items.ndjson", '{"id": 1, "name": "a"}\n{"id": "x", "name": "b, \\"c\\""}\n')
    (receipt,) = landfall("load", source, "--contracts", described, "--json").receipts
    back = landfall("rejects", receipt["load_id"], "--csv").out
    record = '"{""id"": ""x"", ""name"": ""b, \\""c\\""""}"'
    assert back == f"record,reason\n{record},type: id 'x' is not a bigint\n"


def test_check_names_file_line_and_column(landfall: Landfall, items: Path) -> None:
    good = landfall("check", items, ROOT / "samples" / "contracts")
    assert (good.code, good.out, good.err) == (0, "", "5 contract(s): no mistakes\n")
    items.write_text(items.read_text().replace("required: true", "requird: true"))
    bad = landfall("check", items)
    assert bad.code == 64
    line = next(n for n, text in enumerate(items.read_text().splitlines(), 1) if "requird" in text)
    assert f"{items}:{line}:" in bad.out
    assert "did you mean required?" in bad.out
    assert "mistake" in bad.err
