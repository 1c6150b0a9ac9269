"""The container image, both targets: run as a user without rights, read-only, with no network but the database.

LANDFALL_TEST_IMAGE and LANDFALL_TEST_IMAGE_SPARK name images to test; without them they are built, which takes minutes
once. LANDFALL_TEST_PYTHON_IMAGE and LANDFALL_TEST_POSTGRES_IMAGE name other base images.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.containers import PASSWORD, ROOT, URL, Site, a_site, docker, engine_answers, image_of

pytestmark = pytest.mark.skipif(not engine_answers(), reason="no Docker engine answers here")

ROWS = {"sales.orders": 60, "aviation.flights": 842, "web.event_items": 66, "mobility.trips": 200}
SAMPLES = ("acme", "flights", "web", "trips")


@pytest.fixture(scope="module", params=["native", "spark"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def image(target: str) -> str:
    return image_of(target)


@pytest.fixture(scope="module")
def site(target: str) -> Iterator[Site]:
    """A database of its own for each target, in which nothing is loaded yet."""
    with a_site() as found:
        deadline = time.monotonic() + 60
        while docker("exec", found.server, "pg_isready", "-h", "127.0.0.1", check=False).returncode:
            assert time.monotonic() < deadline, docker("logs", found.server).stderr
            time.sleep(0.2)
        yield found


@pytest.fixture(scope="module")
def facts(image: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", image).stdout)
    return dict(found)


def test_the_samples_load(site: Site, image: str, target: str) -> None:
    done = site.landfall(image, "load", "--json", "--quiet", *SAMPLES)
    assert done.code == 0, done.err
    assert {receipt["status"] for receipt in done.receipts} == {"loaded"}
    assert {receipt["engine"] for receipt in done.receipts} == {"spark" if target == "spark" else "sail"}
    counted = {table: int(site.sql(f"SELECT count(*) FROM {table}")[0][0]) for table in ROWS}
    assert counted == ROWS
    assert site.sql("SELECT count(*) FROM landfall.load WHERE status = 'loaded'") == [["5"]]


def test_the_same_files_again_change_nothing(site: Site, image: str) -> None:
    done = site.landfall(image, "load", "--json", "--quiet", "flights")
    assert (done.code, [receipt["status"] for receipt in done.receipts]) == (0, ["already_loaded"]), done.err


@pytest.mark.parametrize(
    ("code", "arguments", "options"),
    [
        (2, ("load",), ()),
        (64, ("load", "contracts/orders.odcs.yaml"), ()),
        (65, ("load", "/given/acme/orders/orders_bad.csv"), ()),
        (66, ("load", "nowhere.csv"), ()),
        (75, ("load", "flights", "--database-wait", "0", "--force"), ("--env", "LANDFALL_DATABASE_URL=postgresql://postgres:1/x")),
    ],
)  # fmt: skip
def test_exit_codes(
    site: Site, image: str, tmp_path: Path, code: int, arguments: tuple[str, ...], options: tuple[str, ...]
) -> None:
    bad = tmp_path / "acme/orders/orders_bad.csv"
    bad.parent.mkdir(parents=True)
    header = (ROOT / "samples/acme/orders/orders_2026-11-20.csv").read_bytes().splitlines()[0]
    bad.write_bytes(header + b"\nnonsense;;;;;\n" * 5)
    for folder in (tmp_path, *tmp_path.rglob("*")):
        folder.chmod(0o755)
    done = site.landfall(image, *arguments, options=("--volume", f"{tmp_path}:/given:ro", *options))
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err


def test_sigterm_reaches_the_program_and_nothing_is_published(site: Site, image: str) -> None:
    site.landfall(image, "load", "--quiet", "flights")
    before = site.sql("SELECT count(*), max(xmin::text::bigint) FROM aviation.flights")
    lock = "BEGIN; LOCK TABLE aviation.flights IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(120)"
    docker("exec", "--detach", site.server, "psql", "-U", "landfall", "-c", lock)
    name = f"{site.network}-stopped"
    command = ["docker", *map(str, site.command(image, "load", "--force", "flights", options=("--name", name)))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if '"stage": "publish"' in line:
                break
        started = time.monotonic()
        docker("stop", "--time", "60", name)  # SIGTERM, and SIGKILL if that does not help
        seconds = time.monotonic() - started
        rest = running.communicate()
    site.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'")
    assert running.returncode in (75, 143), rest
    assert seconds < 30, "the program did not react to SIGTERM"
    assert site.sql("SELECT count(*), max(xmin::text::bigint) FROM aviation.flights") == before
    assert site.sql("SELECT status FROM landfall.load ORDER BY load_id DESC LIMIT 1")[0][0] == "failed"


def test_the_user_has_no_rights(site: Site, image: str, facts: dict[str, Any]) -> None:
    assert facts["Config"]["User"] == "10001:10001"
    assert site.python(image, "import os; print(os.getuid(), os.getgid(), os.environ['HOME'])") == "10001 10001 /tmp"


def test_any_user_may_run_it(site: Site, image: str, target: str, tmp_path: Path) -> None:
    known = tmp_path / "passwd"
    known.write_text("ana:x:4711:4711::/home/ana:/bin/sh\n")
    tmp_path.chmod(0o755)
    passwd = ("--volume", f"{known}:/etc/passwd:ro") if target == "spark" else ()  # Hadoop wants a name for its user
    done = site.landfall(image, "load", "--quiet", "--force", "trips", options=("--user", "4711:4711", *passwd))
    assert done.code == 0, done.out + done.err


def test_a_volume_over_tmp_is_writable(site: Site, image: str) -> None:
    code = "import pathlib; pathlib.Path('/tmp/x').write_text('x'); print('written')"
    command = [
        part for part in site.command(image, "-c", code, options=("--entrypoint", "python")) if part != "--tmpfs"
    ]
    command.remove("/tmp")
    assert docker(*command).stdout == "written\n"


def test_nothing_that_installs_or_compiles(site: Site, image: str) -> None:
    programs = ("pip", "pip3", "uv", "wheel", "easy_install", "gcc", "cc", "g++", "ld", "make", "javac", "jlink")
    code = f"import shutil, importlib.util as u; print([n for n in {programs} if shutil.which(n)], [m for m in ('pip', 'setuptools', 'wheel', 'ensurepip') if u.find_spec(m)])"
    assert site.python(image, code) == "[] []"
    left = [
        "(",
        "-name",
        "*.whl",
        "-o",
        "-name",
        "*.deb",
        "-o",
        "-path",
        "*/.cache/pip",
        "-o",
        "-name",
        "*_Packages",
        ")",
    ]
    found = docker(
        "run", "--rm", "--user", "0", "--entrypoint", "find", image, "/", "-xdev", *left, "-print", check=False
    )
    assert found.stdout == ""


def test_no_secret_and_no_sample_is_inside(image: str, site: Site, facts: dict[str, Any]) -> None:
    told = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout + "\n".join(
        facts["Config"]["Env"]
    )
    assert re.findall(r"(?i)password|secret|token|AKIA|aws_|://[^/\s]*@|index-url", told) == []
    listed = docker(
        "run", "--rm", "--entrypoint", "find", image, "/data", "/opt/landfall", "-name", "*.odcs.yaml"
    ).stdout
    assert listed == ""


def test_labels_and_entrypoint(facts: dict[str, Any]) -> None:
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "landfall"
    assert {"version", "revision", "created", "source", "licenses", "description"} <= {
        label.rsplit(".", 1)[-1] for label in labels
    }
    assert facts["Config"]["Entrypoint"] == ["landfall"]
    assert list(facts["Config"]["Volumes"]) == ["/tmp"]


def test_every_part_of_the_program_has_what_it_needs(site: Site, image: str) -> None:
    code = """
