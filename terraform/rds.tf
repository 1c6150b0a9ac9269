locals {
  database_role    = "landfall" # logs in by IAM, owns what it creates; not the master user
  db_major_version = split(".", var.db_version)[0]
}

resource "aws_rds_cluster" "this" {
  # checkov:skip=CKV_AWS_139: on, unless the stack is a demo
  # checkov:skip=CKV2_AWS_8: Aurora keeps 14 days of point-in-time backups; a second copy elsewhere is the account owner's policy
  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.db_version
  database_name      = var.db_name
  port               = 5432

  # AWS makes the master password, keeps it in Secrets Manager and changes it every seven days: nobody types it.
  master_username             = "landfall_admin"
  manage_master_user_password = true

  iam_database_authentication_enabled = true
  enable_http_endpoint                = true # the Data API: queries from outside the private network, by IAM (output query_command)
  storage_encrypted                   = true
  kms_key_id                          = aws_kms_key.data.arn

  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name

  serverlessv2_scaling_configuration {
    min_capacity             = var.db_min_acu
    max_capacity             = var.db_max_acu
    seconds_until_auto_pause = var.db_min_acu == 0 ? 300 : null
  }

  backup_retention_period         = var.demo ? 1 : 14
  copy_tags_to_snapshot           = true
  deletion_protection             = !var.demo
  skip_final_snapshot             = var.demo
  final_snapshot_identifier       = "${var.name}-final-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"
  enabled_cloudwatch_logs_exports = ["postgresql"]
  engine_lifecycle_support        = "open-source-rds-extended-support-disabled" # else AWS bills it by itself one day

  lifecycle {
    ignore_changes = [final_snapshot_identifier] # the time of creation keeps it unique; later plans must not see a change
  }
  depends_on = [aws_cloudwatch_log_group.database]
}

resource "aws_rds_cluster_instance" "writer" {
  # checkov:skip=CKV_AWS_118: enhanced monitoring keeps a database awake that is meant to pause
  # checkov:skip=CKV_AWS_353: on, unless the database is meant to pause
  identifier                 = "${var.name}-1"
  cluster_identifier         = aws_rds_cluster.this.id
  engine                     = aws_rds_cluster.this.engine
  instance_class             = "db.serverless"
  db_subnet_group_name       = aws_db_subnet_group.this.name
  auto_minor_version_upgrade = var.db_version == local.db_major_version
  copy_tags_to_snapshot      = true
  publicly_accessible        = false

  # Performance Insights may keep a database awake that is meant to pause.
  performance_insights_enabled    = var.db_min_acu > 0
  performance_insights_kms_key_id = var.db_min_acu > 0 ? aws_kms_key.data.arn : null
}

resource "aws_rds_cluster_parameter_group" "this" {
  name        = "${var.name}-pg${local.db_major_version}"
  family      = "aurora-postgresql${local.db_major_version}"
  description = "TLS only; structure changes and slow statements are logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_statement"
    value = "ddl"
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "60000" # milliseconds
  }
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = local.subnet_ids
}
