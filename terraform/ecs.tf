locals {
  container = "landfall"

  # The database checks the name in its certificate, so tasks must use the cluster's own endpoint.
  database_address = "${aws_rds_cluster.this.endpoint}:${aws_rds_cluster.this.port}/${var.db_name}?sslmode=${var.db_sslmode}"

  # One definition of how the image runs, for loads and for the bootstrap.
  container_definition = {
    name                   = local.container
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    memoryReservation      = 256 # a floor, not a limit: the limit is the task's, which the trigger sets by size
    stopTimeout            = 120 # seconds to roll back after SIGTERM; the most that Fargate gives
    portMappings           = []
    volumesFrom            = []
    systemControls         = []
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { add = [], drop = ["ALL"] }
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.load.name
        awslogs-region        = local.region
        awslogs-stream-prefix = local.container
        mode                  = "non-blocking" # a slow log must not stop a load: the receipt is in the database
        max-buffer-size       = "25m"
      }
    }
  }

  task_environment = merge(
    {
      AWS_DEFAULT_REGION    = local.region
      LANDFALL_CONTRACTS    = local.contracts_uri
      LANDFALL_DATABASE_URL = "postgresql://${local.database_role}@${local.database_address}"
      LANDFALL_IAM_AUTH     = "true"
      LANDFALL_LAKE         = "s3://${local.buckets.lake}/"
      LANDING_BUCKET        = local.buckets.landing # what the contracts' locations ask for
    },
    var.notify_from_task ? { LANDFALL_NOTIFY = aws_sns_topic.notices.arn } : {},
  )
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

# Command, attempt and size come from the trigger with each task.
resource "aws_ecs_task_definition" "load" {
  family                   = "${var.name}-load"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task_sizes[0].cpu
  memory                   = var.task_sizes[0].memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }
  ephemeral_storage { size_in_gib = var.task_sizes[0].disk }
  volume { name = "tmp" } # the root filesystem is read-only; this is on the task's own disk

  container_definitions = jsonencode([merge(local.container_definition, {
    environment = [for name, value in local.task_environment : { name = name, value = value }]
  })])
}

# ---- The execution role: what ECS itself needs before the container runs.

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.trust["ecs-tasks.amazonaws.com"]
}

resource "aws_iam_role_policy" "execution" {
  name   = "execution"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

locals {
  execution_statements = [
    {
      Sid      = "PullTheImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = aws_ecr_repository.landfall.arn
    },
    {
      Sid      = "LogInToEcr" # this action knows no resource
      Effect   = "Allow"
      Action   = "ecr:GetAuthorizationToken"
      Resource = "*"
    },
    {
      Sid      = "WriteTheLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.load.arn}:*"
    },
  ]
}

# ---- The task role: what the pipeline may do.

resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.trust["ecs-tasks.amazonaws.com"]
}

resource "aws_iam_role_policy" "task" {
  name = "task"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadUploadsAndContracts"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = ["${local.bucket_arns.landing}/*", "${local.bucket_arns.lake}/contracts/*"]
        },
        {
          # Without this right S3 answers "forbidden" where the truth is "not there".
          Sid      = "SeeWhatIsThere"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = [local.bucket_arns.landing, local.bucket_arns.lake]
        },
        {
          Sid      = "WriteReceiptsAndRejects"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = [for prefix in local.lake_prefixes : "${local.bucket_arns.lake}/${prefix}/*"]
        },
        {
          Sid       = "UseTheKeyThroughS3"
          Effect    = "Allow"
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = aws_kms_key.data.arn
          Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
        },
        {
          Sid      = "ConnectAsOneRole"
          Effect   = "Allow"
          Action   = "rds-db:connect"
          Resource = "arn:${local.partition}:rds-db:${local.region}:${local.account}:dbuser:${aws_rds_cluster.this.cluster_resource_id}/${local.database_role}"
        },
      ],
      [for topic in var.notify_from_task ? [aws_sns_topic.notices.arn] : [] : {
        Sid      = "PublishReceipts"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = topic
      }],
      [for key in var.notify_from_task ? [aws_kms_key.data.arn] : [] : {
        Sid       = "EncryptReceipts"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = key
        Condition = { StringEquals = { "kms:ViaService" = "sns.${local.region}.amazonaws.com" } }
      }],
    )
  })
}

locals {
  lake_prefixes = ["failed", "loaded", "rejected"] # not contracts: a task cannot change what it is checked against
}
