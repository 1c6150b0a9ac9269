# landing: where senders upload; never written to by the pipeline.
# lake: contracts in, receipts and rejects out. Two buckets, so that an output can never trigger a load.
locals {
  buckets = {
    for use in ["landing", "lake"] : use => "${var.name}-${local.account}-${local.region}-${use}"
  }
  bucket_arns   = { for use, name in local.buckets : use => "arn:${local.partition}:s3:::${name}" }
  contracts_uri = "s3://${local.buckets.lake}/contracts/"
  contracts     = toset([for file in fileset(var.contracts_dir, "**/*.odcs.{yaml,yml}") : file])
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: the ledger says who sent what and when; access logs cannot go to a bucket with a KMS key, and CloudTrail data events are the account owner's choice
  # checkov:skip=CKV_AWS_144: the senders have the originals; replication doubles the storage cost and is the data owner's choice
  # checkov:skip=CKV2_AWS_62: the landing bucket announces uploads (below); an announcement of the lake could start a loop
  for_each      = local.buckets
  bucket        = each.value
  force_destroy = var.demo
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  versioning_configuration { status = "Enabled" } # a load names a version: an upload during a load cannot mix two files
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data.arn
    }
    bucket_key_enabled = true # one KMS call per bucket and minute instead of one per object
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = aws_s3_bucket.this
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this
  bucket   = each.value.id
  rule {
    id     = "old-versions-and-broken-uploads"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 90 }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each   = aws_s3_bucket.this
  bucket     = each.value.id
  policy     = local.bucket_policies[each.key]
  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  bucket_policies = {
    for use, arn in local.bucket_arns : use => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "TlsOnly" # S3 itself refuses anything older than TLS 1.2
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [arn, "${arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    })
  }
}

# A bucket has one notification resource: add further consumers here, or they would erase one another.
resource "aws_s3_bucket_notification" "landing" {
  bucket = aws_s3_bucket.this["landing"].id
  queue {
    queue_arn = aws_sqs_queue.uploads.arn
    events    = ["s3:ObjectCreated:*"] # not only Put: a multipart upload is announced as CompleteMultipartUpload
  }
  depends_on = [aws_sqs_queue_policy.uploads]
}

resource "aws_s3_object" "contract" {
  for_each    = local.contracts
  bucket      = aws_s3_bucket.this["lake"].id
  key         = "contracts/${each.value}"
  source      = "${var.contracts_dir}/${each.value}"
  source_hash = filemd5("${var.contracts_dir}/${each.value}") # the etag is no checksum under KMS
  depends_on  = [aws_s3_bucket_server_side_encryption_configuration.this, aws_s3_bucket_versioning.this]
}

check "contracts" {
  assert {
    condition     = length(local.contracts) > 0
    error_message = "No .odcs.yaml file in ${var.contracts_dir}: every upload will be refused (exit code 64) until its contract is there."
  }
}
