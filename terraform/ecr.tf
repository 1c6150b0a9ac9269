resource "aws_ecr_repository" "landfall" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.demo

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.data.arn
  }
  image_scanning_configuration { scan_on_push = true }
}

resource "aws_ecr_lifecycle_policy" "landfall" {
  repository = aws_ecr_repository.landfall.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last 20 images: enough to go back"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
      action       = { type = "expire" }
    }]
  })
}
