output "landing_bucket" {
  description = "Where senders upload."
  value       = aws_s3_bucket.this["landing"].id
}

output "lake_bucket" {
  description = "Contracts, receipts and rejects."
  value       = aws_s3_bucket.this["lake"].id
}

output "repository_url" {
  description = "Where images are pushed."
  value       = aws_ecr_repository.landfall.repository_url
}

output "image" {
  description = "The image that tasks run."
  value       = var.image
}

output "cluster" {
  description = "ECS cluster of the tasks."
  value       = aws_ecs_cluster.this.name
}

output "load_task_definition" {
  description = "Task definition of a load, with its revision."
  value       = aws_ecs_task_definition.load.arn
}

output "queue_url" {
  description = "Uploads and stopped tasks wait here."
  value       = aws_sqs_queue.uploads.url
}

output "dead_letter_queue_url" {
  description = "What could not be started or understood."
  value       = aws_sqs_queue.dead.url
}

output "topic_arn" {
  description = "Notices of failed loads and alarms: subscribe to it."
  value       = aws_sns_topic.notices.arn
}

output "database_endpoint" {
  description = "Host of the database, reachable from inside the network."
  value       = aws_rds_cluster.this.endpoint
}

output "master_secret_arn" {
  description = "The secret with the database's master user; AWS changes it every seven days."
  value       = aws_rds_cluster.this.master_user_secret[0].secret_arn
}

output "upload_command" {
  description = "Loads a file."
  value       = "aws s3 cp FILE s3://${aws_s3_bucket.this["landing"].id}/DATASET/"
}

output "query_command" {
  description = "Queries the database from anywhere, through the Data API."
  value       = local.query_command
}

locals {
  query_command = "aws rds-data execute-statement --resource-arn ${aws_rds_cluster.this.arn} --secret-arn ${aws_rds_cluster.this.master_user_secret[0].secret_arn} --database ${var.db_name} --format-records-as JSON --query formattedRecords --output text --sql 'select * from landfall.load'"
}

output "logs_command" {
  description = "Follows the logs of the tasks."
  value       = "aws logs tail ${aws_cloudwatch_log_group.load.name} --since 1h --follow"
}

output "trigger_logs_command" {
  description = "Follows the log of the trigger: what was launched, retried and given up."
  value       = "aws logs tail ${aws_cloudwatch_log_group.trigger.name} --since 1h --follow"
}

output "redrive_command" {
  description = "Sends what lies in the dead-letter queue back to the trigger."
  value       = "aws sqs start-message-move-task --source-arn ${aws_sqs_queue.dead.arn}"
}

output "bootstrap_command" {
  # In the first subnet: there stands the Secrets Manager endpoint.
  description = "Prepares the database (role, grants, ledger); may be run again at any time. Null with bootstrap = false."
  value = var.bootstrap ? join(" ", [
    "aws ecs run-task --cluster ${aws_ecs_cluster.this.name} --launch-type FARGATE",
    "--task-definition ${aws_ecs_task_definition.bootstrap[0].family}",
    "--network-configuration 'awsvpcConfiguration={subnets=[${local.subnet_ids[0]}],securityGroups=[${aws_security_group.task.id}],assignPublicIp=DISABLED}'",
  ]) : null
}

output "uploader_policy" {
  description = "IAM policy for a sender: upload to the landing bucket, and nothing else."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = "${local.bucket_arns.landing}/*" },
      # Decrypt too: S3 reads the parts of a multipart upload to join them.
      { Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = aws_kms_key.data.arn, Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } } },
    ]
  })
}

output "dashboard_url" {
  description = "The dashboard."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}

output "next_steps" {
  description = "What to do now."
  value       = <<-EOT
    Upload a file:        aws s3 cp FILE s3://${aws_s3_bucket.this["landing"].id}/DATASET/
    Watch the trigger:    aws logs tail ${aws_cloudwatch_log_group.trigger.name} --since 1h --follow
    Watch the load:       aws logs tail ${aws_cloudwatch_log_group.load.name} --since 1h --follow
    See what was loaded:  ${local.query_command}
    Change a contract:    edit it in ${var.contracts_dir}, then deploy again
  EOT
}
