# Tasks, and the trigger that starts them.

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
