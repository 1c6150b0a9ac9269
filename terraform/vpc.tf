# Private subnets in up to three zones, no way to the internet, endpoints for the few services that tasks need.
# With existing_vpc nothing of this is made, and tasks run in your subnets.
data "aws_availability_zones" "available" {
  count = local.own_vpc ? 1 : 0
  state = "available"
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"] # no Local Zones: they have neither endpoints nor Aurora
  }
}

data "aws_vpc" "existing" {
  count = local.own_vpc ? 0 : 1
  id    = var.existing_vpc.vpc_id
}

locals {
  own_vpc        = var.existing_vpc == null
  zones          = local.own_vpc ? slice(data.aws_availability_zones.available[0].names, 0, min(3, length(data.aws_availability_zones.available[0].names))) : []
  vpc_id         = local.own_vpc ? aws_vpc.this[0].id : var.existing_vpc.vpc_id
  subnet_ids     = local.own_vpc ? aws_subnet.private[*].id : var.existing_vpc.subnet_ids
  endpoint_zones = min(length(local.zones), coalesce(var.endpoint_zones, var.demo ? 1 : 2))
}

resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: it has one (below), which the check does not see because both have a count
  # checkov:skip=CKV2_AWS_12: its default group is closed (below), which the check does not see because both have a count
  count                = local.own_vpc ? 1 : 0
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # the endpoints' private names need it
  tags                 = { Name = var.name }
}

resource "aws_subnet" "private" {
  count             = length(local.zones)
  vpc_id            = local.vpc_id
  cidr_block        = cidrsubnet(var.vpc_cidr, 2, count.index)
  availability_zone = local.zones[count.index]
  tags              = { Name = "${var.name}-private-${local.zones[count.index]}" }
}

resource "aws_route_table" "private" {
  count  = local.own_vpc ? 1 : 0
  vpc_id = local.vpc_id
  tags   = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  count          = length(local.zones)
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_default_security_group" "closed" {
  count  = local.own_vpc ? 1 : 0
  vpc_id = local.vpc_id # no rule: what names no group of its own can reach nothing
}

# ---- Flow log of what was refused: in a network without a way out, every entry is news.

resource "aws_flow_log" "rejected" {
  count                = local.own_vpc ? 1 : 0
  vpc_id               = local.vpc_id
  traffic_type         = "REJECT"
  log_destination_type = "cloud-watch-logs"
  log_destination      = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn         = aws_iam_role.flow[0].arn
}

resource "aws_iam_role" "flow" {
  count                = local.own_vpc ? 1 : 0
  name                 = "${var.name}-flow-log"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.trust["vpc-flow-logs.amazonaws.com"]
}

resource "aws_iam_role_policy" "flow" {
  count = local.own_vpc ? 1 : 0
  name  = "flow-log"
  role  = aws_iam_role.flow[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.flow[0].arn}:*"
      },
      {
        Sid      = "FindTheGroup" # a list of groups cannot be asked of one group
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"
      },
    ]
  })
}
