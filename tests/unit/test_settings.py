"""What a run is told by options and environment."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipeline import settings
from pipeline.cli import main
from pipeline.errors import UsageError
from pipeline.options import settings_of


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*settings._PG_VARIABLES, "AWS_REGION", "AWS_DEFAULT_REGION", "LANDFALL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_is_one(scheme: str) -> None:
    url = settings.database_url(f"{scheme}://ana:p%40ss@host:5433/dwh?sslmode=require")
    assert url is not None
    assert url.render_as_string(hide_password=False) == "postgresql://ana:p%40ss@host:5433/dwh?sslmode=require"
    assert url.password == "p@ss"


@pytest.mark.parametrize("text", [None, ""])
def test_no_url(text: str | None) -> None:
    assert settings.database_url(text) is None


@pytest.mark.parametrize("text", ["s3cret", "mysql://ana:s3cret@host/dwh", "postgresql://ana:s3cret@host:port/dwh"])
def test_a_url_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings.database_url(text)
    assert "postgresql://" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_secrets_are_not_in_the_representation() -> None:
    url = settings.database_url("postgresql://ana:s3cret@host/dwh")
    shown = repr(settings.Settings(database_url=url, environment={"TOKEN": "s3cret"}))
    assert "s3cret" not in shown


@pytest.mark.parametrize("name", ["PGHOST", "PGSERVICE", "PGDATABASE"])
def test_libpq_variables_name_a_database(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not settings.uses_pg_variables()
    monkeypatch.setenv(name, "x")
    assert settings.uses_pg_variables()


def test_a_password_alone_names_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "x")
    assert not settings.uses_pg_variables()


@pytest.mark.parametrize(("processors", "streams"), [(None, 1), (1, 1), (6, 6), (64, 8)])
def test_streams(monkeypatch: pytest.MonkeyPatch, processors: int | None, streams: int) -> None:
    monkeypatch.setattr(settings.os, "cpu_count", lambda: processors)
    assert settings.default_streams() == streams


def test_the_region_is_aws_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of().region is None
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert settings_of().region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert settings_of().region == "eu-central-1"


def test_every_option_of_a_load_has_its_variable_and_reaches_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[settings.Settings] = []

    def load_all(sources: object, objects: object, told: settings.Settings, *_: object) -> int:
        seen.append(told)
        return 0

    monkeypatch.setattr("pipeline.loading.load_all", load_all)
    variables = {
        "LANDFALL_CONTRACTS": "contracts",
        "LANDFALL_DATABASE_URL": "postgresql://host/dwh",
        "LANDFALL_DATABASE_WAIT": "7.5",
        "LANDFALL_ENGINE": "spark",
        "LANDFALL_MASTER": "spark://host:7077",
        "LANDFALL_WORK_DIR": "work",
        "LANDFALL_STREAMS": "3",
        "LANDFALL_LAKE": "s3://lake/prefix",
        "LANDFALL_DATA_DIR": "data",
    }
    done = CliRunner().invoke(main, ["load", "x.csv", "--force"], env=variables)
    assert done.exit_code == 0, done.output
    (told,) = seen
    assert str(told.database_url) == "postgresql://host/dwh"
    assert (told.contracts, told.database_wait, told.engine, told.master) == (
        "contracts",
        7.5,
        "spark",
        "spark://host:7077",
    )
    assert (str(told.work_dir), told.streams, told.lake, str(told.data_dir)) == ("work", 3, "s3://lake/prefix", "data")
    assert (told.force, told.debug) == (True, False)


@pytest.mark.parametrize(
    ("engine", "master", "here"),
    [
        ("sail", None, True),
        ("spark", None, True),
        ("spark", "local", True),
        ("spark", "local[*]", True),
        ("spark", "local[2,4]", True),
        ("spark", "local-cluster[2,1,1024]", False),
        ("spark", "localhost:7077", False),
        ("spark", "spark://localhost:7077", False),
        ("spark", "yarn", False),
    ],
)
def test_workers_of_a_cluster_are_elsewhere(engine: settings.Engine, master: str | None, here: bool) -> None:
    assert settings.Settings(engine=engine, master=master).on_this_machine is here
