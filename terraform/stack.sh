# What deploy.sh and destroy.sh share: how this stack is named, found and asked about. Sourced, not run.
# shellcheck shell=bash disable=SC2034,SC2154 # `here` and `top` come from, and the rest is for, the sourcing script

name=${TF_VAR_name:-landfall}
no_image=sha256:0000000000000000000000000000000000000000000000000000000000000000 # for steps that start no task
zip=$top/build/trigger.zip
export TF_VAR_lambda_zip=$zip

say() { printf '\n== %s\n' "$*" >&2; }
stop() {
  printf '\nStopped: %s\n' "$*" >&2
  exit 1
}
tf() { terraform -chdir="$here" "$@"; }

need() { # command ...
  local command
  for command in "$@"; do
    command -v "$command" >/dev/null || stop "$command is not installed."
  done
}

confirm() { # expected answer, question
  local answer
  read -r -p "$2" answer || true
  [ "$answer" = "$1" ] || stop "Nothing was changed."
}

whoami_in_aws() {
  local identity region
  identity=$(aws sts get-caller-identity --query '[Account,Arn]' --output text) || stop "No AWS credentials: run 'aws sso login' or set AWS_PROFILE."
  region=${TF_VAR_region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
  [ -n "$region" ] || stop "No region: set AWS_REGION."
  export AWS_REGION=$region AWS_DEFAULT_REGION=$region
  say "Account and caller: $identity, in $region"
}

init() {
  if [ -n "${LANDFALL_STATE_BUCKET:-}" ]; then
    cat >"$here/backend_override.tf" <<EOF
terraform {
  backend "s3" {
    bucket       = "$LANDFALL_STATE_BUCKET"
    key          = "$name/terraform.tfstate"
    region       = "$AWS_REGION"
    use_lockfile = true
    encrypt      = true
  }
}
EOF
  else
    rm -f "$here/backend_override.tf"
  fi
  python3 "$top/trigger_lambda/build_zip.py" "$zip" >/dev/null
  tf init -input=false -reconfigure ${TF_PLUGIN_DIR:+"-plugin-dir=$TF_PLUGIN_DIR"} >/dev/null
}
