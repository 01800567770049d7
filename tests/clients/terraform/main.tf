# SPDX-License-Identifier: Apache-2.0
# What a platform team keeps in Terraform: clusters of the same name in two regions, who may enter them, and with which
# policies. providers.tf stands beside it: providers-plain.tf or providers-skipping.tf.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "authentication_mode" {
  type    = string
  default = "API_AND_CONFIG_MAP"
}

variable "groups" {
  type    = list(string)
  default = ["viewers", "on-call"]
}

variable "user_name" {
  type    = string
  default = "deployers:{{SessionName}}"
}

variable "namespaces" {
  type    = list(string)
  default = ["team-a", "dev-*"]
}

variable "tags" {
  type    = map(string)
  default = { team = "team-a", cost-centre = "4711" }
}

locals {
  account  = data.aws_caller_identity.west.account_id
  iam      = "arn:aws:iam::${local.account}"
  policies = "arn:aws:eks::aws:cluster-access-policy"
  vpc      = { subnet_ids = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"] }

  # Nobody gives these a username: it is the gateway's, or one of its policies', to choose.
  people = toset([
    "role/team-a/reader",
    "role/team-b/a+b=c,d.e@f-g/odd+=,.@-_name",
    "role/plain",
    "user/team-a/anna@example.com",
    "user/bob",
  ])
}

data "aws_caller_identity" "west" {}

data "aws_caller_identity" "east" {
  provider = aws.east
}

# What is said at creation only, DescribeCluster doesn't tell: whoever imports a cluster has to ignore it, as with AWS.
resource "aws_eks_cluster" "west" {
  name     = "main"
  role_arn = "${local.iam}:role/cluster"
  tags     = var.tags

  vpc_config {
    subnet_ids = local.vpc.subnet_ids
  }

  access_config {
    authentication_mode                         = var.authentication_mode
    bootstrap_cluster_creator_admin_permissions = true
  }

  lifecycle {
    ignore_changes = [bootstrap_self_managed_addons, access_config[0].bootstrap_cluster_creator_admin_permissions]
  }
}

resource "aws_eks_cluster" "east" {
  provider = aws.east
  name     = "main"
  role_arn = "${local.iam}:role/cluster"

  vpc_config {
    subnet_ids = local.vpc.subnet_ids
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  lifecycle {
    ignore_changes = [bootstrap_self_managed_addons, access_config[0].bootstrap_cluster_creator_admin_permissions]
  }
}

resource "aws_eks_access_entry" "people" {
  for_each      = local.people
  cluster_name  = aws_eks_cluster.west.name
  principal_arn = "${local.iam}:${each.key}"
  tags          = var.tags
}

resource "aws_eks_access_entry" "deployer" {
  cluster_name      = aws_eks_cluster.west.name
  principal_arn     = "${local.iam}:role/team-a/deployer"
  kubernetes_groups = var.groups
  user_name         = var.user_name
  type              = "STANDARD"
  tags              = merge(var.tags, length(var.groups) == 2 ? { "odd key +@" = "a = b" } : { groups = "${length(var.groups)}" })
}

resource "aws_eks_access_entry" "node" {
  cluster_name  = aws_eks_cluster.west.name
  principal_arn = "${local.iam}:role/nodes"
  type          = "EC2_LINUX"
  tags          = var.tags
}

# The same principal in the other region is an entry of its own.
resource "aws_eks_access_entry" "deployer_east" {
  provider          = aws.east
  cluster_name      = aws_eks_cluster.east.name
  principal_arn     = aws_eks_access_entry.deployer.principal_arn
  kubernetes_groups = ["viewers"]
  tags              = var.tags
}

resource "aws_eks_access_policy_association" "view" {
  for_each      = local.people
  cluster_name  = aws_eks_cluster.west.name
  principal_arn = aws_eks_access_entry.people[each.key].principal_arn
  policy_arn    = "${local.policies}/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_policy_association" "edit" {
  cluster_name  = aws_eks_cluster.west.name
  principal_arn = aws_eks_access_entry.deployer.principal_arn
  policy_arn    = "${local.policies}/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = var.namespaces
  }
}

resource "aws_eks_access_policy_association" "admin_east" {
  provider      = aws.east
  cluster_name  = aws_eks_cluster.east.name
  principal_arn = aws_eks_access_entry.deployer_east.principal_arn
  policy_arn    = "${local.policies}/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

output "callers" {
  value = [data.aws_caller_identity.west.arn, data.aws_caller_identity.east.arn]
}

output "usernames" {
  value = { for name, entry in aws_eks_access_entry.people : name => entry.user_name }
}
