"""deploy.sh and destroy.sh in a project of their own, with an aws, a docker and a terraform that only take notes."""

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
  *"configure get region"*) exit 1 ;;
  *get-service-quota*) [ "$QUOTA" = none ] && exit 254; echo "${{QUOTA:-16.0}}" ;;
  *describe-repositories*) [ -z "$NO_REPOSITORY" ] || [ -e "$NOTES.made" ] || exit 254; echo {REPOSITORY} ;;
  *describe-images*) tag="$*"; tag=${{tag#*imageTag=}}; grep -q ":${{tag%% *}}$" "$NOTES.pushed" 2>/dev/null && echo {DIGEST} || exit 254 ;;
  *get-login-password*) echo password ;;
  *run-task*) echo "${{TASK:-arn:aws:ecs:task/1}}" ;;
  *exitCode*) echo "${{EXIT_CODE:-0}}" ;;
  *DeletionProtection*) echo "${{PROTECTION:-True}}" ;;
  *list-object-versions*) echo 7 ;;
esac
""",
    "docker": """
case "$1" in
  info) [ -z "$NO_DOCKER" ] ;;
  version) echo amd64 ;;
  build) [ -z "$BROKEN_BUILD" ] ;;
  login) cat >/dev/null ;;
  push) echo "$2" >> "$NOTES.pushed" ;;
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
        self.git("commit", "-q", "--allow-empty", "-m", "start")

    def git(self, *arguments: str) -> None:
        git = ["git", "-C", str(self.project), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run([*git, *arguments], check=True)

    def commit_all(self) -> None:
        """From here on the project is as its last commit says."""
        self.git("add", ".")
        self.git("commit", "-q", "-m", "all")

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


def order(scripts: Scripts, *parts: str) -> bool:
    """Whether the notes contain these texts, in this order."""
    text, at = scripts.notes.read_text(), 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
    return True


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path)
