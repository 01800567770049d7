# SPDX-License-Identifier: Apache-2.0
# As one usually writes it for a local endpoint: endpoints in the configuration, and all that asks AWS is skipped.

variable "endpoint" {
  type = string
}

provider "aws" {
  region                      = "us-west-2"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    eks = var.endpoint
    sts = var.endpoint
  }
}

provider "aws" {
  alias                       = "east"
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    eks = var.endpoint
    sts = var.endpoint
  }
}
