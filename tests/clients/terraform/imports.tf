# SPDX-License-Identifier: Apache-2.0
# Takes up what another state made; laid beside main.tf in a folder without a state.

import {
  to = aws_eks_cluster.west
  id = "main"
}

import {
  provider = aws.east
  to       = aws_eks_cluster.east
  id       = "main"
}

import {
  for_each = local.people
  to       = aws_eks_access_entry.people[each.key]
  id       = "main:${local.iam}:${each.key}"
}

import {
  to = aws_eks_access_entry.deployer
  id = "main:${local.iam}:role/team-a/deployer"
}

import {
  to = aws_eks_access_entry.node
  id = "main:${local.iam}:role/nodes"
}

import {
  provider = aws.east
  to       = aws_eks_access_entry.deployer_east
  id       = "main:${local.iam}:role/team-a/deployer"
}

import {
  for_each = local.people
  to       = aws_eks_access_policy_association.view[each.key]
  id       = "main#${local.iam}:${each.key}#${local.policies}/AmazonEKSViewPolicy"
}

import {
  to = aws_eks_access_policy_association.edit
  id = "main#${local.iam}:role/team-a/deployer#${local.policies}/AmazonEKSEditPolicy"
}

import {
  provider = aws.east
  to       = aws_eks_access_policy_association.admin_east
  id       = "main#${local.iam}:role/team-a/deployer#${local.policies}/AmazonEKSClusterAdminPolicy"
}
