locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}"

  # Which runs of the workflow may take which role: named in full, never by pattern.
  runs = {
    plan  = ["pull_request", "ref:refs/heads/main"]
    push  = ["ref:refs/heads/main"]
    apply = ["environment:production"]
  }

  trust = {
    for role, runs in local.runs : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = local.provider_arn }
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = [for run in runs : "repo:${var.repository}:${run}"]
          }
        }
      }]
    })
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.create_provider ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}
