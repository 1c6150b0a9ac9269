"""What deploy.sh and destroy.sh ask of aws, docker and terraform, with programs of these names that only take notes."""

from __future__ import annotations

import pytest

from tests.cloud.scripts import DIGEST, REPOSITORY, Scripts, order


def test_push_builds_and_pushes_and_prints_the_digest_alone(scripts: Scripts) -> None:
    done = scripts.run("deploy.sh", "push")
    assert (done.returncode, done.stdout) == (0, f"{REPOSITORY}@{DIGEST}\n"), done.stderr
    assert order(scripts, "docker build --target native", "docker login", f"docker push {REPOSITORY}:native-")


def test_an_image_of_this_commit_is_not_built_twice(scripts: Scripts) -> None:
    scripts.commit_all()
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
    assert scripts.called(f"docker push {REPOSITORY}:spark-arm64-") != []


def test_an_image_for_another_processor_is_another_image(scripts: Scripts) -> None:
    scripts.commit_all()
    scripts.run("deploy.sh", "push")
    (built,) = scripts.called("docker push")
    scripts.run("deploy.sh", "push", TF_VAR_architecture="ARM64")
    (other,) = scripts.called("docker push")
    assert built != other
    assert built.replace("-amd64-", "-arm64-") == other


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
