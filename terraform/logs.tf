resource "aws_cloudwatch_log_group" "load" {
  name              = "/${var.name}/load"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_cloudwatch_log_group" "trigger" {
  name              = "/aws/lambda/${var.name}-trigger"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_cloudwatch_log_group" "database" {
  name              = "/aws/rds/cluster/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_cloudwatch_log_group" "flow" {
  count             = local.own_vpc ? 1 : 0
  name              = "/${var.name}/network-rejected"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

# The trigger logs one JSON line for each task it gives up: no exit code to retry, or three attempts made.
resource "aws_cloudwatch_log_metric_filter" "given_up" {
  name           = "${var.name}-given-up"
  log_group_name = aws_cloudwatch_log_group.trigger.name
  pattern        = "{ $.event = \"gave_up\" }"
  metric_transformation {
    namespace = local.metrics
    name      = "GivenUp"
    value     = "1"
    unit      = "Count"
  }
}

locals {
  metrics = "Landfall/${var.name}"
}
