# How the pieces fit, and what the few switches change.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image         = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  lambda_zip    = "tests/stack.tftest.hcl"
  contracts_dir = "tests/contracts"
}

override_resource {
  target = aws_sqs_queue.uploads
  values = { arn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads" }
}
override_resource {
  target = aws_sqs_queue.dead
  values = { arn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads-dead" }
}

run "the_container" {
  assert {
    condition = { for e in jsondecode(aws_ecs_task_definition.load.container_definitions)[0].environment : e.name => e.value } == {
      AWS_DEFAULT_REGION    = "eu-west-1"
      LANDFALL_CONTRACTS    = "s3://landfall-123456789012-eu-west-1-lake/contracts/"
      LANDFALL_DATABASE_URL = "postgresql://landfall@landfall.cluster-c0ffee.eu-west-1.rds.amazonaws.com:5432/landfall?sslmode=verify-full"
      LANDFALL_IAM_AUTH     = "true"
      LANDFALL_LAKE         = "s3://landfall-123456789012-eu-west-1-lake/"
      LANDING_BUCKET        = "landfall-123456789012-eu-west-1-landing"
    }
    error_message = "The pipeline is configured by these variables, and by no secret."
  }
  assert {
    condition     = !can(jsondecode(aws_ecs_task_definition.load.container_definitions)[0].secrets)
    error_message = "A load needs no secret: it logs in by IAM."
  }
  assert {
    condition = alltrue([for definition in [aws_ecs_task_definition.load.container_definitions, aws_ecs_task_definition.bootstrap[0].container_definitions] :
      jsondecode(definition)[0].readonlyRootFilesystem &&
      jsondecode(definition)[0].linuxParameters.capabilities.drop == ["ALL"] &&
      jsondecode(definition)[0].mountPoints[0].containerPath == "/tmp" &&
      jsondecode(definition)[0].stopTimeout == 120 &&
      endswith(jsondecode(definition)[0].image, "@sha256:0000000000000000000000000000000000000000000000000000000000000000")
    ])
    error_message = "Containers run read-only, without capabilities, with a writable /tmp, time to roll back, and by digest."
  }
  assert {
    condition     = !can(jsondecode(aws_ecs_task_definition.load.container_definitions)[0].memory)
    error_message = "A limit on the container would hold a task that the trigger made larger."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.bootstrap[0].container_definitions)[0].command == ["init", "--bootstrap-role", "landfall"]
    error_message = "The bootstrap makes the role that tasks log in as."
  }
  assert {
    condition     = [for s in jsondecode(aws_ecs_task_definition.bootstrap[0].container_definitions)[0].secrets : s.name] == ["LANDFALL_ADMIN_SECRET"]
    error_message = "The bootstrap gets the master secret from ECS."
  }
}

run "the_trigger" {
  assert {
    condition = aws_lambda_function.trigger.environment[0].variables == tomap({
      CLUSTER            = "arn:aws:ecs:eu-west-1:123456789012:cluster/landfall"
      TASK_DEFINITION    = "arn:aws:ecs:eu-west-1:123456789012:task-definition/landfall-load:7"
      CONTAINER          = "landfall"
      SUBNETS            = join(",", aws_subnet.private[*].id)
      SECURITY_GROUPS    = aws_security_group.task.id
      CAPACITY_PROVIDERS = "FARGATE"
      TASK_SIZES = jsonencode([
        { up_to_bytes = 268435456, cpu = 1024, memory = 4096, disk = 30 },
        { up_to_bytes = 2147483648, cpu = 2048, memory = 8192, disk = 50 },
        { up_to_bytes = 21474836480, cpu = 4096, memory = 16384, disk = 100 },
        { up_to_bytes = 64424509440, cpu = 8192, memory = 32768, disk = 200 },
      ])
      TOPIC     = "arn:aws:sns:eu-west-1:123456789012:landfall-notices"
      LOG_GROUP = "/landfall/load"
    })
    error_message = "The trigger is configured by these variables."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.uploads.enabled && aws_lambda_event_source_mapping.uploads.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "Without ReportBatchItemFailures a failed message would be deleted with its batch."
  }
  assert {
    condition     = aws_sqs_queue.uploads.visibility_timeout_seconds >= 6 * aws_lambda_function.trigger.timeout
    error_message = "A message must stay hidden for six times the trigger's timeout."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.uploads.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-west-1:123456789012:landfall-uploads-dead", maxReceiveCount = 50 }
    error_message = "What cannot be started must end in the dead-letter queue."
  }
  assert {
    condition     = aws_s3_bucket_notification.landing.queue[0].events == toset(["s3:ObjectCreated:*"])
    error_message = "Every way of creating an object must be announced, multipart uploads too."
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.task_stopped.event_pattern) == {
      source      = ["aws.ecs"]
      detail-type = ["ECS Task State Change"]
      detail = {
        clusterArn        = ["arn:aws:ecs:eu-west-1:123456789012:cluster/landfall"]
        lastStatus        = ["STOPPED"]
        taskDefinitionArn = [{ prefix = "arn:aws:ecs:eu-west-1:123456789012:task-definition/landfall-load:" }]
      }
    }
    error_message = "Every stopped load must be seen, also one that never started and so has no exit code."
  }
}

