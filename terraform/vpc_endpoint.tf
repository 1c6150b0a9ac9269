locals {
  # ecr.api, ecr.dkr and logs: without them no task starts. Secrets Manager only for the bootstrap, SNS only for receipts.
  interface_endpoints = local.own_vpc ? merge(
    { for service in ["ecr.api", "ecr.dkr", "logs"] : service => local.endpoint_zones },
    var.bootstrap ? { secretsmanager = 1 } : {},
    var.notify_from_task ? { sns = local.endpoint_zones } : {},
  ) : {}

  # A stolen credential of another account is of no use through these doors, nor is this network of use to it.
  endpoint_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyThisAccount"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*"
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account } }
    }]
  })
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = local.interface_endpoints
  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = slice(local.subnet_ids, 0, each.value)
  security_group_ids  = [aws_security_group.endpoint[0].id]
  private_dns_enabled = true
  policy              = local.endpoint_policy
  tags                = { Name = "${var.name}-${each.key}" }
}

# Free, and the way of all bytes: uploads, receipts, and the layers of the image, which ECR keeps in a bucket of AWS.
resource "aws_vpc_endpoint" "s3" {
  count             = local.own_vpc ? 1 : 0
  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private[0].id]
  tags              = { Name = "${var.name}-s3" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OurBuckets"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"]
        Resource  = flatten([for arn in values(local.bucket_arns) : [arn, "${arn}/*"]])
        Condition = { StringEquals = { "aws:PrincipalAccount" = local.account } }
      },
      {
        Sid       = "LayersOfTheImage"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*"
      },
    ]
  })
}
