terraform {
  required_version = ">= 1.9, < 2.0" # 1.9: a validation may look at locals

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = var.name, ManagedBy = "terraform" }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id # .name in provider 5, .region in 6: .id is the same in both

  # Each trust policy that lets a service act: only for this account (the confused deputy).
  trust = {
    for service, source in {
      "ecs-tasks.amazonaws.com"     = "arn:${local.partition}:ecs:${local.region}:${local.account}:*"
      "vpc-flow-logs.amazonaws.com" = "arn:${local.partition}:ec2:${local.region}:${local.account}:vpc-flow-log/*"
      } : service => jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect    = "Allow"
          Action    = "sts:AssumeRole"
          Principal = { Service = service }
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.account }
            ArnLike      = { "aws:SourceArn" = source }
          }
        }]
    })
  }
}
