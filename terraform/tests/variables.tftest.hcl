# What the stack refuses before AWS does: one run per rule.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  image         = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  lambda_zip    = "tests/variables.tftest.hcl"
  contracts_dir = "tests/contracts"
}

run "name_with_capitals" {
  command = plan
  variables {
    name = "Landfall"
  }
  expect_failures = [var.name]
}

run "name_too_short" {
  command = plan
  variables {
    name = "ab"
  }
  expect_failures = [var.name]
}

run "name_too_long" {
  command = plan
  variables {
    name = "abcdefghijklmnopqrstu"
  }
  expect_failures = [var.name]
}

run "name_ends_with_hyphen" {
  command = plan
  variables {
    name = "landfall-"
  }
  expect_failures = [var.name]
}

run "image_by_tag" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/landfall:latest"
  }
  expect_failures = [var.image]
}

run "image_with_short_digest" {
  command = plan
  variables {
    image = "landfall@sha256:abc"
  }
  expect_failures = [var.image]
}

run "lambda_zip_missing" {
  command = plan
  variables {
    lambda_zip = "tests/no-such.zip"
  }
  expect_failures = [var.lambda_zip]
}

run "alarm_email_malformed" {
  command = plan
  variables {
    alarm_email = "data-team"
  }
  expect_failures = [var.alarm_email]
}

run "monthly_budget_negative" {
  command = plan
  variables {
    monthly_budget_usd = -1
  }
  expect_failures = [var.monthly_budget_usd]
}

run "log_retention_unknown" {
  command = plan
  variables {
    log_retention_days = 10
  }
  expect_failures = [var.log_retention_days]
}

run "permissions_boundary_no_arn" {
  command = plan
  variables {
    permissions_boundary = "my-boundary"
  }
  expect_failures = [var.permissions_boundary]
}

run "existing_vpc_malformed_id" {
  command = plan
  variables {
    existing_vpc = { vpc_id = "my-vpc", subnet_ids = ["subnet-a", "subnet-b"] }
  }
  expect_failures = [var.existing_vpc]
}

run "existing_vpc_one_subnet" {
  command = plan
  variables {
    existing_vpc = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-a"] }
  }
  expect_failures = [var.existing_vpc]
}

run "existing_vpc_bad_cidr" {
  command = plan
  variables {
    existing_vpc = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], https_cidrs = ["everywhere"] }
  }
  expect_failures = [var.existing_vpc]
}

run "vpc_cidr_malformed" {
  command = plan
  variables {
    vpc_cidr = "10.42.0.0"
  }
  expect_failures = [var.vpc_cidr]
}

run "vpc_cidr_too_large" {
  command = plan
  variables {
    vpc_cidr = "10.0.0.0/8"
  }
  expect_failures = [var.vpc_cidr]
}

run "vpc_cidr_too_small" {
  command = plan
  variables {
    vpc_cidr = "10.42.0.0/25"
  }
  expect_failures = [var.vpc_cidr]
}

run "endpoint_zones_none" {
  command = plan
  variables {
    endpoint_zones = 0
  }
  expect_failures = [var.endpoint_zones]
}

run "architecture_unknown" {
  command = plan
  variables {
    architecture = "arm64"
  }
  expect_failures = [var.architecture]
}

run "task_sizes_empty" {
  command = plan
  variables {
    task_sizes = []
  }
  expect_failures = [var.task_sizes]
}

run "fargate_256_8192" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 256, memory = 8192, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_512_512" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 512, memory = 512, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_1024_1024" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 1024, memory = 1024, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_4096_31744" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 4096, memory = 31744, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_8192_by_1024" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 8192, memory = 17408, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_16384_by_4096" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 16384, memory = 36864, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "fargate_3_cpus" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 3072, memory = 8192, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "disk_below_21" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 1024, memory = 4096, disk = 20 }]
  }
  expect_failures = [var.task_sizes]
}

run "disk_above_200" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 1024, memory = 4096, disk = 201 }]
  }
  expect_failures = [var.task_sizes]
}

run "sizes_not_growing_in_bytes" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 1024, memory = 4096, disk = 30 }, { up_to_mib = 256, cpu = 2048, memory = 8192, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "sizes_not_growing_in_memory" {
  command = plan
  variables {
    task_sizes = [{ up_to_mib = 256, cpu = 1024, memory = 8192, disk = 30 }, { up_to_mib = 512, cpu = 2048, memory = 8192, disk = 30 }]
  }
  expect_failures = [var.task_sizes]
}

run "launch_tries_none" {
  command = plan
  variables {
    launch_tries = 0
  }
  expect_failures = [var.launch_tries]
}

run "launch_tries_too_many" {
  command = plan
  variables {
    launch_tries = 1001
  }
  expect_failures = [var.launch_tries]
}

run "db_name_with_hyphen" {
  command = plan
  variables {
    db_name = "land-fall"
  }
  expect_failures = [var.db_name]
}

run "db_name_of_the_server" {
  command = plan
  variables {
    db_name = "postgres"
  }
  expect_failures = [var.db_name]
}

run "db_version_too_old" {
  command = plan
  variables {
    db_version = "15"
  }
  expect_failures = [var.db_version]
}

run "db_version_that_cannot_pause" {
  command = plan
  variables {
    db_version = "16.2"
  }
  expect_failures = [var.db_version]
}

run "db_min_acu_not_half" {
  command = plan
  variables {
    db_min_acu = 0.3
  }
  expect_failures = [var.db_min_acu]
}

run "db_min_acu_above_max" {
  command = plan
  variables {
    db_min_acu = 9
  }
  expect_failures = [var.db_min_acu]
}

run "db_max_acu_too_large" {
  command = plan
  variables {
    db_max_acu = 257
  }
  expect_failures = [var.db_max_acu]
}

run "db_max_acu_not_half" {
  command = plan
  variables {
    db_max_acu = 1.2
  }
  expect_failures = [var.db_max_acu]
}

run "db_sslmode_off" {
  command = plan
  variables {
    db_sslmode = "disable"
  }
  expect_failures = [var.db_sslmode]
}

# ... and what it accepts, at the edges.

run "smallest_and_largest_sizes" {
  command = plan
  variables {
    task_sizes = [
      { up_to_mib = 10, cpu = 256, memory = 512, disk = 21 },
      { up_to_mib = 20, cpu = 512, memory = 4096, disk = 21 },
      { up_to_mib = 30, cpu = 2048, memory = 16384, disk = 21 },
      { up_to_mib = 40, cpu = 4096, memory = 30720, disk = 21 },
      { up_to_mib = 50, cpu = 8192, memory = 61440, disk = 21 },
      { up_to_mib = 60, cpu = 16384, memory = 122880, disk = 200 },
    ]
  }
}

run "a_local_image_id_for_the_rehearsal" {
  command = plan
  variables {
    image = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }
}

run "smallest_network" {
  command = plan
  variables {
    vpc_cidr = "10.42.0.0/24"
  }
}
