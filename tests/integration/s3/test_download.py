"""Objects of S3 arrive as they are, whatever happens on the way, or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from awscrt import checksums
from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError, SSLError

from pipeline.errors import SourceError, TransientError, UsageError
from pipeline.s3 import download as downloading
from pipeline.s3.checksums import expected
from pipeline.source import SourceObject, fetch, named
from tests.integration.command_line import ROOT, start
from tests.integration.s3.conftest import pointed_at
from tests.integration.s3.faulty import FaultyS3

Bucket = Callable[..., str]
CONTENT = os.urandom(3_500_000)
OBJECT = SourceObject("s3://landing/data.csv", bucket="landing", key="data.csv")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several ranges also of a small object."""
    monkeypatch.setattr(downloading, "RANGE", 1_000_000)
    monkeypatch.setattr(downloading, "BLOCK", 100_000)


def fetched(source: SourceObject, work: Path) -> bytes:
    found = fetch(source, work)
    content = found.path.read_bytes()
    assert (found.sha256, found.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    return content


def sum64(algorithm: str, content: bytes) -> str:
    """What S3 answers as x-amz-checksum-<algorithm>."""
    value = {
        "sha256": lambda: hashlib.sha256(content).digest(),
        "sha1": lambda: hashlib.sha1(content).digest(),
        "crc32": lambda: zlib.crc32(content).to_bytes(4, "big"),
        "crc32c": lambda: checksums.crc32c(content).to_bytes(4, "big"),
        "crc64nvme": lambda: checksums.crc64nvme(content).to_bytes(8, "big"),
    }[algorithm]()
    return base64.b64encode(value).decode()


class TestWhole:
    @pytest.mark.parametrize("size", [0, 1, 999_999, 1_000_000, 1_000_001, 3_500_000])
    def test_any_size(self, s3: Any, bucket: Bucket, tmp_path: Path, size: int) -> None:
        name = bucket()
        s3.put_object(Bucket=name, Key="data", Body=CONTENT[:size])
        assert fetched(*named((f"s3://{name}/data",)), tmp_path) == CONTENT[:size]

    @pytest.mark.parametrize(
        "key",
        ["with space+plus.csv", "per%20cent%.csv", "ünï/cødé 😀.csv", "a?b=c&d.csv", "//double//slash.csv",
         "quo'te\"s.csv", "#hash;semi,comma.csv", "x" * 1000, "?versionId=no", "$&@=:,()*![]{}|\\^~`.csv"],
    )  # fmt: skip
    def test_awkward_keys(self, s3: Any, bucket: Bucket, tmp_path: Path, key: str) -> None:
        name = bucket()
        version = s3.put_object(Bucket=name, Key=key, Body=key.encode())["VersionId"]
        s3.put_object(Bucket=name, Key=key, Body=b"newer")
        (source,) = named((f"s3://{name}/{key}?versionId={version}",))
        assert (source.key, source.version) == (key, version)
        assert fetched(source, tmp_path) == key.encode()

    def test_the_latest_version_unless_one_is_named(self, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
        name = bucket()
        first = s3.put_object(Bucket=name, Key="k", Body=b"first")["VersionId"]
        second = s3.put_object(Bucket=name, Key="k", Body=b"second")["VersionId"]
        latest = fetch(*named((f"s3://{name}/k",)), tmp_path)
        assert (latest.path.read_bytes(), latest.version) == (b"second", second)
        older = fetch(*named((f"s3://{name}/k?versionId={first}",)), tmp_path)
        assert (older.path.read_bytes(), older.version) == (b"first", first)
        assert older.source.etag == hashlib.md5(b"first").hexdigest()

    def test_what_was_deleted_since_the_event_is_still_loaded(self, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
        name = bucket()
        version = s3.put_object(Bucket=name, Key="k", Body=b"content")["VersionId"]
        s3.delete_object(Bucket=name, Key="k")
        assert fetched(*named((f"s3://{name}/k?versionId={version}",)), tmp_path) == b"content"
        with pytest.raises(SourceError, match=r"no such object|delete marker"):
            fetch(*named((f"s3://{name}/k",)), tmp_path)

    def test_without_versions_the_etag_is_the_version(self, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
        name = bucket(versioned=False)
        s3.put_object(Bucket=name, Key="k", Body=b"content")
        found = fetch(*named((f"s3://{name}/k",)), tmp_path)
        assert found.version == found.source.etag == hashlib.md5(b"content").hexdigest()

    def test_an_event_overtaken_in_an_unversioned_bucket_lends_nothing(
        self, s3: Any, bucket: Bucket, tmp_path: Path
    ) -> None:
        name = bucket(versioned=False)
        s3.put_object(Bucket=name, Key="k", Body=b"newer")
        older = SourceObject(f"s3://{name}/k", bucket=name, key="k", etag="0" * 32, sequencer="01")
        found = fetch(older, tmp_path)
        assert (found.source.etag, found.source.sequencer) == (hashlib.md5(b"newer").hexdigest(), None)

    def test_what_was_uploaded_in_parts(self, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
        name, part = bucket(), os.urandom(5 << 20)
        parts = [part, part[::-1], b"the rest"]
        upload = s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
        sent = [
            {"PartNumber": n, "ETag": s3.upload_part(Bucket=name, Key="k", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
            for n, body in enumerate(parts, 1)
        ]  # fmt: skip
        s3.complete_multipart_upload(Bucket=name, Key="k", UploadId=upload, MultipartUpload={"Parts": sent})
        assert fetched(*named((f"s3://{name}/k",)), tmp_path) == b"".join(parts)

    def test_memory_does_not_grow_with_the_object(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content = bytes(200 << 20)
        program = (
            "import sys; from pathlib import Path; from pipeline.source import *; from tests.memory import peak_kb; "
            "from pipeline.s3.client import client; client(); import pipeline.s3.download; "
            "before = peak_kb(); "
            "fetch(*named(('s3://b/k',)), Path(sys.argv[1])); "
            "print(peak_kb() - before)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
        )
        assert (tmp_path / "object").stat().st_size == 200 << 20
        assert int(done.stdout) < 60_000  # kB

    def test_a_work_directory_that_is_too_small(
        self, faulty: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        faulty.content = b"12345"
        monkeypatch.setattr(downloading.shutil, "disk_usage", lambda _: _Free(4))
        with pytest.raises(UsageError, match=r"its 5 bytes do not fit .* which has 4 left"):
            fetch(OBJECT, tmp_path)


class _Free:
    def __init__(self, free: int) -> None:
        self.free = free


class TestChecksums:
    @pytest.mark.parametrize("algorithm", ["sha256", "sha1", "crc64nvme", "crc32c", "crc32"])
    def test_every_algorithm_of_s3_is_verified(self, faulty: FaultyS3, tmp_path: Path, algorithm: str) -> None:
        faulty.content, faulty.plain_etag = CONTENT, False
        faulty.headers = {f"x-amz-checksum-{algorithm}": sum64(algorithm, CONTENT)}
        assert fetched(OBJECT, tmp_path) == CONTENT
        faulty.headers = {f"x-amz-checksum-{algorithm}": sum64(algorithm, CONTENT + b"x")}
        with pytest.raises(TransientError, match=f"{algorithm.upper()} checksum that S3 keeps, 3 times in a row"):
            fetch(OBJECT, tmp_path)

    @pytest.mark.parametrize("algorithm", ["sha256", "crc32"])
    def test_a_checksum_of_checksums(self, algorithm: str) -> None:
        half = len(CONTENT) // 2
        each = b"".join(base64.b64decode(sum64(algorithm, part)) for part in (CONTENT[:half], CONTENT[half:]))
        head = {
            "ETag": '"x-2"',
            "ContentLength": len(CONTENT),
            f"Checksum{algorithm.upper()}": sum64(algorithm, each) + "-2",
        }
        check = expected(head, half)
        assert check is not None
        digest = check.digest()
        for at in range(0, len(CONTENT), 333_333):
            digest.update(CONTENT[at : at + 333_333])
        assert digest.digest() == check.value
        assert expected(head, half - 1) is None  # that would make three parts

    def test_the_etag_counts_where_there_is_nothing_better(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content = CONTENT
        faulty.flipped = 1
        assert fetched(OBJECT, tmp_path) == CONTENT
        faulty.flipped = 100
        with pytest.raises(TransientError, match="MD5 checksum that S3 keeps"):
            fetch(OBJECT, tmp_path)

    def test_the_etag_of_a_kms_object_is_no_checksum(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.plain_etag = CONTENT, False
        faulty.headers = {"x-amz-server-side-encryption": "aws:kms"}
        assert fetched(OBJECT, tmp_path) == CONTENT

    @pytest.mark.parametrize("algorithm", ["SHA256", "CRC32"])
    def test_as_moto_keeps_them(self, s3: Any, bucket: Bucket, tmp_path: Path, algorithm: str) -> None:
        name = bucket()
        s3.put_object(Bucket=name, Key="k", Body=CONTENT, ChecksumAlgorithm=algorithm)
        assert s3.head_object(Bucket=name, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"]
        assert fetched(*named((f"s3://{name}/k",)), tmp_path) == CONTENT


class TestFaults:
    def test_a_body_that_breaks_off_is_continued(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.broken = CONTENT, 5
        assert fetched(OBJECT, tmp_path) == CONTENT
        assert faulty.requests["GET"] == 4 + 5

    def test_a_body_that_breaks_off_in_urllib3_is_continued(
        self, faulty: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        faulty.content, read = CONTENT, HTTPResponse.read
        errors = iter([SSLError("[SSL: BAD_RECORD_MAC]"), ReadTimeoutError(None, None, "timed out")])  # type: ignore[arg-type]

        def broken(body: HTTPResponse, amt: int | None = None, **options: Any) -> bytes:
            error = next(errors, None) if amt == downloading.BLOCK else None
            if error:
                raise error
            return read(body, amt, **options)

        monkeypatch.setattr(HTTPResponse, "read", broken)
        assert fetched(OBJECT, tmp_path) == CONTENT
        assert faulty.requests["GET"] == 4 + 2

    def test_a_burst_of_503_is_waited_out(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.busy = CONTENT, 4
        assert fetched(OBJECT, tmp_path) == CONTENT

    def test_when_s3_stays_busy(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.refusal = (503, "SlowDown", "Please reduce your request rate.")
        with pytest.raises(TransientError, match=r"s3://landing/data.csv: S3 is busy \(503\)"):
            fetch(OBJECT, tmp_path)
        assert faulty.requests["HEAD"] == 5

    def test_wrong_bytes_are_fetched_again(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.flipped = CONTENT, 2
        assert fetched(OBJECT, tmp_path) == CONTENT
        assert faulty.requests["HEAD"] == 2

    def test_overwritten_while_it_is_read(self, faulty: FaultyS3, tmp_path: Path) -> None:
        newer = CONTENT[::-1]
        faulty.content, faulty.replaced = CONTENT, (3, newer)
        found = fetch(OBJECT, tmp_path)
        assert found.path.read_bytes() == newer
        assert found.source.etag == hashlib.md5(newer).hexdigest()

    def test_a_server_that_ignores_ranges(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.ignores_ranges = CONTENT, True
        with pytest.raises(TransientError, match="another range"):
            fetch(OBJECT, tmp_path)

    @pytest.mark.parametrize(
        ("status", "code", "said"),
        [
            (
                403,
                "AccessDenied",
                "not allowed. The role needs s3:GetObject and s3:GetObjectVersion. Without s3:ListBucket",
            ),
            (404, "NoSuchKey", "no such object"),
            (405, "MethodNotAllowed", "delete marker"),
            (401, "AuthFailure", "does not accept the AWS credentials"),
        ],
    )
    def test_refusals_are_explained(self, faulty: FaultyS3, tmp_path: Path, status: int, code: str, said: str) -> None:
        faulty.refusal = (status, code, "")
        with pytest.raises(SourceError) as raised:
            fetch(SourceObject("s3://landing/data.csv", bucket="landing", key="data.csv", version="v7"), tmp_path)
        assert str(raised.value).startswith("s3://landing/data.csv version v7: ")
        assert said in str(raised.value)

    def test_no_such_key_version_or_bucket(self, s3: Any, bucket: Bucket, tmp_path: Path) -> None:
        name = bucket()
        for uri in (f"s3://{name}/absent", f"s3://{name}x/absent"):
            with pytest.raises(SourceError, match="no such object"):
                fetch(*named((uri,)), tmp_path)
        s3.put_object(Bucket=name, Key="k", Body=b"x")
        with pytest.raises(SourceError):
            fetch(*named((f"s3://{name}/k?versionId=8c9a3d6e-6f0b-4c8e-9d5a-111111111111",)), tmp_path)
        s3.delete_object(Bucket=name, Key="k")
        with pytest.raises(SourceError, match=r"no such object|delete marker"):
            fetch(*named((f"s3://{name}/k",)), tmp_path)

    def test_a_signal_ends_a_slow_download_at_once(self, faulty: FaultyS3, tmp_path: Path) -> None:
        faulty.content, faulty.pause = bytes(30 << 20), 0.2
        contract = ROOT / "samples" / "contracts" / "orders.odcs.yaml"
        uri = "s3://landing/acme/orders/orders_1.csv"
        process = start("load", uri, "--contracts", contract, "--json", **pointed_at(faulty.url))
        while faulty.requests["GET"] == 0:
            time.sleep(0.05)
        time.sleep(0.3)
        sent = time.monotonic()
        process.terminate()
        out, err = process.communicate(timeout=30)
        assert time.monotonic() - sent < 5
        assert (process.returncode, json.loads(out)["error"]["kind"]) == (75, "interrupted")
        assert b"Traceback" not in err

    def test_nobody_answers(self, faulty: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(TransientError, match=r"S3 does not answer \(EndpointConnectionError\)"):
            fetch(OBJECT, tmp_path)

    def test_no_credentials(self, faulty: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        with pytest.raises(UsageError, match="there are no AWS credentials"):
            fetch(OBJECT, tmp_path)
