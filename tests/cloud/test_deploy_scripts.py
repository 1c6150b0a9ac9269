"""What deploy.sh and destroy.sh ask of aws, docker and terraform, with programs of these names that only take notes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "1" * 64
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall"

# Each answers the calls that matter here and notes all of them; what a test wants otherwise is in the environment.
PROGRAMS = {
    "aws": f"""
case "$*" in
  *get-caller-identity*) [ -z "$NO_CREDENTIALS" ] && echo 123456789012 ;;
  *get-service-quota*) echo "${{QUOTA:-16.0}}" ;;
  *describe-repositories*) [ -z "$NO_REPOSITORY" ] || [ -e "$NOTES.made" ] || exit 254; echo {REPOSITORY} ;;
  *describe-images*) [ -e "$NOTES.pushed" ] && echo {DIGEST} || exit 254 ;;
  *get-login-password*) echo password ;;
  *run-task*) echo "${{TASK:-arn:aws:ecs:task/1}}" ;;
  *exitCode*) echo "${{EXIT_CODE:-0}}" ;;
  *DeletionProtection*) echo "${{PROTECTION:-True}}" ;;
  *list-object-versions*) echo 7 ;;
esac
""",
    "docker": """
case "$1" in
  version) echo amd64 ;;
  build) [ -z "$BROKEN_BUILD" ] ;;
  login) cat >/dev/null ;;
  push) touch "$NOTES.pushed" ;;
esac
""",
    "terraform": """
case "$*" in
  *"output -raw bootstrap_command"*) echo "aws ecs run-task --cluster landfall" ;;
  *"output -raw image"*) echo present-image ;;
  *"output -raw landing_bucket"*) [ -z "$NO_STACK" ] && echo landing ;;
  *"output -raw"*) echo output ;;
  *-target=aws_ecr_repository*) touch "$NOTES.made" ;;
esac
""",
}


class Scripts:
    """A copy of the project's scripts and a PATH on which the three programs take notes."""

    def __init__(self, folder: Path) -> None:
        self.notes, self.bin, self.project = folder / "notes", folder / "bin", folder / "project"
        self.bin.mkdir()
        for name, answers in PROGRAMS.items():
            program = self.bin / name
            program.write_text(f'#!/usr/bin/env bash\necho "{name} $*" >> "$NOTES"\n{answers}')
            program.chmod(0o755)
        for part in ("terraform", "trigger_lambda"):
            shutil.copytree(
                ROOT / part, self.project / part, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
            )
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)
        git = ["git", "-C", str(self.project), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], check=True)

    def run(
        self, script: str, *arguments: str, answer: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        self.notes.write_text("")
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        path = f"{self.bin}:{os.environ['PATH']}"
        command = [str(self.project / "terraform" / script), *arguments]
        variables = kept | {"PATH": path, "NOTES": str(self.notes), "AWS_REGION": "eu-west-1"} | environment
        return subprocess.run(command, env=variables, input=answer, capture_output=True, text=True)

    def called(self, beginning: str) -> list[str]:
        return [note for note in self.notes.read_text().splitlines() if note.startswith(beginning)]


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path)


def order(scripts: Scripts, *parts: str) -> bool:
    """Whether the notes contain these texts, in this order."""
    text, at = scripts.notes.read_text(), 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
    return True


def test_push_builds_and_pushes_and_prints_the_digest_alone(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", "push")
    assert (done.returncode, done.stdout) == (0, f"{REPOSITORY}@{DIGEST}\n"), done.stderr
    assert order(scripts, "docker build --target native", "docker login", f"docker push {REPOSITORY}:native-")


def test_an_image_of_this_commit_is_not_built_twice(scripts: Scripts) -> None:
    subprocess.run(["git", "-C", str(scripts.project), "add", "."], check=True)
    git = ["git", "-C", str(scripts.project), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "commit", "-q", "-m", "all"], check=True)
    scripts.run("deploy.sh", "push")
    done = scripts.run("deploy.sh", "push")
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n"
    assert scripts.called("docker build") == []


