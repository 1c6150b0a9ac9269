#!/usr/bin/env bash
# Takes the stack down.
#
#   terraform/destroy.sh                 a demo, or a stack that holds no data
#   terraform/destroy.sh --delete-data   any stack, with everything in it
#
# What is lost: the uploads, receipts, rejects and contracts in both buckets, in all versions; the images; the logs.
# What is kept, unless the stack is a demo: a snapshot of the database, and the key that it is encrypted with.
# Settings as for deploy.sh: AWS_PROFILE, AWS_REGION, TF_VAR_*, LANDFALL_STATE_BUCKET, LANDFALL_AUTO_APPROVE, TF_PLUGIN_DIR.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
# shellcheck source=terraform/stack.sh
. "$here/stack.sh"

objects_in() { # bucket -> number of objects and versions, up to a thousand
  aws s3api list-object-versions --bucket "$1" --max-items 1000 --query 'length([Versions, DeleteMarkers][])' --output text 2>/dev/null | head -n 1 || echo 0
}

inventory() {
  local bucket
  say "This stack holds"
  for bucket in $(tf output -raw landing_bucket) $(tf output -raw lake_bucket); do
    echo "  s3://$bucket: $(objects_in "$bucket") object versions (counted up to 1000)" >&2
  done
  echo "  database $name, deletion protection: $(protected)" >&2
}

protected() {
  aws rds describe-db-clusters --db-cluster-identifier "$name" --query 'DBClusters[0].DeletionProtection' --output text 2>/dev/null || echo gone
}

keep_database() {
  local snapshot
  snapshot=$name-before-destroy-$(date -u +%Y%m%d%H%M%S)
  say "Snapshot $snapshot"
  aws rds create-db-cluster-snapshot --db-cluster-identifier "$name" --db-cluster-snapshot-identifier "$snapshot" >/dev/null
  aws rds wait db-cluster-snapshot-available --db-cluster-snapshot-identifier "$snapshot"
  tf state rm aws_kms_key.data >/dev/null # without its key the snapshot would be noise in 30 days
  say "Kept: snapshot $snapshot and the KMS key it is encrypted with (1 USD a month). Delete both by hand when nobody needs them."
}

stop_tasks() {
  local task
  for task in $(aws ecs list-tasks --cluster "$name" --query 'taskArns[]' --output text 2>/dev/null); do
    [ "$task" = None ] || aws ecs stop-task --cluster "$name" --task "$task" --reason "The stack is taken down" >/dev/null
  done
}

main() {
  need aws terraform python3
  whoami_in_aws
  init
  tf output -raw landing_bucket >/dev/null 2>&1 || stop "No stack is recorded in this state: nothing to take down."
  inventory
  local image protection
  image=$(tf output -raw image)
  protection=$(protected)
  if [ "$protection" = True ] && [ "${1:-}" != --delete-data ]; then
    stop "This is not a demo. Run again with --delete-data to lose what is listed above (the database is kept as a snapshot)."
  fi
  if [ "${LANDFALL_AUTO_APPROVE:-}" != 1 ]; then confirm "$name" "Type the name of the stack ($name) to take it down: "; fi
  if [ "$protection" = True ]; then
    say "Pausing the trigger, lifting protections"
    tf apply -input=false -auto-approve -var "image=$image" -var demo=true -var paused=true \
      -target=aws_lambda_event_source_mapping.uploads -target=aws_rds_cluster.this -target=aws_s3_bucket.this -target=aws_ecr_repository.landfall
    stop_tasks
    keep_database
  fi
  stop_tasks
  tf destroy -input=false -auto-approve -var "image=$image" -var demo=true
  say "The stack is gone."
}

main "$@"
