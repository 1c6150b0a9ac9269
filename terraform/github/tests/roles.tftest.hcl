mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/github-landfall-boundary" }
  }
}

variables {
  repository   = "example/landfall"
  state_bucket = "example-state"
}

run "each_role_trusts_named_runs_only" {
  assert {
    condition = { for role, r in aws_iam_role.this : role => jsondecode(r.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] } == {
      plan  = ["repo:example/landfall:pull_request", "repo:example/landfall:ref:refs/heads/main"]
      push  = ["repo:example/landfall:ref:refs/heads/main"]
      apply = ["repo:example/landfall:environment:production"]
    }
    error_message = "A pull request may plan, main may push, and only the reviewed environment may apply."
  }
  assert {
    condition     = alltrue([for r in values(aws_iam_role.this) : jsondecode(r.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com" && !strcontains(r.assume_role_policy, "*")])
    error_message = "The audience is checked, and nothing is a pattern."
  }
}

run "a_deploy_cannot_rise_above_itself" {
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.apply.policy).Statement : s.Condition if contains(flatten([s.Action]), "iam:CreateRole")]) == { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/github-landfall-boundary" } }
    error_message = "Roles are made inside the boundary only."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.apply.policy).Statement : s.Resource == "arn:aws:iam::123456789012:role/landfall-*"]) && alltrue([for r in values(aws_iam_role.this) : !startswith(r.name, "landfall-")])
    error_message = "Only the stack's roles may be changed, and the workflow's are none of them."
  }
  assert {
    condition     = !anytrue([for s in jsondecode(aws_iam_policy.boundary.policy).Statement : anytrue([for a in flatten([s.Action]) : strcontains(a, "*") || (startswith(a, "iam:") && a != "iam:PassRole")])])
    error_message = "The boundary allows no wildcard action and no change of identities."
  }
  assert {
    condition     = length(setsubtract(["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"], jsondecode(aws_iam_policy.boundary.policy).Statement[0].Action)) == 0
    error_message = "The boundary leaves the flow log what it needs."
  }
}

run "a_plan_sees_no_data" {
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.plan.policy).Statement : s.NotResource if can(s.NotResource)]) == ["arn:aws:s3:::example-state/landfall/*", "arn:aws:s3:::landfall-*-lake/contracts/*"]
    error_message = "Of all objects a plan may read its state and the contracts."
  }
}

run "an_existing_provider_is_used" {
  variables {
    create_provider = false
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "There can be one provider only."
  }
}

run "no_wildcard_repository" {
  command = plan
  variables {
    repository = "example/*"
  }
  expect_failures = [var.repository]
}
