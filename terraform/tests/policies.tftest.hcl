# Who may do what: every policy of the stack, statement by statement.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image         = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  lambda_zip    = "tests/policies.tftest.hcl" # any file: only its checksum is taken
  contracts_dir = "tests/contracts"
}

override_resource {
  target = aws_iam_role.execution
  values = { arn = "arn:aws:iam::123456789012:role/landfall-execution" }
}
override_resource {
  target = aws_iam_role.task
  values = { arn = "arn:aws:iam::123456789012:role/landfall-task" }
}
override_resource {
  target = aws_sqs_queue.uploads
  values = { arn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads" }
}
override_resource {
  target = aws_sqs_queue.dead
  values = { arn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads-dead" }
}
override_resource {
  target = aws_cloudwatch_log_group.load
  values = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/landfall/load" }
}
override_resource {
  target = aws_cloudwatch_log_group.trigger
  values = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/landfall-trigger" }
}

run "trigger" {
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.trigger.policy).Statement : s.Sid] == ["StartLoads", "OnlyAsTheseTwoRoles", "ReadTheQueue", "TellPeople", "EncryptNotices", "WriteItsLog"]
    error_message = "The trigger has a right that no test knows of."
  }
  assert {
    condition = one([for s in jsondecode(aws_iam_role_policy.trigger.policy).Statement : s if s.Sid == "StartLoads"]) == {
      Sid       = "StartLoads"
      Effect    = "Allow"
      Action    = "ecs:RunTask"
      Resource  = "arn:aws:ecs:eu-west-1:123456789012:task-definition/landfall-load:*"
      Condition = { ArnEquals = { "ecs:cluster" = "arn:aws:ecs:eu-west-1:123456789012:cluster/landfall" } }
    }
    error_message = "RunTask must be limited to the load's task definition, in this cluster."
  }
  assert {
    condition = jsonencode(one([for s in jsondecode(aws_iam_role_policy.trigger.policy).Statement : s if s.Sid == "OnlyAsTheseTwoRoles"])) == jsonencode({
      Sid       = "OnlyAsTheseTwoRoles"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = ["arn:aws:iam::123456789012:role/landfall-execution", "arn:aws:iam::123456789012:role/landfall-task"]
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    })
    error_message = "PassRole must name exactly the two roles, and only for ECS tasks."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.trigger.policy).Statement : s.Resource if s.Sid == "ReadTheQueue"]) == "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads"
    error_message = "The trigger may read its own queue only."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.trigger.policy).Statement : s.Condition if s.Sid == "EncryptNotices"]) == { StringEquals = { "kms:ViaService" = "sns.eu-west-1.amazonaws.com" } }
    error_message = "The trigger may use the key through SNS only."
  }
}

run "task" {
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Sid] == ["ReadUploadsAndContracts", "SeeWhatIsThere", "WriteReceiptsAndRejects", "UseTheKeyThroughS3", "ConnectAsOneRole"]
    error_message = "The task has a right that no test knows of."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : !contains(flatten([s.Action]), "s3:PutObject") || alltrue([for r in flatten([s.Resource]) : startswith(r, "arn:aws:s3:::landfall-123456789012-eu-west-1-lake/") && !strcontains(r, "contracts")])])
    error_message = "The task must not write to the landing bucket, nor to the contracts it is checked against."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "ConnectAsOneRole"]) == "arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/landfall"
    error_message = "The task must connect as the role landfall of this cluster, never as another."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Condition if s.Sid == "UseTheKeyThroughS3"]) == { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }
    error_message = "The task may use the key through S3 only."
  }
  assert {
    condition     = aws_ecs_task_definition.load.task_role_arn != aws_ecs_task_definition.load.execution_role_arn
    error_message = "What ECS needs and what the pipeline may do are two roles."
  }
}

run "execution" {
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid] == ["PullTheImage", "LogInToEcr", "WriteTheLog"]
    error_message = "The execution role has a right that no test knows of."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid if s.Resource == "*"] == ["LogInToEcr"]
    error_message = "Only ecr:GetAuthorizationToken may name no resource."
  }
}

run "nothing_may_do_everything" {
  assert {
    condition = alltrue([for policy in [
      aws_iam_role_policy.trigger.policy, aws_iam_role_policy.task.policy, aws_iam_role_policy.execution.policy, aws_iam_role_policy.bootstrap[0].policy, aws_iam_role_policy.flow[0].policy,
      ] : alltrue([for s in jsondecode(policy).Statement : s.Effect == "Allow" && !anytrue([for action in flatten([s.Action]) : strcontains(action, "*")])])
    ])
    error_message = "No role may have a wildcard action."
  }
}

