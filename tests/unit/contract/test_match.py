"""Which contract describes an object."""

from __future__ import annotations

import pytest

from pipeline.contract.dataset import Dataset, ReadOptions
from pipeline.contract.match import match
from pipeline.errors import ContractError


def dataset(name: str, location: str) -> Dataset:
    return Dataset(name, "1", f"{name}.odcs.yaml", "", location, ReadOptions("csv"), "s", name, (), ())


ORDERS = dataset("orders", "s3://landing/acme/orders/orders_*.csv")
EVENTS = dataset("events", "s3://landing/web/events/dt=*/*.ndjson.gz")
TRIPS = dataset("trips", "s3://landing/trips/**/*.parquet")
FLIGHTS = dataset("flights", "s3://landing/flights/*flights*.csv*")
ALL = (ORDERS, EVENTS, TRIPS, FLIGHTS)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://landing/acme/orders/orders_1.csv", ORDERS),
        ("s3://landing/acme/orders/orders_.csv", ORDERS),
        ("s3://landing/acme/orders/orders_a b+c%20(1).csv", ORDERS),
        ("s3://landing/acme/orders/orders_1?versionId=a.csv", ORDERS),
        ("s3://landing/web/events/dt=2024-01-01/part 1.ndjson.gz", EVENTS),
        ("s3://landing/trips/a.parquet", TRIPS),
        ("s3://landing/trips/year=2024/month=1/a.parquet", TRIPS),
        ("s3://landing/flights/nycflights.csv.gz", FLIGHTS),
        ("file:///home/me/landing/acme/orders/orders_1.csv", ORDERS),
        ("file:///home/me/orders_1%20b.csv", ORDERS),
        ("/home/me/orders_1.csv", ORDERS),
        ("orders_1.csv", ORDERS),
        ("web/events/dt=1/x.ndjson.gz", EVENTS),
        ("x.ndjson.gz", EVENTS),
        ("deep/trips/a/b/c.parquet", TRIPS),
        ("c.parquet", TRIPS),
        ("./flights.csv", FLIGHTS),
    ],
)
def test_one_contract_matches(uri: str, expected: Dataset) -> None:
    assert match(ALL, uri) is expected


@pytest.mark.parametrize(
    "uri",
    [
        "s3://landing/acme/orders/orders_1.csv.gz",
        "s3://landing/acme/orders/orders_1.csv?versionId=a",
        "s3://landing/acme/orders/2024/orders_1.csv",
        "s3://landing/x/acme/orders/orders_1.csv",
        "s3://other/acme/orders/orders_1.csv",
        "s3://landing/web/events/2024/x.ndjson.gz",
        "s3://landing/web/events/dt=1/x/y.ndjson.gz",
        "s3://LANDING/acme/orders/orders_1.csv",
        "customers.csv",
        "orders.csv",
    ],
)
def test_no_contract_matches(uri: str) -> None:
    with pytest.raises(ContractError) as caught:
        match(ALL, uri)
    message = str(caught.value)
    assert message.startswith(f"{uri}: no contract describes it; there are ")
    for known in ALL:
        assert f"{known.location} ({known.path})" in message


def test_there_are_no_contracts() -> None:
    with pytest.raises(ContractError, match="there are no contracts; pass a file or a directory"):
        match((), "s3://b/k")


@pytest.mark.parametrize("uri", ["s3://landing/acme/orders/orders_1.csv", "orders_1.csv"])
def test_two_contracts_match(uri: str) -> None:
    with pytest.raises(ContractError) as caught:
        match((*ALL, dataset("twin", "s3://landing/acme/orders/*.csv")), uri)
    assert "orders.odcs.yaml and twin.odcs.yaml" in str(caught.value)
    assert caught.value.exit_code == 64


def test_a_location_with_more_levels_says_more_of_a_local_file() -> None:
    top = dataset("top", "s3://landing/*.csv")
    assert match((top, ORDERS), "copy/acme/orders/orders_1.csv") is ORDERS
    assert match((top, ORDERS), "copy/acme/orders/other.csv") is top


def test_a_path_is_better_than_a_name() -> None:
    other = dataset("other", "s3://landing/other/orders_*.csv")
    assert match((other, ORDERS), "acme/orders/orders_1.csv") is ORDERS
    assert match((other, ORDERS), "other/orders_1.csv") is other
    with pytest.raises(ContractError, match="more than one contract"):
        match((other, ORDERS), "orders_1.csv")


def test_the_only_contract_describes_every_local_file() -> None:
    assert match((ORDERS,), "anything.txt", only=True) is ORDERS
    assert match((ORDERS,), "file:///anything.txt", only=True) is ORDERS
    with pytest.raises(ContractError):
        match((ORDERS,), "anything.txt")
    with pytest.raises(ContractError):
        match((ORDERS,), "s3://landing/anything.txt", only=True)


@pytest.mark.parametrize(
    ("location", "uri", "fits"),
    [
        ("s3://b/a?c.csv", "s3://b/abc.csv", True),
        ("s3://b/a?c.csv", "s3://b/a/c.csv", False),
        ("s3://b/**/x.csv", "s3://b/x.csv", True),
        ("s3://b/**/x.csv", "s3://b/1/2/x.csv", True),
        ("s3://b/**/x.csv", "s3://b/1/yx.csv", False),
        ("s3://b/a/**", "s3://b/a/1/2/x.csv", True),
        ("s3://b/a/**", "s3://b/aa/x.csv", False),
        ("s3://b/[a].csv", "s3://b/[a].csv", True),
        ("s3://b/[a].csv", "s3://b/a.csv", False),
        ("s3://b/a.csv", "s3://b/aXcsv", False),
        ("s3://b/*.csv", "s3://b/line\nbreak.csv", True),
        ("s3://b/größe*.csv", "s3://b/größe1.csv", True),
    ],
)
def test_wildcards(location: str, uri: str, fits: bool) -> None:
    one = dataset("one", location)
    if fits:
        assert match((one,), uri) is one
    else:
        with pytest.raises(ContractError):
            match((one,), uri)


def test_a_local_location() -> None:
    local = dataset("local", "./data/in/*.csv")
    assert match((local,), "/srv/data/in/a.csv") is local
    assert match((local,), "a.csv") is local
    with pytest.raises(ContractError):
        match((local,), "s3://b/data/in/a.csv")
    absolute = dataset("absolute", "/srv/in/*.csv")
    assert match((absolute,), "file:///srv/in/a.csv") is absolute
