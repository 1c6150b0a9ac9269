"""One machine as AWS: a PostgreSQL for Aurora, the local AWS, and the removal of everything that either started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[1]
REGION = "eu-west-1"
POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:17")
LAMBDA_IMAGE = os.environ.get("MOTO_DOCKER_LAMBDA_IMAGE")  # None: built from images/lambda-ric
# TLS with Debian's self-signed certificate, as RDS forces it; no fsync, because nothing here outlives the rehearsal.
SERVER_OPTIONS = (
    "ssl=on",
    "ssl_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "ssl_key_file=/etc/ssl/private/ssl-cert-snakeoil.key",
    "fsync=off",
    "log_connections=on",  # says of each whether it was encrypted
)
# As RDS: no connection without TLS; who is in rds_iam, directly or not, brings a token instead of a password.
# Nobody here can check a token, so the name of the one role that has any lets it in.
ACCESS = """local all postgres trust
hostssl all landfall all trust
hostssl all +rds_iam all reject
hostssl all all all scram-sha-256
"""


def run(*command: object, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """One command with its output as text. Raises RuntimeError with the end of that output if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if check and done.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, command))[:200]}: exit code {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}"
        )
    return done


def missing() -> str | None:
    """What this machine lacks for a rehearsal, in one sentence; None if it lacks nothing."""
    for program in ("docker", "terraform", "aws"):
        if shutil.which(program) is None:
            return f"the rehearsal needs {program}, which is not installed"
    if run("docker", "info", check=False).returncode:
        return "the rehearsal needs a Docker engine, and none answers"
    if run("aws", "--version", check=False).returncode:
        return "the rehearsal needs the AWS command line, and it does not start"
    return None


def provider_missing(scratch: Path) -> str | None:
    """The same of Terraform's AWS provider, which only `init` can tell. `scratch`: an empty folder."""
    shutil.copy(ROOT / "terraform" / "versions.tf", scratch)
    plugins = [f"-plugin-dir={os.environ['TF_PLUGIN_DIR']}"] if "TF_PLUGIN_DIR" in os.environ else []
    command = ("terraform", f"-chdir={scratch}", "init", "-backend=false", "-input=false", "-no-color", *plugins)
    done = run(*command, check=False, env=clean_environment())
    needs = "the rehearsal needs Terraform's AWS provider, from its registry or from the folder TF_PLUGIN_DIR"
    return f"{needs} ({' '.join(done.stderr.split())[:160]})" if done.returncode else None


