# SPDX-License-Identifier: Apache-2.0
"""boto3 makes clusters, node groups and Fargate profiles at moto, through a gateway that forwards everything to it and through
one that keeps access entries itself; afterwards the clusters are there that the other clients count on."""
import os

import boto3

from common import CLUSTER, CLUSTER_ROLE, CREATOR, PREFIX, VPC, check, finish
from sdk import client, raises

SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
NODE_ROLE = "arn:aws:iam::012345678910:role/nodes"


def node_groups(eks, cluster):
    names = [f"{cluster}-{letter}" for letter in "abc"]
    for name in names:
        made = eks.create_nodegroup(clusterName=cluster, nodegroupName=name, subnets=VPC["subnetIds"], nodeRole=NODE_ROLE,
                                    scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2}, labels={"team": "a b"},
                                    tags={"team": "blau/grün €"})["nodegroup"]
        check(f"makes the node group {name}", made["nodegroupName"] == name and made["scalingConfig"]["desiredSize"] == 2 and
              made["tags"] == {"team": "blau/grün €"}, made)
    eks.get_waiter("nodegroup_active").wait(clusterName=cluster, nodegroupName=names[0])
    shown = eks.describe_nodegroup(clusterName=cluster, nodegroupName=names[0])["nodegroup"]
    check("reads it back", shown["clusterName"] == cluster and shown["labels"] == {"team": "a b"} and shown["createdAt"] and
          shown["nodegroupArn"].startswith(f"arn:aws:eks:us-west-2:012345678910:nodegroup/{cluster}/"), shown)
    found = list(eks.get_paginator("list_nodegroups").paginate(clusterName=cluster, PaginationConfig={"PageSize": 1}))
    check("pages through node groups", [name for page in found for name in page["nodegroups"]] == names and len(found) == 3,
          found)
    eks.update_nodegroup_config(clusterName=cluster, nodegroupName=names[0],
                                scalingConfig={"minSize": 1, "maxSize": 5, "desiredSize": 4})
    shown = eks.describe_nodegroup(clusterName=cluster, nodegroupName=names[0])["nodegroup"]
    check("scales a node group", shown["scalingConfig"] == {"minSize": 1, "maxSize": 5, "desiredSize": 4}, shown)
    raises("is refused a second one", eks.exceptions.ResourceInUseException, lambda: eks.create_nodegroup(
        clusterName=cluster, nodegroupName=names[0], subnets=VPC["subnetIds"], nodeRole=NODE_ROLE))
    raises("is refused to delete their cluster", eks.exceptions.ResourceInUseException, lambda: eks.delete_cluster(
        name=cluster), "nodegroups attached")
    for name in names:
        eks.delete_nodegroup(clusterName=cluster, nodegroupName=name)
    eks.get_waiter("nodegroup_deleted").wait(clusterName=cluster, nodegroupName=names[0])
    raises("deletes node groups", eks.exceptions.ResourceNotFoundException, lambda: eks.describe_nodegroup(
        clusterName=cluster, nodegroupName=names[0]), "No node group found")


def fargate_profiles(eks, cluster):
    where = {"clusterName": cluster, "fargateProfileName": "profile"}
    made = eks.create_fargate_profile(**where, podExecutionRoleArn=NODE_ROLE, selectors=[{
        "namespace": "dev", "labels": {"team": "blue"}}])["fargateProfile"]
    eks.get_waiter("fargate_profile_active").wait(**where)
    shown = eks.describe_fargate_profile(**where)["fargateProfile"]
    check("makes a Fargate profile", shown["selectors"] == [{"namespace": "dev", "labels": {"team": "blue"}}] and
          shown["fargateProfileArn"] == made["fargateProfileArn"] and shown["status"] == "ACTIVE", shown)
    listed = eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"]
    check("lists Fargate profiles", listed == ["profile"], listed)
    eks.delete_fargate_profile(**where)
    raises("deletes a Fargate profile", eks.exceptions.ResourceNotFoundException,
           lambda: eks.describe_fargate_profile(**where), "No Fargate Profile found")


def forwarded():
    """Everything is moto's, and what moto doesn't serve is nobody's."""
    eks = client(SECRET, "MOTO_ENDPOINT")
    name = f"{PREFIX}-forwarded"
    made = eks.create_cluster(name=name, roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC, tags={"team": "blue"})["cluster"]
    eks.get_waiter("cluster_active").wait(name=name)
    direct = boto3.client("eks", endpoint_url=os.environ["MOTO_URL"], region_name="us-west-2")
    there = direct.describe_cluster(name=name)["cluster"]
    check("makes a cluster at moto", there["arn"] == made["arn"] and eks.describe_cluster(name=name)["cluster"] == there,
          there)
    node_groups(eks, name)
    fargate_profiles(eks, name)
    eks.tag_resource(resourceArn=made["arn"], tags={"stage": "prüfen"})
    eks.untag_resource(resourceArn=made["arn"], tagKeys=["team"])
    listed = eks.list_tags_for_resource(resourceArn=made["arn"])["tags"]
    check("tags a cluster at moto", listed == {"stage": "prüfen"}, listed)
    eks.delete_cluster(name=name)
    raises("deletes a cluster at moto", direct.exceptions.ResourceNotFoundException,
           lambda: direct.describe_cluster(name=name))


def overlaid():
    """Clusters are moto's, who may enter them isn't."""
    eks = client(SECRET)
    for name, mode in (CLUSTER, "API"), ("large", "API"), ("config-map", "CONFIG_MAP"):
        made = eks.create_cluster(name=name, roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC, accessConfig={
            "authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": False})["cluster"]
        check(f"makes the cluster {name}", made["name"] == name and made["accessConfig"]["authenticationMode"] == mode, made)
    name = f"{PREFIX}-overlaid"
    eks.create_cluster(name=name, roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC)
    node_groups(eks, name)
    fargate_profiles(eks, name)
    listed = eks.list_access_entries(clusterName=name)["accessEntries"]
    check("keeps the creator's entry beside them", listed == [CREATOR], listed)
    eks.delete_cluster(name=name)
    raises("forgets entries with their cluster", eks.exceptions.ResourceNotFoundException,
           lambda: eks.list_access_entries(clusterName=name), f"No cluster found for name: {name}.")


forwarded()
overlaid()
finish()
