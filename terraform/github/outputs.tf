output "AWS_PLAN_ROLE" {
  description = "Repository variable of the same name."
  value       = aws_iam_role.this["plan"].arn
}

output "AWS_PUSH_ROLE" {
  description = "Repository variable of the same name."
  value       = aws_iam_role.this["push"].arn
}

output "AWS_APPLY_ROLE" {
  description = "Repository variable of the same name."
  value       = aws_iam_role.this["apply"].arn
}

output "permissions_boundary" {
  description = "For the stack's variable of the same name: the apply role can make no role without it."
  value       = aws_iam_policy.boundary.arn
}