import importlib, pkgutil, pipeline, pyarrow as pa
from pyarrow import csv, orc, parquet
names = [found.name for found in pkgutil.walk_packages(pipeline.__path__, "pipeline.") if "__main__" not in found.name]
for name in names: importlib.import_module(name)
sink = pa.BufferOutputStream()
orc.write_table(pa.table({"a": [1]}), sink)
print(orc.read_table(pa.BufferReader(sink.getvalue())).num_rows, len(names) > 50)
"""
    assert site.python(image, code) == "1 True"


def test_every_aws_service_that_is_called_is_described(site: Site, image: str) -> None:
    sources = [path.read_text() for path in (ROOT / "pipeline").rglob("*.py")]
    services = sorted({name for text in sources for name in re.findall(r'[_.]client\(\s*"([a-z0-9-]+)"', text)})
    assert "s3" in services
    code = f"import boto3; print([boto3.client(s, region_name='eu-west-1').meta.service_model.service_name for s in {[*services, 'sts', 'sso', 'sso-oidc']}])"
    options = ("--env", "AWS_EC2_METADATA_DISABLED=true")  # nobody is there to be asked for credentials
    assert site.python(image, code, options) == str([*services, "sts", "sso", "sso-oidc"])


def test_the_ca_bundle_is_used_or_missed_by_name(site: Site, image: str) -> None:
    code = "import os; path = os.environ['LANDFALL_CA_BUNDLE']; print(path, os.path.exists(path) and open(path).read().count('BEGIN CERT'))"
    path, certificates = site.python(image, code).split()
    assert path == "/opt/certificates/rds.pem"
    assert certificates == "False" or int(certificates) > 100


def test_archived_classes_are_used(site: Site, image: str, target: str) -> None:
    if target != "spark":
        pytest.skip("this image has no JVM")
    log = "-XX:SharedArchiveFile=/opt/landfall/classes.jsa -Xshare:on -Xlog:class+load:file=/tmp/classes"
    code = "import subprocess, sys; subprocess.run(['landfall', 'load', '--force', '--quiet', 'trips'], check=True, stdout=sys.stderr); lines = open('/tmp/classes').read().splitlines(); print(sum('(top)' in line for line in lines), len(lines))"
    archived, loaded = map(int, site.python(image, code, ("--env", f"SPARK_SUBMIT_OPTS={log}")).split())
    assert archived > 5_000
    assert archived > loaded / 2


def test_the_commands_of_the_documentation_run(site: Site, image: str) -> None:
    text = (ROOT / "docs/docker.md").read_text()
    samples, own = re.findall(r"(?m)^docker run (?:.*\\\n)*.*$", text)
    done = docker(*documented(samples, site, image))
    assert "flights_2013-01-01.csv" in done.stdout
    own = own.replace("$PWD", f"{ROOT}/samples").replace("exports/orders.csv", "trips/year=2026")
    done = docker(*documented(own, site, image), env={**os.environ, "LANDFALL_DATABASE_URL": URL})
    assert "-> mobility.trips" in done.stdout


def documented(command: str, site: Site, image: str) -> list[str]:
    """The words after `docker` of a documented command, for this image and this site's network and password."""
    text = (
        command.replace("\\\n", " ").replace("$PWD", str(ROOT)).replace("landfall:landfall@", f"landfall:{PASSWORD}@")
    )
    words = shlex.split(text)[1:]
    network = [] if "--network" in words else ["--network", site.network]
    at = words.index("landfall", words.index("landfall") + 1 if "--network" in words else 0)
    changed = [site.network if word == "landfall" and number < at else word for number, word in enumerate(words)]
    changed[at] = image
    return [changed[0], *network, *changed[1:]]
