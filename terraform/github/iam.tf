# Their names do not begin with the stack's, so that the apply role cannot change any of them.
resource "aws_iam_role" "this" {
  for_each             = local.trust
  name                 = "github-${var.name}-${each.key}"
  assume_role_policy   = each.value
  max_session_duration = each.key == "apply" ? 7200 : 3600
  depends_on           = [aws_iam_openid_connect_provider.github]
}

# ---- plan: sees how everything is set up, and no data.

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.this["plan"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name = "no-data"
  role = aws_iam_role.this["plan"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Anybody who can open a pull request here runs code with this role.
        Sid         = "NoObjectsButStateAndContracts"
        Effect      = "Deny"
        Action      = ["s3:GetObject", "s3:GetObjectVersion"]
        NotResource = ["arn:${local.partition}:s3:::${var.state_bucket}/${var.name}/*", "arn:${local.partition}:s3:::${var.name}-*-lake/contracts/*"]
      },
      {
        Sid      = "NoMessagesLogsOrRows"
        Effect   = "Deny"
        Action   = ["sqs:ReceiveMessage", "logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery", "logs:StartLiveTail", "rds-data:*", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query"]
        Resource = "*"
      },
      {
        Sid       = "ReadStateAndContractsUnderAKey"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "arn:${local.partition}:kms:*:${local.account}:key/*"
        Condition = { StringLike = { "kms:ViaService" = "s3.*.amazonaws.com" } }
      },
    ]
  })
}

# ---- push: one repository.

resource "aws_iam_role_policy" "push" {
  name = "push"
  role = aws_iam_role.this["push"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "PushToOneRepository"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:DescribeRepositories",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = "arn:${local.partition}:ecr:*:${local.account}:repository/${var.name}"
      },
      { Sid = "LogInToEcr", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
    ]
  })
}

# ---- apply: everything but identities, and of these only the stack's own roles, inside the boundary.

resource "aws_iam_role_policy_attachment" "apply" {
  role       = aws_iam_role.this["apply"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/PowerUserAccess"
}

locals {
  stack_roles = "arn:${local.partition}:iam::${local.account}:role/${var.name}-*"
}

resource "aws_iam_role_policy" "apply" {
  name = "roles-of-the-stack"
  role = aws_iam_role.this["apply"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without the boundary a deploy could give a role of its own every right, and then take it.
        Sid       = "GrantWithinTheBoundary"
        Effect    = "Allow"
        Action    = ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"]
        Resource  = local.stack_roles
        Condition = { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }
      },
      {
        Sid    = "KeepTheStacksRoles"
        Effect = "Allow"
        Action = [
          "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
          "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
        ]
        Resource = local.stack_roles
      },
      {
        Sid       = "HandThemToTheirServices"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = local.stack_roles
        Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"] } }
      },
    ]
  })
}

# The most that any role of the stack may ever do. It grants nothing by itself.
resource "aws_iam_policy" "boundary" {
  name        = "github-${var.name}-boundary"
  description = "The most that a role of the stack ${var.name} may do"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "WhatTheStackDoes"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecs:RunTask", "kms:Decrypt", "kms:GenerateDataKey",
          "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents", "rds-db:connect", "s3:GetObject", "s3:GetObjectVersion",
          "s3:ListBucket", "s3:PutObject", "secretsmanager:GetSecretValue", "sns:Publish", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
        ]
        Resource = [
          "arn:${local.partition}:ecr:*:${local.account}:repository/${var.name}",
          "arn:${local.partition}:ecs:*:${local.account}:task-definition/${var.name}-*",
          "arn:${local.partition}:kms:*:${local.account}:key/*",
          "arn:${local.partition}:logs:*:${local.account}:log-group:*",
          "arn:${local.partition}:rds-db:*:${local.account}:dbuser:*/landfall",
          "arn:${local.partition}:s3:::${var.name}-${local.account}-*",
          "arn:${local.partition}:secretsmanager:*:${local.account}:secret:rds!cluster-*",
          "arn:${local.partition}:sns:*:${local.account}:${var.name}-*",
          "arn:${local.partition}:sqs:*:${local.account}:${var.name}-*",
        ]
      },
      { Sid = "LogInToEcr", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Sid       = "StartTasksAsTheStack"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = local.stack_roles
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}