run "the_database" {
  assert {
    condition     = aws_rds_cluster.this.serverlessv2_scaling_configuration[0].min_capacity == 0 && aws_rds_cluster.this.serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 300
    error_message = "An idle database must pause."
  }
  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.iam_database_authentication_enabled && aws_rds_cluster.this.manage_master_user_password && !aws_rds_cluster_instance.writer.publicly_accessible
    error_message = "Encrypted, IAM login, no typed password, not public."
  }
  assert {
    condition     = [for p in aws_rds_cluster_parameter_group.this.parameter : p.value if p.name == "rds.force_ssl"] == ["1"]
    error_message = "TLS is forced."
  }
  assert {
    condition     = aws_rds_cluster.this.deletion_protection && !aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.backup_retention_period == 14 && startswith(aws_rds_cluster.this.final_snapshot_identifier, "landfall-final-")
    error_message = "Data must survive a careless destroy."
  }
  assert {
    condition     = aws_rds_cluster.this.engine_lifecycle_support == "open-source-rds-extended-support-disabled"
    error_message = "Extended Support bills by itself unless it is refused."
  }
}

run "an_exact_version_stays" {
  variables {
    db_version = "16.8"
  }
  assert {
    condition     = aws_rds_cluster.this.engine_version == "16.8" && aws_rds_cluster_parameter_group.this.family == "aurora-postgresql16" && !aws_rds_cluster_instance.writer.auto_minor_version_upgrade
    error_message = "An exact version is raised by the one who set it, or the next plan would want to go back."
  }
}

run "a_database_that_never_pauses" {
  variables {
    db_min_acu = 0.5
  }
  assert {
    condition     = aws_rds_cluster.this.serverlessv2_scaling_configuration[0].min_capacity == 0.5 && aws_rds_cluster_instance.writer.performance_insights_enabled
    error_message = "Without pause, Performance Insights is free to watch."
  }
}

run "own_network" {
  assert {
    condition     = length(aws_subnet.private) == 3 && aws_subnet.private[*].cidr_block == ["10.42.0.0/22", "10.42.4.0/22", "10.42.8.0/22"]
    error_message = "Three private subnets, one per zone."
  }
  assert {
    condition     = one(data.aws_availability_zones.available[0].filter) == { name = "opt-in-status", values = toset(["opt-in-not-required"]) }
    error_message = "No Local Zone, which has no endpoints and no Aurora, even if the account opted in."
  }
  assert {
    condition     = { for service, endpoint in aws_vpc_endpoint.interface : service => length(endpoint.subnet_ids) } == { "ecr.api" = 2, "ecr.dkr" = 2, logs = 2, secretsmanager = 1 }
    error_message = "Endpoints stand in two zones; the one for the bootstrap in one."
  }
  assert {
    condition     = aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway"
    error_message = "S3 traffic must not be billed."
  }
  assert {
    condition     = length(aws_vpc_security_group_egress_rule.task_to_https) == 0
    error_message = "In its own network a task needs no range of addresses."
  }
}

