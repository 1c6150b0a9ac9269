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
