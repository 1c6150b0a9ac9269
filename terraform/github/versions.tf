# The roles by which .github/workflows/deploy.yml enters AWS. Applied once, by hand, by an administrator:
#
#   terraform -chdir=terraform/github init
#   terraform -chdir=terraform/github apply -var repository=OWNER/REPOSITORY -var state_bucket=BUCKET
#
# Then set the outputs as repository variables, and TF_VAR_permissions_boundary (in LANDFALL_TFVARS) to the boundary.
terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
}
