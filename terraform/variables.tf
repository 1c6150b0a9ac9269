variable "name" {
  description = "Prefix of every name in the stack."
  type        = string
  default     = "landfall"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 20 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen (it becomes part of bucket names)."
  }
}

variable "region" {
  description = "AWS region; null takes the one of your environment or profile."
  type        = string
  default     = null
}

variable "image" {
  description = "The container image, by digest: <repository>@sha256:<64 hex digits>, or the bare id of a local image in the rehearsal. deploy.sh fills it in."
  type        = string

  validation {
    condition     = can(regex("^([^@ ]+@)?sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must name a digest (<repository>@sha256:<64 hex digits>): a tag can change under a running system."
  }
}

variable "lambda_zip" {
  description = "The trigger's code, built by `python trigger_lambda/build_zip.py`."
  type        = string
  default     = "../build/trigger.zip"

  validation {
    condition     = fileexists(var.lambda_zip)
    error_message = "lambda_zip does not exist: build it with `python trigger_lambda/build_zip.py`, from the top of the project."
  }
}

variable "contracts_dir" {
  description = "Folder whose .odcs.yaml files are uploaded as the contracts; the samples' until you name your own."
  type        = string
  default     = "../samples/contracts"
}

variable "demo" {
  description = "True for a stack to throw away: no deletion protection, no final snapshot, buckets and images deleted with their content, endpoints in one zone. Never with data you want to keep."
  type        = bool
  default     = false
}

variable "alarm_email" {
  description = "Where failed loads, alarms and the budget are reported (AWS asks that address to confirm); null for nobody, when you subscribe to the topic otherwise."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alarm_email))
    error_message = "alarm_email must be an address such as data-team@example.com, or null."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly cost of the whole account above which alarm_email is told (at 80 % forecast and 100 % actual); 0 for no budget."
  type        = number
  default     = 100

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd must be 0 (no budget) or more."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096 or 1827."
  }
}

variable "permissions_boundary" {
  description = "ARN of an IAM policy that bounds every role of the stack, where the account asks for one (terraform/github makes one for deploys by workflow)."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy."
  }
}

# ---- Network

variable "existing_vpc" {
  description = <<-EOT
    Use your own network instead of a new one: its id, and private subnets in at least two zones that reach S3, ECR, CloudWatch Logs (and for the
    bootstrap Secrets Manager) by endpoints or NAT. https_cidrs: where tasks may open port 443 besides S3; null means the VPC itself (endpoints);
    with NAT give ["0.0.0.0/0"].
  EOT
  type = object({
    vpc_id      = string
    subnet_ids  = list(string)
    https_cidrs = optional(list(string))
  })
  default = null

  validation {
    condition     = var.existing_vpc == null || can(regex("^vpc-[0-9a-f]+$", var.existing_vpc.vpc_id))
    error_message = "existing_vpc.vpc_id must look like vpc-0123456789abcdef0."
  }
  validation {
    condition     = var.existing_vpc == null || try(length(distinct(var.existing_vpc.subnet_ids)) >= 2, false)
    error_message = "existing_vpc.subnet_ids must name at least two subnets, in different zones: Aurora needs them, and Fargate finds room more often."
  }
  validation {
    condition     = alltrue([for cidr in try(coalesce(var.existing_vpc.https_cidrs, []), []) : can(cidrhost(cidr, 0))])
    error_message = "existing_vpc.https_cidrs must be CIDR blocks such as 10.0.0.0/16."
  }
}

variable "vpc_cidr" {
  description = "Address range of the new network, /16 to /24."
  type        = string
  default     = "10.42.0.0/20"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 24, false)
    error_message = "vpc_cidr must be an IPv4 range between /16 and /24, such as 10.42.0.0/20."
  }
}

variable "endpoint_zones" {
  description = "In how many zones the interface endpoints stand: each costs about 7.30 USD a month per zone. null: 1 for a demo, else 2."
  type        = number
  default     = null

  validation {
    condition     = var.endpoint_zones == null ? true : contains([1, 2, 3], var.endpoint_zones)
    error_message = "endpoint_zones must be 1, 2 or 3."
  }
}