def test_the_repository_is_made_first(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", "push", NO_REPOSITORY="1")
    assert done.stdout == f"{REPOSITORY}@{DIGEST}\n", done.stderr
    assert order(scripts, "-target=aws_ecr_repository.landfall", "docker build")


@pytest.mark.parametrize("step", ["push", "everything"])
def test_a_broken_build_stops_everything(scripts: Scripts, step: str) -> None:
    done = scripts.run("deploy.sh", step, BROKEN_BUILD="1", LANDFALL_AUTO_APPROVE="1")
    assert done.returncode != 0
    assert scripts.called("docker push") == []
    assert not any(" apply " in note for note in scripts.called("terraform"))


def test_another_architecture_is_named_to_the_builder(scripts: Scripts) -> None:
    scripts.run("deploy.sh", "push", TF_VAR_architecture="ARM64", LANDFALL_TARGET="spark")
    assert scripts.called("docker build --platform linux/arm64 --target spark") != []


def test_everything_in_order(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1")
    assert done.returncode == 0, done.stderr
    assert order(
        scripts,
        "get-caller-identity",
        "docker push",
        f"plan -input=false -lock=false -var image={REPOSITORY}@{DIGEST}",
        "apply -input=false tfplan",
        "aws ecs run-task",
        "wait tasks-stopped",
        "output -raw next_steps",
    )


def test_a_given_image_is_neither_built_nor_pushed(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", LANDFALL_IMAGE=f"elsewhere@{DIGEST}", LANDFALL_AUTO_APPROVE="1")
    assert done.returncode == 0, done.stderr
    assert scripts.called("docker") == []
    assert order(scripts, f"-var image=elsewhere@{DIGEST}", "apply")


def test_without_a_yes_nothing_is_applied(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", answer="no\n", LANDFALL_IMAGE=f"elsewhere@{DIGEST}")
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert not any(" apply " in note for note in scripts.called("terraform"))


def test_a_plan_of_a_pull_request_keeps_the_present_image(scripts: Scripts) -> None:
    scripts.run("deploy.sh", "plan")
    assert order(scripts, "-var image=present-image")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"NO_CREDENTIALS": "1"}, "No AWS credentials"),
        ({"TASK": "None"}, "ECS started no bootstrap task"),
        ({"EXIT_CODE": "75"}, "The bootstrap ended with exit code 75"),
        ({"LANDFALL_IMAGE": ""}, ""),
    ],
)
def test_what_goes_wrong_is_said(scripts: Scripts, environment: dict[str, str], says: str) -> None:
    done = scripts.run("deploy.sh", LANDFALL_AUTO_APPROVE="1", **environment)
    assert (done.returncode == 0) == (says == "")
    assert says in done.stderr


def test_a_small_quota_is_said_in_time(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", "plan", QUOTA="6.0")
    assert "Less than the largest task size" in done.stderr


def test_state_goes_where_it_is_told(scripts: Scripts) -> None:
    override = scripts.project / "terraform" / "backend_override.tf"
    scripts.run("deploy.sh", "plan", LANDFALL_STATE_BUCKET="example-state")
    assert 'bucket       = "example-state"' in override.read_text()
    scripts.run("deploy.sh", "plan")
    assert not override.exists()


def test_destroy_refuses_what_is_no_demo_and_says_what_is_there(scripts: Scripts) -> None:
    done = scripts.run("destroy.sh", LANDFALL_AUTO_APPROVE="1")
    assert done.returncode == 1
    assert "s3://landing: 7 object versions" in done.stderr
    assert "--delete-data" in done.stderr
    assert not any(" destroy " in note for note in scripts.called("terraform"))


def test_destroy_keeps_a_snapshot_and_its_key(scripts: Scripts) -> None:
    done = scripts.run("destroy.sh", "--delete-data", answer="landfall\n")
    assert done.returncode == 0, done.stderr
    assert order(
        scripts, "-var paused=true", "create-db-cluster-snapshot", "wait db-cluster-snapshot", "state rm aws_kms_key.data",
        "destroy -input=false",
    )  # fmt: skip


def test_destroy_of_a_demo_keeps_nothing(scripts: Scripts) -> None:
    done = scripts.run("destroy.sh", answer="landfall\n", PROTECTION="False")
    assert done.returncode == 0, done.stderr
    assert scripts.called("aws rds create-db-cluster-snapshot") == []
    assert order(scripts, "destroy -input=false")


@pytest.mark.parametrize("answer", ["", "yes\n"])
def test_destroy_wants_the_name(scripts: Scripts, answer: str) -> None:
    done = scripts.run("destroy.sh", "--delete-data", answer=answer)
    assert "Nothing was changed" in done.stderr
    assert not any(" destroy " in note for note in scripts.called("terraform"))


def test_destroy_without_a_stack_says_so(scripts: Scripts) -> None:
    done = scripts.run("destroy.sh", NO_STACK="1")
    assert "No stack is recorded" in done.stderr
