locals {
  trigger_timeout = 60 # seconds
}

# Uploads and stopped tasks wait here for the trigger.
resource "aws_sqs_queue" "uploads" {
  name                       = "${var.name}-uploads"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 14 * 86400
  visibility_timeout_seconds = 6 * local.trigger_timeout # the least that Lambda advises; also the pause between two tries
  receive_wait_time_seconds  = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.launch_tries
  })
}

# What could not be started or understood. Nothing is dropped: send it back with the output `redrive_command`.
resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-uploads-dead"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 86400
}

resource "aws_sqs_queue_policy" "uploads" {
  queue_url = aws_sqs_queue.uploads.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for sender in [
        { sid = "LandingAnnounces", service = "s3.amazonaws.com", source = local.bucket_arns.landing },
        { sid = "StoppedTasks", service = "events.amazonaws.com", source = aws_cloudwatch_event_rule.task_stopped.arn },
        ] : {
        Sid       = sender.sid
        Effect    = "Allow"
        Principal = { Service = sender.service }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.uploads.arn
        Condition = {
          # A bucket's ARN carries no account: somebody else could own the name tomorrow.
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = sender.source }
        }
      }
    ]
  })
}
