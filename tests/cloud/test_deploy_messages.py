"""What deploy.sh says before anything is changed, and when something went wrong."""

from __future__ import annotations

import shutil

import pytest

from tests.cloud.scripts import DIGEST, Scripts

GIVEN = {"LANDFALL_IMAGE": f"elsewhere@{DIGEST}"}


def changes(scripts: Scripts) -> list[str]:
    """Calls after which something is different from before."""
    calls = scripts.called("terraform") + scripts.called("docker push") + scripts.called("aws ecs run-task")
    return [call for call in calls if " apply " in call or not call.startswith("terraform")]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"NO_CREDENTIALS": "1"}, "No AWS credentials: run 'aws sso login' or set AWS_PROFILE."),
        ({"AWS_REGION": ""}, "No region: set AWS_REGION."),
        ({"NO_DOCKER": "1"}, "Docker does not answer: start it, or set LANDFALL_IMAGE"),
        ({"TF_VAR_architecture": "arm"}, "TF_VAR_architecture is 'arm': X86_64 or ARM64."),
    ],
)
def test_what_is_missing_is_said_before_anything_is_changed(
    scripts: Scripts, environment: dict[str, str], says: str
) -> None:
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1", **environment)
    assert done.returncode == 1
    assert f"Stopped: {says}" in done.stderr
    assert changes(scripts) == []


@pytest.mark.parametrize("program", ["aws", "terraform", "docker"])
def test_a_tool_that_is_missing_is_named(scripts: Scripts, program: str) -> None:
    (scripts.bin / program).unlink()
    only = scripts.bin.parent / "only"
    only.mkdir()
    for name in ("bash", "dirname", "git", "python3", "printf", "date", "cat", "rm", "grep"):
        (only / name).symlink_to(which(name))
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1", PATH=f"{scripts.bin}:{only}")
    assert done.returncode == 1
    assert f"Stopped: {program} is not installed." in done.stderr
    assert changes(scripts) == []


def which(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TASK": "None"}, "ECS started no bootstrap task, most likely for lack of capacity: run 'terraform/deploy.sh bootstrap'."),
        ({"EXIT_CODE": "75"}, "The bootstrap ended with exit code 75. Its log: aws logs tail /landfall/load --since 1h"),
    ],
)  # fmt: skip
def test_a_bootstrap_that_fails_is_said(scripts: Scripts, environment: dict[str, str], says: str) -> None:
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1", **GIVEN, **environment)
    assert done.returncode == 1
    assert f"Stopped: {says}" in done.stderr
    assert "What to do next" not in done.stderr


@pytest.mark.parametrize(
    ("quota", "says"),
    [
        ("16.0", "Fargate quota: 16.0 vCPU at the same time."),
        ("6.0", "Less than the largest task size (8 vCPU): ask for more"),
        ("none", "Fargate quota: could not be read."),
    ],
)
def test_the_quota_is_said_in_time(scripts: Scripts, quota: str, says: str) -> None:
    done = scripts.run("deploy.sh", "plan", QUOTA=quota)
    assert done.returncode == 0
    assert says in done.stderr
    assert (quota == "16.0") == ("Less than" not in done.stderr and "could not" not in done.stderr)


def test_the_database_can_be_left_alone(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1", LANDFALL_SKIP_BOOTSTRAP="1", **GIVEN)
    assert done.returncode == 0, done.stderr
    assert scripts.called("aws ecs run-task") == []
    assert done.stdout.endswith("output\n"), "the output next_steps"


def test_an_unknown_step_is_refused(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", "aply")
    assert done.returncode == 1
    assert "Unknown step 'aply': push, plan, apply or bootstrap, or none for everything." in done.stderr
