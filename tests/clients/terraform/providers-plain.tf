# SPDX-License-Identifier: Apache-2.0
# Nothing is skipped: AWS_ENDPOINT_URL alone says where AWS is, and the provider asks who it is before it does anything.

provider "aws" {
  region = "us-west-2"
}

provider "aws" {
  alias  = "east"
  region = "us-east-1"
}
