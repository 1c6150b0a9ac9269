#!/usr/bin/env bash
# Deploys Landfall: checks, image repository, image, stack, database, and what to do next. Safe to run again at any time.
#
#   terraform/deploy.sh            everything, in this order:
#   terraform/deploy.sh push       build the image and push it; prints its name and digest
#   terraform/deploy.sh plan       plan the stack with that image (LANDFALL_IMAGE, or the one it runs now) into tfplan
#   terraform/deploy.sh apply      apply tfplan, then prepare the database
#   terraform/deploy.sh bootstrap  only prepare the database
#
# Settings, all optional (the stack's own are TF_VAR_<name>, see variables*.tf):
#   AWS_PROFILE, AWS_REGION        whom and where to deploy
#   LANDFALL_IMAGE                 run this image (<repository>@sha256:...) and skip build and push
#   LANDFALL_TARGET                target of the Dockerfile: native (default) or spark
#   LANDFALL_STATE_BUCKET          keep Terraform's state in this existing bucket; without it, in terraform/terraform.tfstate
#   LANDFALL_AUTO_APPROVE=1        do not ask before the stack is changed
#   LANDFALL_SKIP_BOOTSTRAP=1      leave the database as it is
#   TF_PLUGIN_DIR                  take Terraform's providers from this folder instead of the registry
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
# shellcheck source=terraform/stack.sh
. "$here/stack.sh"

preflight() {
  need aws terraform python3
  whoami_in_aws
  local quota
  quota=$(aws service-quotas get-service-quota --service-code fargate --quota-code L-3032A538 --query Quota.Value --output text 2>/dev/null || echo unknown)
  case $quota in
  unknown | None) say "Fargate quota: could not be read. A new account may have as little as 6 vCPU; the largest task size takes 8." ;;
  *)
    say "Fargate quota: $quota vCPU at the same time."
    [ "${quota%.*}" -ge 8 ] || say "  Less than the largest task size (8 vCPU): ask for more (Service Quotas, L-3032A538) or set TF_VAR_task_sizes."
    ;;
  esac
}

processor() { # as Docker names the one that tasks run on
  case ${TF_VAR_architecture:-X86_64} in
  X86_64) echo amd64 ;;
  ARM64) echo arm64 ;;
  *) stop "TF_VAR_architecture is '$TF_VAR_architecture': X86_64 or ARM64." ;;
  esac
}

# The tag names target, processor and commit; ECR never changes a tag, so an image that is there is not built again.
image_tag() {
  local tag
  tag=$(git -C "$top" describe --tags --always --dirty)
  case $tag in *-dirty) tag=$tag-$(date -u +%Y%m%d%H%M%S) ;; esac
  echo "${LANDFALL_TARGET:-native}-$(processor)-$tag"
}

pushed_digest() { # tag -> digest, or nothing
  aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$1" --query 'imageDetails[0].imageDigest' --output text 2>/dev/null || true
}

repository_url() {
  aws ecr describe-repositories --repository-names "$name" --query 'repositories[0].repositoryUri' --output text 2>/dev/null
}

make_repository() {
  say "Image repository"
  init
  tf apply -input=false -auto-approve -var "image=$no_image" -target=aws_ecr_repository.landfall -target=aws_ecr_lifecycle_policy.landfall >&2
}

push_image() { # prints <repository>@<digest>
  set -e # bash forgets it inside $(...)
  local processor repository tag digest options=()
  need docker git
  processor=$(processor)
  docker info >/dev/null 2>&1 || stop "Docker does not answer: start it, or set LANDFALL_IMAGE to an image that is pushed already."
  repository=$(repository_url) || { make_repository && repository=$(repository_url); }
  tag=$(image_tag)
  digest=$(pushed_digest "$tag")
  if [ -z "$digest" ] || [ "$digest" = None ]; then
    # For this machine's own processor any builder will do; for another it must know how.
    [ "$(docker version --format '{{.Server.Arch}}')" = "$processor" ] || options=(--platform "linux/$processor")
    say "Building $repository:$tag"
    docker build ${options[@]+"${options[@]}"} --target "${LANDFALL_TARGET:-native}" --build-arg "VERSION=$tag" \
      --build-arg "REVISION=$(git -C "$top" rev-parse HEAD)" --tag "$repository:$tag" "$top" >&2
    aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" >&2
    docker push "$repository:$tag" >&2
    digest=$(pushed_digest "$tag")
  else
    say "Image $tag is in the repository already."
  fi
  echo "$repository@$digest"
}

plan_stack() { # image
  say "Plan, with image $1"
  tf plan -input=false -lock=false -var "image=$1" -out=tfplan # the apply takes the lock, and refuses a stale plan
}

apply_stack() {
  say "Stack"
  tf apply -input=false tfplan
  rm -f "$here/tfplan"
}

bootstrap_database() {
  local command task code
  command=$(tf output -raw bootstrap_command 2>/dev/null) || {
    say "Database: bootstrap = false, left as it is."
    return
  }
  say "Database: role, grants and ledger"
  task=$(bash -c "$command --query 'tasks[0].taskArn' --output text")
  [ "$task" != None ] || stop "ECS started no bootstrap task, most likely for lack of capacity: run 'terraform/deploy.sh bootstrap'."
  aws ecs wait tasks-stopped --cluster "$name" --tasks "$task"
  code=$(aws ecs describe-tasks --cluster "$name" --tasks "$task" --query 'tasks[0].containers[0].exitCode' --output text)
  if [ "$code" != 0 ]; then
    aws ecs describe-tasks --cluster "$name" --tasks "$task" --query 'tasks[0].[stopCode,stoppedReason]' --output text >&2
    stop "The bootstrap ended with exit code $code. Its log: aws logs tail /$name/load --since 1h"
  fi
}

finish() {
  apply_stack
  if [ "${LANDFALL_SKIP_BOOTSTRAP:-}" != 1 ]; then bootstrap_database; fi
  say "Done. What to do next:"
  tf output -raw next_steps
}

everything() {
  local image
  preflight
  image=${LANDFALL_IMAGE:-$(push_image)}
  init
  plan_stack "$image"
  if [ "${LANDFALL_AUTO_APPROVE:-}" != 1 ]; then confirm yes "Apply this plan? Type yes: "; fi
  finish
}

main() {
  case ${1:-everything} in
  everything) everything ;;
  push)
    need aws
    whoami_in_aws
    push_image
    ;;
  plan)
    preflight
    init
    plan_stack "${LANDFALL_IMAGE:-$(tf output -raw image)}"
    ;;
  apply)
    preflight
    init
    finish
    ;;
  bootstrap)
    preflight
    init
    bootstrap_database
    ;;
  *) stop "Unknown step '$1': push, plan, apply or bootstrap, or none for everything." ;;
  esac
}

main "$@"
