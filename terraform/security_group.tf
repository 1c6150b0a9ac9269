# Rules name groups, not addresses: a task may reach S3, the endpoints and the database, and nothing else.
data "aws_prefix_list" "s3" {
  name = "com.amazonaws.${local.region}.s3"
}

resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "Tasks: out to S3, endpoints and database; nothing in"
  vpc_id      = local.vpc_id
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Database: in from tasks; nothing out"
  vpc_id      = local.vpc_id
}

resource "aws_security_group" "endpoint" {
  count       = local.own_vpc ? 1 : 0
  name        = "${var.name}-endpoint"
  description = "Interface endpoints: in from tasks; nothing out"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "task_to_s3" {
  security_group_id = aws_security_group.task.id
  description       = "S3, through the gateway endpoint"
  prefix_list_id    = data.aws_prefix_list.s3.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "task_to_database" {
  security_group_id            = aws_security_group.task.id
  description                  = "PostgreSQL"
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database_from_task" {
  security_group_id            = aws_security_group.database.id
  description                  = "PostgreSQL"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "task_to_endpoint" {
  count                        = local.own_vpc ? 1 : 0
  security_group_id            = aws_security_group.task.id
  description                  = "ECR, logs and the other interface endpoints"
  referenced_security_group_id = aws_security_group.endpoint[0].id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_ingress_rule" "endpoint_from_task" {
  count                        = local.own_vpc ? 1 : 0
  security_group_id            = aws_security_group.endpoint[0].id
  description                  = "Tasks"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "task_to_https" {
  for_each          = toset(local.own_vpc ? [] : coalesce(var.existing_vpc.https_cidrs, [data.aws_vpc.existing[0].cidr_block]))
  security_group_id = aws_security_group.task.id
  description       = "AWS services, as your network offers them"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
