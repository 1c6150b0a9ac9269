"""A Docker engine as the image's tests use it: a database on a network without a way out, and runs of the image there."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
POSTGRES = os.environ.get("LANDFALL_TEST_POSTGRES_IMAGE", "postgres:17")
PASSWORD = "only-in-tests"
URL = f"postgresql://landfall:{PASSWORD}@postgres:5432/landfall"


def docker(*arguments: object, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """One docker command, with its output as text."""
    done = subprocess.run(["docker", *map(str, arguments)], capture_output=True, text=True, timeout=1800, **options)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def engine_answers() -> bool:
    """Whether there is a Docker engine here."""
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def image_of(target: str) -> str:
    """The image of a target: the one that LANDFALL_TEST_IMAGE (LANDFALL_TEST_IMAGE_SPARK) names, else built here."""
    named = os.environ.get("LANDFALL_TEST_IMAGE" + ("_SPARK" if target == "spark" else ""))
    if named:
        return named
    image = f"landfall-test:{target}"
    base = os.environ.get("LANDFALL_TEST_PYTHON_IMAGE", "python:3.11-slim-bookworm")
    docker("build", "--quiet", "--target", target, "--build-arg", f"PYTHON_IMAGE={base}", "--tag", image, ROOT)
    return image


@dataclass(frozen=True)
class Site:
    """A network without a way out, and a PostgreSQL on it, by the name of `postgres`."""

    network: str
    server: str

    def sql(self, query: str) -> list[list[str]]:
        """The rows of a query, as text."""
        done = docker("exec", self.server, "psql", "-XqtAU", "landfall", "-c", query)
        return [line.split("|") for line in done.stdout.splitlines()]

    def command(self, image: str, *arguments: object, options: tuple[object, ...] = ()) -> list[object]:
        """`docker run` as it is meant for the image: read-only, no rights, nothing but /tmp to write to."""
        return [
            "run", "--rm", "--network", self.network, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges", "--volume", f"{ROOT / 'samples'}:/data:ro",
            "--env", f"LANDFALL_DATABASE_URL={URL}", "--env", "LANDFALL_CONTRACTS=contracts",
            *options, image, *arguments,
        ]  # fmt: skip

    def landfall(self, image: str, *arguments: object, options: tuple[object, ...] = ()) -> Done:
        """Run the image to its end."""
        done = docker(*self.command(image, *arguments, options=options), check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def python(self, image: str, code: str, options: tuple[object, ...] = ()) -> str:
        """What a piece of Python prints inside the image."""
        done = docker(*self.command(image, "-c", code, options=("--entrypoint", "python", *options)))
        return done.stdout.strip()


@dataclass(frozen=True)
class Done:
    """A finished run of the image."""

    code: int
    out: str
    err: str

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@contextmanager
def a_site() -> Iterator[Site]:
    """A network with a database, both removed at the end."""
    name = f"landfall-test-{uuid.uuid4().hex[:8]}"
    docker("network", "create", "--internal", name)
    try:
        docker(
            "run", "--rm", "--detach", "--name", name, "--network", name, "--network-alias", "postgres",
            "--tmpfs", "/var/lib/postgresql/data", "--env", "POSTGRES_USER=landfall", "--env", f"POSTGRES_PASSWORD={PASSWORD}",
            POSTGRES, "postgres", "-c", "fsync=off",
        )  # fmt: skip
        try:
            yield Site(name, name)
        finally:
            docker("rm", "--force", "--volumes", name, check=False)
    finally:
        docker("network", "rm", name, check=False)
