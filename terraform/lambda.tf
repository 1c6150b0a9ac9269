# The trigger: outside the VPC, because it talks to ECS and SNS only and never to the database.
resource "aws_lambda_function" "trigger" {
  # checkov:skip=CKV_AWS_50: its JSON log names every launch; tracing one call to ECS adds nothing
  # checkov:skip=CKV_AWS_115: a reservation fails in new accounts, whose limit is 10; the event source mapping bounds concurrency to 5
  # checkov:skip=CKV_AWS_116: it is called by SQS, whose redrive policy is the dead-letter queue
  # checkov:skip=CKV_AWS_117: it calls ECS and SNS only; in the VPC it would need two more endpoints
  # checkov:skip=CKV_AWS_173: its environment holds names and sizes, no secret; Lambda encrypts it with its own key
  # checkov:skip=CKV_AWS_272: the code is built from this repository by the pipeline that applies it
  function_name    = "${var.name}-trigger"
  description      = "Uploads become tasks; stopped tasks become another attempt or a notice"
  role             = aws_iam_role.trigger.arn
  runtime          = "python3.13"
  handler          = "trigger_lambda.handler.lambda_handler"
  filename         = var.lambda_zip
  source_code_hash = filebase64sha256(var.lambda_zip)
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = local.trigger_timeout

  environment {
    variables = {
      CLUSTER            = aws_ecs_cluster.this.arn
      TASK_DEFINITION    = aws_ecs_task_definition.load.arn # with its revision: a retry asks for the same task
      CONTAINER          = local.container
      SUBNETS            = join(",", local.subnet_ids)
      SECURITY_GROUPS    = aws_security_group.task.id
      CAPACITY_PROVIDERS = var.spot ? "FARGATE_SPOT,FARGATE" : "FARGATE"
      TASK_SIZES = jsonencode([for size in var.task_sizes : {
        up_to_bytes = size.up_to_mib * 1024 * 1024, cpu = size.cpu, memory = size.memory, disk = size.disk
      }])
      TOPIC     = aws_sns_topic.notices.arn
      LOG_GROUP = aws_cloudwatch_log_group.load.name
    }
  }

  depends_on = [aws_cloudwatch_log_group.trigger, aws_iam_role_policy.trigger]
}

resource "aws_lambda_event_source_mapping" "uploads" {
  function_name                      = aws_lambda_function.trigger.arn
  event_source_arn                   = aws_sqs_queue.uploads.arn
  enabled                            = !var.paused
  batch_size                         = 50
  maximum_batching_window_in_seconds = 5
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config { maximum_concurrency = 5 } # RunTask allows 20 calls a second
}

resource "aws_iam_role" "trigger" {
  name                 = "${var.name}-trigger"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" } # Lambda sends no source account when it assumes a role
    }]
  })
}

resource "aws_iam_role_policy" "trigger" {
  name = "trigger"
  role = aws_iam_role.trigger.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "StartLoads"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = "${aws_ecs_task_definition.load.arn_without_revision}:*"
        Condition = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.this.arn } }
      },
      {
        # The real boundary: overrides of RunTask may name a role, and these two are all that may be named.
        Sid       = "OnlyAsTheseTwoRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "ReadTheQueue"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.uploads.arn
      },
      {
        Sid      = "TellPeople"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = aws_sns_topic.notices.arn
      },
      {
        Sid       = "EncryptNotices"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = aws_kms_key.data.arn
        Condition = { StringEquals = { "kms:ViaService" = "sns.${local.region}.amazonaws.com" } }
      },
      {
        Sid      = "WriteItsLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.trigger.arn}:*"
      },
    ]
  })
}