run "existing_network" {
  variables {
    existing_vpc = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"] }
  }
  assert {
    condition     = length(aws_vpc.this) + length(aws_subnet.private) + length(aws_vpc_endpoint.interface) + length(aws_vpc_endpoint.s3) + length(aws_flow_log.rejected) + length(aws_default_security_group.closed) == 0
    error_message = "With existing_vpc no network is made, and none of yours is changed."
  }
  assert {
    condition     = aws_db_subnet_group.this.subnet_ids == toset(["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]) && aws_lambda_function.trigger.environment[0].variables.SUBNETS == "subnet-0aaaaaaaaaaaaaaaa,subnet-0bbbbbbbbbbbbbbbb"
    error_message = "Database and tasks live in the given subnets."
  }
  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.task_to_https) == ["10.9.0.0/16"]
    error_message = "Port 443 is open to the VPC itself, where the endpoints are."
  }
}

run "existing_network_with_nat" {
  variables {
    existing_vpc = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"], https_cidrs = ["0.0.0.0/0"] }
  }
  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.task_to_https) == ["0.0.0.0/0"]
    error_message = "With NAT the way out must be asked for."
  }
}

run "a_demo_can_be_thrown_away" {
  variables {
    demo = true
  }
  assert {
    condition     = !aws_rds_cluster.this.deletion_protection && aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.backup_retention_period == 1
    error_message = "A demo's database goes without trace."
  }
  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : bucket.force_destroy]) && aws_ecr_repository.landfall.force_delete
    error_message = "A demo's buckets and images go with their content."
  }
  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.interface) : length(endpoint.subnet_ids) == 1])
    error_message = "A demo pays for endpoints in one zone."
  }
}

run "nothing_else_can" {
  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : !bucket.force_destroy]) && !aws_ecr_repository.landfall.force_delete
    error_message = "Buckets with content must stop a destroy."
  }
}

run "spot" {
  variables {
    spot = true
  }
  assert {
    condition     = aws_lambda_function.trigger.environment[0].variables.CAPACITY_PROVIDERS == "FARGATE_SPOT,FARGATE"
    error_message = "Spot first, on demand where there is none."
  }
}

run "paused" {
  variables {
    paused = true
  }
  assert {
    condition     = !aws_lambda_event_source_mapping.uploads.enabled
    error_message = "Paused: uploads wait in the queue."
  }
}

run "notices" {
  variables {
    alarm_email = "data-team@example.com"
  }
  assert {
    condition     = aws_sns_topic_subscription.email[0].endpoint == "data-team@example.com" && aws_budgets_budget.month[0].limit_amount == "100"
    error_message = "The address gets notices, alarms and the budget."
  }
  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["database-at-max", "dead-letters", "given-up", "trigger-errors", "waiting-long"]
    error_message = "The alarms of the stack."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) : alarm.alarm_actions == toset(["arn:aws:sns:eu-west-1:123456789012:landfall-notices"])])
    error_message = "An alarm that tells nobody is none."
  }
}

run "nobody_to_tell" {
  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0 && length(aws_budgets_budget.month) == 0
    error_message = "Without an address there is no subscription and no budget."
  }
}

run "contracts" {
  assert {
    condition     = { for file, object in aws_s3_object.contract : file => object.key } == { "orders.odcs.yaml" = "contracts/orders.odcs.yaml" }
    error_message = "Each contract, and nothing else, is uploaded under contracts/."
  }
}

run "no_contracts" {
  variables {
    contracts_dir = "tests/mocks"
  }
  expect_failures = [check.contracts]
}
