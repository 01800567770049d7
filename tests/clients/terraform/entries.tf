# SPDX-License-Identifier: Apache-2.0
# What a pipeline keeps in a cluster that is there already, for gateways with the shipped policies: entries alone, none of which
# those policies refuse as they are.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

data "aws_caller_identity" "current" {}

locals {
  cluster  = "my-cluster"
  iam      = "arn:aws:iam::${data.aws_caller_identity.current.account_id}"
  policies = "arn:aws:eks::aws:cluster-access-policy"
  tags     = { team = "team-a", cost-centre = "4711" }
}

# Nobody gives these a username.
resource "aws_eks_access_entry" "reader" {
  cluster_name  = local.cluster
  principal_arn = "${local.iam}:role/team-a/reader"
  tags          = local.tags
}

resource "aws_eks_access_entry" "people" {
  cluster_name  = local.cluster
  principal_arn = "${local.iam}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_team-a-view_0123456789abcdef"
  tags          = local.tags
}

resource "aws_eks_access_entry" "deployer" {
  cluster_name      = local.cluster
  principal_arn     = "${local.iam}:role/team-a/deployer"
  kubernetes_groups = ["viewers", "on-call"]
  user_name         = "deployers:{{SessionName}}"
  tags              = local.tags
}

resource "aws_eks_access_policy_association" "view" {
  cluster_name  = local.cluster
  principal_arn = aws_eks_access_entry.reader.principal_arn
  policy_arn    = "${local.policies}/AmazonEKSViewPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["team-a", "dev-*"]
  }
}

resource "aws_eks_access_policy_association" "people" {
  cluster_name  = local.cluster
  principal_arn = aws_eks_access_entry.people.principal_arn
  policy_arn    = "${local.policies}/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_policy_association" "admin" {
  cluster_name  = local.cluster
  principal_arn = aws_eks_access_entry.deployer.principal_arn
  policy_arn    = "${local.policies}/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}
