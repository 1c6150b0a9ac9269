# What a person is told after a deploy: each command with this stack's own names in it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image         = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  lambda_zip    = "tests/outputs.tftest.hcl"
  contracts_dir = "tests/contracts"
}

override_resource {
  target = aws_sqs_queue.dead
  values = { arn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads-dead" }
}

run "commands" {
  assert {
    condition     = output.upload_command == "aws s3 cp FILE s3://${aws_s3_bucket.this["landing"].id}/DATASET/"
    error_message = "How to upload."
  }
  assert {
    condition     = alltrue([for part in ["rds-data execute-statement", aws_rds_cluster.this.arn, aws_rds_cluster.this.master_user_secret[0].secret_arn, "--database landfall", "landfall.load"] : strcontains(output.query_command, part)])
    error_message = "How to query."
  }
  assert {
    condition     = output.logs_command == "aws logs tail /landfall/load --since 1h --follow" && output.trigger_logs_command == "aws logs tail /aws/lambda/landfall-trigger --since 1h --follow"
    error_message = "How to see the logs."
  }
  assert {
    condition     = output.redrive_command == "aws sqs start-message-move-task --source-arn arn:aws:sqs:eu-west-1:123456789012:landfall-uploads-dead"
    error_message = "How to send dead letters back."
  }
  assert {
    condition     = strcontains(output.bootstrap_command, "--cluster landfall ") && strcontains(output.bootstrap_command, "--task-definition landfall-bootstrap ") && strcontains(output.bootstrap_command, "assignPublicIp=DISABLED")
    error_message = "How to prepare the database."
  }
}

run "next_steps" {
  assert {
    condition     = alltrue([for command in [output.upload_command, output.query_command, output.logs_command, output.trigger_logs_command] : strcontains(output.next_steps, command)])
    error_message = "What to do next names how to upload, to watch and to query."
  }
}

run "a_sender_may_only_upload" {
  assert {
    condition     = flatten([for s in jsondecode(output.uploader_policy).Statement : s.Action]) == ["s3:PutObject", "s3:AbortMultipartUpload", "kms:GenerateDataKey", "kms:Decrypt"]
    error_message = "A sender uploads, and does nothing else."
  }
  assert {
    condition     = [for s in jsondecode(output.uploader_policy).Statement : s.Resource][0] == "arn:aws:s3:::landfall-123456789012-eu-west-1-landing/*"
    error_message = "To the landing bucket only."
  }
  assert {
    condition     = jsondecode(output.uploader_policy).Statement[1].Condition == { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }
    error_message = "The key serves S3 only."
  }
}
