# Makes the database role that logs in by IAM, its grants and the ledger, once, with the master secret: no human types a
# password. Only this task's execution role may read that secret, and with bootstrap = false nothing may.
resource "aws_ecs_task_definition" "bootstrap" {
  count                    = var.bootstrap ? 1 : 0
  family                   = "${var.name}-bootstrap"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.bootstrap[0].arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }
  volume { name = "tmp" }

  container_definitions = jsonencode([merge(local.container_definition, {
    command = ["init", "--bootstrap-role", local.database_role]
    environment = [for name, value in {
      AWS_DEFAULT_REGION    = local.region
      LANDFALL_CONTRACTS    = local.contracts_uri
      LANDFALL_DATABASE_URL = "postgresql://${local.database_address}" # the user and its password are in the secret
    } : { name = name, value = value }]
    secrets = [{ name = "LANDFALL_ADMIN_SECRET", valueFrom = aws_rds_cluster.this.master_user_secret[0].secret_arn }]
  })])
}

resource "aws_iam_role" "bootstrap" {
  count                = var.bootstrap ? 1 : 0
  name                 = "${var.name}-bootstrap"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.trust["ecs-tasks.amazonaws.com"]
}

resource "aws_iam_role_policy" "bootstrap" {
  count = var.bootstrap ? 1 : 0
  name  = "bootstrap"
  role  = aws_iam_role.bootstrap[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.execution_statements, [{
      Sid      = "ReadTheMasterSecret"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = aws_rds_cluster.this.master_user_secret[0].secret_arn
    }])
  })
}
