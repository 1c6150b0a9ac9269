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
  description = "Folder whose .yaml files are uploaded as the contracts; the samples' until you name your own."
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

# ---- Tasks

variable "architecture" {
  description = "Processor of the image and of its tasks: X86_64, or ARM64 for about 20 % less per hour."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture must be X86_64 or ARM64, and the image must be built for it."
  }
}

variable "spot" {
  description = "Run first attempts on Fargate Spot (up to 70 % cheaper, may be interrupted); without room there, and for later attempts, on demand."
  type        = bool
  default     = false
}

variable "task_sizes" {
  description = "Fargate sizes, smallest first: up_to_mib of input once decompressed, cpu in units (1024 is one vCPU), memory in MiB, disk in GiB. Smaller uploads share tasks of the first size; the last size takes whatever is larger."
  type = list(object({
    up_to_mib = number
    cpu       = number
    memory    = number
    disk      = number
  }))
  default = [
    { up_to_mib = 256, cpu = 1024, memory = 4096, disk = 30 },
    { up_to_mib = 2048, cpu = 2048, memory = 8192, disk = 50 },
    { up_to_mib = 20480, cpu = 4096, memory = 16384, disk = 100 },
    { up_to_mib = 61440, cpu = 8192, memory = 32768, disk = 200 },
  ]

  validation {
    condition     = length(var.task_sizes) > 0
    error_message = "task_sizes must hold at least one size."
  }
  validation {
    condition     = alltrue([for size in var.task_sizes : contains(try(local.fargate_memory[tostring(size.cpu)], []), size.memory)])
    error_message = "task_sizes: Fargate does not have one of these cpu and memory pairs. Memory in MiB by cpu: 256: 512, 1024, 2048; 512: 1024-4096; 1024: 2048-8192; 2048: 4096-16384; 4096: 8192-30720 (all by 1024); 8192: 16384-61440 by 4096; 16384: 32768-122880 by 8192."
  }
  validation {
    condition     = alltrue([for size in var.task_sizes : size.disk >= 21 && size.disk <= 200 && floor(size.disk) == size.disk])
    error_message = "task_sizes: disk must be a whole number of GiB from 21 to 200."
  }
  validation {
    condition = alltrue([for i, size in var.task_sizes :
    i == 0 ? true : size.up_to_mib > var.task_sizes[i - 1].up_to_mib && size.memory > var.task_sizes[i - 1].memory])
    error_message = "task_sizes must grow in up_to_mib and in memory from each size to the next: a task that ran out of memory is tried again one size up."
  }
}

locals {
  fargate_memory = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4096 + 1, 1024)
    "1024"  = range(2048, 8192 + 1, 1024)
    "2048"  = range(4096, 16384 + 1, 1024)
    "4096"  = range(8192, 30720 + 1, 1024)
    "8192"  = range(16384, 61440 + 1, 4096)
    "16384" = range(32768, 122880 + 1, 8192)
  }
}

variable "notify_from_task" {
  description = "Let the task itself publish the receipt of every load. Without it only what needs a person is published, by the trigger. In the stack's own network this adds an SNS endpoint (about 7.30 USD a month per zone)."
  type        = bool
  default     = false
}

# ---- Trigger

variable "paused" {
  description = "True leaves uploads waiting in the queue (up to 14 days) instead of starting tasks."
  type        = bool
  default     = false
}

variable "launch_tries" {
  description = "How often the start of a task is tried, every six minutes, before its upload goes to the dead-letter queue. It should outlast a shortage of Fargate capacity or a burst that exceeds the account's vCPU quota."
  type        = number
  default     = 50

  validation {
    condition     = var.launch_tries >= 1 && var.launch_tries <= 1000 && floor(var.launch_tries) == var.launch_tries
    error_message = "launch_tries must be a whole number from 1 to 1000, the range of an SQS redrive policy."
  }
}

# ---- Database

variable "db_name" {
  description = "Name of the database."
  type        = string
  default     = "landfall"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.db_name)) && !contains(["postgres", "template0", "template1", "rdsadmin"], var.db_name)
    error_message = "db_name must be 1 to 63 lower-case letters, digits and underscores, start with a letter, and not be one of the server's own databases."
  }
}

variable "db_version" {
  description = "Version of PostgreSQL: a major version (AWS applies its minor ones in the maintenance window), or an exact one such as 17.7, raised by you."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[67](\\.[0-9]+)?$", var.db_version))
    error_message = "db_version must be 16 or 17, with or without a minor version."
  }
  validation {
    condition     = try(tonumber(split(".", var.db_version)[1]) >= (startswith(var.db_version, "16") ? 3 : 4), true)
    error_message = "db_version must be at least 16.3 or 17.4: older minor versions cannot pause."
  }
}

variable "db_min_acu" {
  description = "Least Aurora capacity (1 ACU is about 2 GiB, 0.12 USD an hour). 0 pauses the database after five idle minutes; the first load after that waits 15 to 30 seconds."
  type        = number
  default     = 0

  validation {
    condition     = var.db_min_acu >= 0 && var.db_min_acu * 2 == floor(var.db_min_acu * 2) && var.db_min_acu <= var.db_max_acu
    error_message = "db_min_acu must be a multiple of 0.5, from 0 to db_max_acu."
  }
}

variable "db_max_acu" {
  description = "Most Aurora capacity: the cap on speed, on connections and on cost."
  type        = number
  default     = 8

  validation {
    condition     = var.db_max_acu >= 1 && var.db_max_acu <= 256 && var.db_max_acu * 2 == floor(var.db_max_acu * 2)
    error_message = "db_max_acu must be a multiple of 0.5, from 1 to 256."
  }
}

variable "db_sslmode" {
  description = "How tasks check the database's certificate. Only verify-full proves who answers; require is for a rehearsal with a self-signed certificate."
  type        = string
  default     = "verify-full"

  validation {
    condition     = contains(["verify-full", "verify-ca", "require"], var.db_sslmode)
    error_message = "db_sslmode must be verify-full, verify-ca or require: a connection without TLS is refused by the database."
  }
}

variable "bootstrap" {
  description = "Keep what the database bootstrap needs: its task, its right to read the master secret, and in the stack's own network a Secrets Manager endpoint in one zone (7.30 USD a month). Set to false once the first deploy is done."
  type        = bool
  default     = true
}
