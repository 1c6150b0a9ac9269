variable "repository" {
  description = "The GitHub repository that deploys, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name, without wildcards: whoever it names may change the stack."
  }
}

variable "state_bucket" {
  description = "The bucket with Terraform's state (LANDFALL_STATE_BUCKET)."
  type        = string
}

variable "name" {
  description = "Name of the stack, as in the stack's own variable."
  type        = string
  default     = "landfall"
}

variable "create_provider" {
  description = "False if the account has GitHub's identity provider already: there can be one only."
  type        = bool
  default     = true
}
