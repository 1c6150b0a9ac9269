"""From a task definition and RunTask's overrides to the arguments of one `docker run`."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

ENDPOINT = os.environ["REHEARSAL_ENDPOINT"]  # the local AWS, as containers reach it
DATABASE_IP = os.environ["REHEARSAL_DATABASE_IP"]  # where every RDS endpoint name leads
LABELS = {"landfall.rehearsal": os.environ["REHEARSAL_NAME"]}  # by which the teardown finds its own containers
KEYS = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}


def aws(service: str, region: str) -> Any:
    """A client for the local AWS. Its own session: boto3's default one is not for several threads."""
    return boto3.session.Session(**KEYS).client(service, region_name=region, endpoint_url=ENDPOINT)


def essential(task_definition: Any) -> dict[str, Any]:
    """The container that a task lives and dies with; the rehearsal runs no others."""
    return next(c for c in task_definition.container_definitions if c.get("essential", True))


def override_of(task: Any, name: str) -> dict[str, Any]:
    """What RunTask changed for the container `name`. Raises ValueError for a container that does not exist."""
    overrides = (task.overrides or {}).get("containerOverrides") or []
    unknown = {override["name"] for override in overrides} - {name}
    if unknown:
        raise ValueError(f"no container named {', '.join(sorted(unknown))} in the task definition")
    return next(iter(overrides), {})


def docker_arguments(task: Any, task_definition: Any) -> dict[str, Any]:
    """What Fargate makes of a task definition, in docker's words. Raises where a secret cannot be read."""
    container = essential(task_definition)
    override = override_of(task, container["name"])
    capabilities = (container.get("linuxParameters") or {}).get("capabilities") or {}
    arguments = {
        "image": container["image"],
        "command": override.get("command") or container.get("command"),
        "environment": environment(task, container, override),
        "name": f"ecs-{task.id}",
        "labels": LABELS,
        "extra_hosts": database_names(task.region_name),
        "read_only": bool(container.get("readonlyRootFilesystem")),
        "init": bool((container.get("linuxParameters") or {}).get("initProcessEnabled")),
        "cap_drop": capabilities.get("drop"),
        "volumes": [mount["containerPath"] for mount in container.get("mountPoints") or []],
        "detach": True,
    }
    return arguments | size(task, task_definition)


def environment(task: Any, container: dict[str, Any], override: dict[str, Any]) -> dict[str, str]:
    """Task definition first, then RunTask's, then secrets, then what ECS adds (here also where AWS is)."""
    given = [*(container.get("environment") or []), *(override.get("environment") or [])]
    secrets = {s["name"]: secret_value(s["valueFrom"], task.region_name) for s in container.get("secrets") or []}
    region = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), task.region_name)
    ours = {name.upper(): value for name, value in KEYS.items()} | {"AWS_ENDPOINT_URL": ENDPOINT}
    return {e["name"]: e["value"] for e in given} | secrets | region | ours


def secret_value(reference: str, region: str) -> str:
    """The secret of an ARN, or one key of it (`<arn>:key::`)."""
    parts = reference.split(":")
    secret: str = aws("secretsmanager", region).get_secret_value(SecretId=":".join(parts[:7]))["SecretString"]
    key = parts[7] if len(parts) > 7 else ""
    return json.loads(secret)[key] if key else secret


def database_names(region: str) -> dict[str, str]:
    """The names that RDS gave its endpoints, for the container's hosts file: tasks use the stack's real address."""
    clusters = aws("rds", region).describe_db_clusters()["DBClusters"]
    names = [cluster[field] for cluster in clusters for field in ("Endpoint", "ReaderEndpoint") if cluster.get(field)]
    return dict.fromkeys(names, DATABASE_IP)


def size(task: Any, task_definition: Any) -> dict[str, Any]:
    """Memory in MiB and CPU units as limits; never more CPUs than there are."""
    overrides = task.overrides or {}
    cpus = float(overrides.get("cpu") or task_definition.cpu) / 1024
    memory = int(overrides.get("memory") or task_definition.memory)
    return {"mem_limit": f"{memory}m", "nano_cpus": int(min(cpus, os.cpu_count() or 1) * 1e9)}