run "flow_log" {
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.flow[0].policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      WriteTheLog  = [["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], "arn:aws:logs:eu-west-1:123456789012:log-group:some-group:*"]
      FindTheGroup = ["logs:DescribeLogGroups", "arn:aws:logs:eu-west-1:123456789012:log-group:*"]
    }
    error_message = "The flow log's role has what the VPC user guide demands, and nothing else."
  }
}

run "services_act_only_for_this_account" {
  assert {
    condition = alltrue([for role in [aws_iam_role.execution, aws_iam_role.task, aws_iam_role.bootstrap[0]] : jsondecode(role.assume_role_policy).Statement[0] == {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:eu-west-1:123456789012:*" }
      }
    }])
    error_message = "ECS may assume the roles for tasks of this account only."
  }
  assert {
    condition = jsondecode(aws_sqs_queue_policy.uploads.policy).Statement == [
      {
        Sid       = "LandingAnnounces"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::landfall-123456789012-eu-west-1-landing" }
        }
      },
      {
        Sid       = "StoppedTasks"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnEquals    = { "aws:SourceArn" = "arn:aws:events:eu-west-1:123456789012:rule/landfall-task-stopped" }
        }
      },
    ]
    error_message = "Only the landing bucket and the rule for stopped tasks may write to the queue."
  }
  assert {
    condition = jsondecode(aws_sns_topic_policy.notices.policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:landfall-*" }
    }
    error_message = "Only alarms of this stack may publish."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_kms_key.data.policy).Statement : can(s.Condition) || try(s.Principal.AWS, "") == "arn:aws:iam::123456789012:root"])
    error_message = "Each service that uses the key must be bound by a condition."
  }
}

run "buckets_refuse_plain_text" {
  assert {
    condition = alltrue([for use in ["landing", "lake"] : jsondecode(aws_s3_bucket_policy.this[use].policy).Statement[0] == {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::landfall-123456789012-eu-west-1-${use}", "arn:aws:s3:::landfall-123456789012-eu-west-1-${use}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
    error_message = "Both buckets must refuse requests without TLS."
  }
  assert {
    condition     = alltrue([for block in values(aws_s3_bucket_public_access_block.this) : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "Neither bucket may ever be public."
  }
  assert {
    condition     = alltrue([for versioning in values(aws_s3_bucket_versioning.this) : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "Loads name versions."
  }
}

run "the_master_secret_belongs_to_the_bootstrap" {
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.bootstrap[0].policy).Statement : s.Resource if s.Action == "secretsmanager:GetSecretValue"] == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-00000000-abcdef"]
    error_message = "The bootstrap reads this one secret."
  }
  assert {
    condition     = alltrue([for policy in [aws_iam_role_policy.trigger.policy, aws_iam_role_policy.task.policy, aws_iam_role_policy.execution.policy] : !strcontains(policy, "secretsmanager")])
    error_message = "Nothing else may read it."
  }
}

run "without_bootstrap_nothing_reads_the_master_secret" {
  variables {
    bootstrap = false
  }
  assert {
    condition     = length(aws_iam_role_policy.bootstrap) == 0 && length(aws_ecs_task_definition.bootstrap) == 0 && !contains(keys(aws_vpc_endpoint.interface), "secretsmanager") && output.bootstrap_command == null
    error_message = "With bootstrap = false its role, task and endpoint must be gone."
  }
}

run "receipts_from_the_task_are_an_option" {
  variables {
    notify_from_task = true
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Action == "sns:Publish"] == ["arn:aws:sns:eu-west-1:123456789012:landfall-notices"]
    error_message = "The task may publish to this one topic."
  }
  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "sns") && strcontains(aws_ecs_task_definition.load.container_definitions, "LANDFALL_NOTIFY")
    error_message = "To publish, the task needs the topic's name and a way to SNS."
  }
}

run "every_role_stays_inside_the_boundary" {
  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
  }
  assert {
    condition     = alltrue([for role in [aws_iam_role.trigger, aws_iam_role.task, aws_iam_role.execution, aws_iam_role.bootstrap[0], aws_iam_role.flow[0]] : role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "A boundary that one role escapes is none."
  }
}
