"""Which source objects an argument means."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from pipeline.errors import SourceError, TransientError, UsageError
from pipeline.source import SourceObject, fetch, from_json, named


def names(*arguments: object) -> list[str]:
    return [source.uri.rsplit("/", 1)[1] for source in named(tuple(map(str, arguments)))]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "deep/er/c.csv", "deep/d.json", ".hidden.csv", ".git/e.csv", "orders.odcs.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


class TestLocal:
    def test_a_file(self, tree: Path) -> None:
        (source,) = named((str(tree / "a.csv"),))
        assert source == SourceObject(f"file://{tree}/a.csv", path=tree / "a.csv", size=5)
        assert source.name == "a.csv"

    def test_a_relative_path_has_an_absolute_uri(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tree)
        (source,) = named(("./deep/../a.csv",))
        assert source.uri == f"file://{tree}/a.csv"

    def test_a_link_and_its_file_are_one_object(self, tree: Path) -> None:
        (tree / "link.csv").symlink_to(tree / "a.csv")
        assert names(tree / "link.csv") == ["a.csv"]

    def test_a_directory_means_its_files_at_any_depth_in_order(self, tree: Path) -> None:
        assert names(tree) == ["a.csv", "b.csv", "d.json", "c.csv"]

    def test_globs(self, tree: Path) -> None:
        assert names(tree / "*.csv") == ["a.csv", "b.csv"]
        assert names(tree / "**" / "*.csv") == ["a.csv", "b.csv", "c.csv"]
        assert names(tree / "[b].csv", tree / "deep" / "d.*") == ["b.csv", "d.json"]

    @pytest.mark.parametrize(
        "name", ["per%20cent.csv", "100%.csv", "a b.csv", "[x].csv", "ünï.csv", "what?.csv", "a*b.csv", "#.csv", "a\nb"]
    )
    def test_a_name_that_exists_is_taken_as_it_stands(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("x")
        (source,) = named((str(tmp_path / name),))
        assert source.uri == f"file://{tmp_path}/{name}"
        assert fetch(source, tmp_path).path.read_text() == "x"

    def test_nothing_there(self, tree: Path) -> None:
        (tree / "empty").mkdir()
        with pytest.raises(SourceError, match=r"absent\.csv: no such file"):
            names(tree / "absent.csv")
        with pytest.raises(SourceError, match=r"no such file.*quote the pattern"):
            names(tree / "*.parquet")
        with pytest.raises(SourceError, match="the directory holds no files"):
            names(tree / "empty")

    def test_fetching_leaves_the_file_where_it_is(self, tree: Path, tmp_path: Path) -> None:
        (source,) = named((str(tree / "a.csv"),))
        found = fetch(source, tmp_path)
        digest = hashlib.sha256(b"a.csv").hexdigest()
        assert (found.path, found.sha256, found.version, found.bytes) == (tree / "a.csv", digest, digest, 5)

    def test_what_is_no_file(self) -> None:
        with pytest.raises(SourceError, match="/dev/null: is not a file"):
            names("/dev/null")

    def test_a_name_that_no_ledger_can_hold(self, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path) + b"/\xff.csv"
        with open(path, "wb"):  # noqa: PTH123 - a path of bytes
            pass
        with pytest.raises(SourceError, match=r"\\udcff\.csv': the file's name is not UTF-8"):
            names(os.fsdecode(path))

    def test_a_file_that_is_still_being_written_is_noticed(self, tree: Path, tmp_path: Path) -> None:
        path = tree / "a.csv"
        (source,) = named((str(path),))
        found = fetch(source, tmp_path)
        found.require_unchanged()
        with path.open("a") as file:
            file.write("more")
        with pytest.raises(TransientError, match="changed while it was read"):
            found.require_unchanged()
        found = fetch(source, tmp_path)
        os.utime(path, ns=(0, 0))
        with pytest.raises(TransientError, match="changed while it was read"):
            found.require_unchanged()

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        path = tmp_path / "gone.csv"
        path.write_text("x")
        (source,) = named((str(path),))
        path.unlink()
        with pytest.raises(SourceError, match=f"{path}: cannot be read: {os.strerror(2)}"):
            fetch(source, tmp_path)


class TestS3:
    def test_bucket_key_and_version(self) -> None:
        (source,) = named(("s3://landing/a/b.csv?versionId=v.1_2",))
        assert source == SourceObject("s3://landing/a/b.csv", bucket="landing", key="a/b.csv", version="v.1_2")
        assert source.name == "b.csv"

    @pytest.mark.parametrize("key", ["a%20b+c d.csv", "what?.csv", "a?versionId=/b", "/lead//double", "#&=;"])
    def test_a_key_is_taken_as_it_stands(self, key: str) -> None:
        (source,) = named((f"s3://landing/{key}",))
        assert (source.key, source.version, source.uri) == (key, None, f"s3://landing/{key}")

    @pytest.mark.parametrize(
        "argument", ["s3://", "s3://landing", "s3://landing/", "s3://landing/folder/", "s3:///key"]
    )
    def test_no_object(self, argument: str) -> None:
        with pytest.raises(UsageError, match="expected s3://bucket/key"):
            list(named((argument,)))


class TestFromTheTrigger:
    def test_all_that_an_event_knows(self) -> None:
        entry = {
            "bucket": "landing",
            "key": "a b+%.csv",
            "versionId": "v1",
            "etag": '"e1"',
            "size": 7,
            "sequencer": "0A",
        }
        (source,) = from_json(json.dumps([entry]))
        assert source == SourceObject(
            "s3://landing/a b+%.csv", bucket="landing", key="a b+%.csv", version="v1", etag="e1", size=7, sequencer="0A"
        )  # fmt: skip

    @pytest.mark.parametrize("version", [{}, {"versionId": None}, {"versionId": ""}])
    def test_an_unversioned_bucket(self, version: dict[str, str | None]) -> None:
        (source,) = from_json(json.dumps([{"bucket": "b", "key": "k", **version}]))
        assert (source.version, source.etag, source.sequencer) == (None, None, None)

    @pytest.mark.parametrize(
        "text", ["", "{}", "null", "[1]", '["x"]', '[{"bucket": "b"}]', '[{"key": "k"}]', '[{"bucket": "b", "key": 1}]',
                 '[{"bucket": "", "key": "k"}]', '[{"bucket": "b", "key": "k"}'],
    )  # fmt: skip
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="--objects-json expects"):
            list(from_json(text))