@dataclass
class Site:
    """PostgreSQL and the local AWS. `work`: scratch directory for logs; `server_module`: what runs as the local AWS."""

    work: Path
    server_module: str = "rehearse.server"
    name: str = field(default_factory=lambda: f"rehearsal-{uuid.uuid4().hex[:8]}")
    server: subprocess.Popen[bytes] | None = None
    endpoint: str = ""
    lent_busybox: bool = False

    def up(self) -> None:
        """Start both. Raises RuntimeError if one does not answer within 30 seconds."""
        start_postgres(self.name)
        where = "{{.NetworkSettings.Gateway}} {{.NetworkSettings.IPAddress}}"
        gateway, database_ip = run("docker", "inspect", "-f", where, self.name).stdout.split()
        port = free_port()
        self.endpoint = f"http://{gateway}:{port}"
        self.lent_busybox = lend_busybox()
        self.server = self.start_server(port, database_ip)
        self.wait_for_server(gateway, port)
        self.wait_for_postgres()
        self.restrict_access()

    def start_server(self, port: int, database_ip: str) -> subprocess.Popen[bytes]:
        own = {
            "MOTO_PORT": str(port),
            "MOTO_DOCKER_LAMBDA_IMAGE": lambda_image(),
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            "REHEARSAL_ENDPOINT": self.endpoint,
            "REHEARSAL_DATABASE_IP": database_ip,
            "REHEARSAL_NAME": self.name,
        }
        # All addresses: containers come through Docker's gateway.
        command = [sys.executable, "-m", self.server_module, "-H", "0.0.0.0", "-p", str(port)]
        with (self.work / "server.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=clean_environment() | own, stdout=log, stderr=log)

    def wait_for_server(self, gateway: str, port: int) -> None:
        for _ in range(300):
            if self.server is None or self.server.poll() is not None:
                break
            try:
                socket.create_connection((gateway, port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("the local AWS did not start:\n" + (self.work / "server.log").read_text()[-3000:])

    def wait_for_postgres(self) -> None:
        for _ in range(300):
            # By TCP: while the image prepares itself, its server listens to the local socket only.
            if run("docker", "exec", self.name, "pg_isready", "-h", "127.0.0.1", check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start:\n" + run("docker", "logs", self.name).stderr[-3000:])

    def restrict_access(self) -> None:
        run("docker", "exec", "-i", self.name, "sh", "-c", "cat > $PGDATA/pg_hba.conf", input=ACCESS)
        self.sql("SELECT pg_reload_conf()", database="postgres")

    def sql(self, query: str, database: str = "landfall") -> list[list[str]]:
        """The rows of a query, as text, by a superuser."""
        command = (
            "docker",
            "exec",
            "-i",
            self.name,
            "psql",
            "-XqtAU",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
        )
        return [line.split("|") for line in run(*command, input=query).stdout.splitlines()]

    def environment(self) -> dict[str, str]:
        """For whatever is to take the local AWS for AWS."""
        own = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return clean_environment() | own

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
        return boto3.session.Session(**keys).client(service, region_name=REGION, endpoint_url=self.endpoint)

    def down(self) -> None:
        """Remove the server and every container of this site, whatever happened before."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
        for container in run("docker", "ps", "-aq", "--filter", f"label=landfall.rehearsal={self.name}").stdout.split():
            run("docker", "rm", "--force", "--volumes", container, check=False)
        self.remove_triggers()
        if self.lent_busybox:
            run("docker", "rmi", "--no-prune", "busybox:latest", check=False)

    def remove_triggers(self) -> None:
        """Of the trigger's containers, which moto starts, one may be left if the server was stopped in its call."""
        port = self.endpoint.rsplit(":", 1)[-1]
        started = run("docker", "ps", "-aq", "--filter", f"ancestor={lambda_image()}").stdout.split()
        for container in started:
            settings = run("docker", "inspect", "-f", "{{.Config.Env}}", container, check=False).stdout
            if port and f"MOTO_PORT={port}" in settings.strip("[]\n").split():
                run("docker", "rm", "--force", "--volumes", container, check=False)


def start_postgres(name: str) -> None:
    options = [word for option in SERVER_OPTIONS for word in ("-c", option)]
    run(
        "docker", "run", "--detach", "--name", name, "--label", f"landfall.rehearsal={name}",
        "--tmpfs", "/var/lib/postgresql/data", "--env", "POSTGRES_PASSWORD=only-in-the-rehearsal",
        POSTGRES_IMAGE, "postgres", *options,
    )  # fmt: skip


def lambda_image() -> str:
    return LAMBDA_IMAGE or "landfall-rehearsal-lambda:python3.11"


def build_lambda_image() -> None:
    """Build the trigger's runtime, unless an image is named."""
    if LAMBDA_IMAGE is None:
        base = os.environ.get("PYTHON_IMAGE", "python:3.11-slim-bookworm")
        folder = ROOT / "rehearse" / "images" / "lambda-ric"
        run("docker", "build", "--build-arg", f"PYTHON_IMAGE={base}", "--tag", lambda_image(), folder)


def lend_busybox() -> bool:
    """moto unpacks the trigger's code with `busybox:latest`. Where it cannot be had, Python's image gets that name."""
    have = run("docker", "image", "inspect", "busybox:latest", check=False).returncode == 0
    if have or run("docker", "pull", "--quiet", "busybox:latest", check=False).returncode == 0:
        return False
    run("docker", "tag", os.environ.get("PYTHON_IMAGE", "python:3.11-slim-bookworm"), "busybox:latest")
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """Without what would lead to a real account, or change the stack."""
    ours = ("AWS_", "TF_VAR_", "TF_CLI_CONFIG_FILE", "TF_DATA_DIR", "LANDFALL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
