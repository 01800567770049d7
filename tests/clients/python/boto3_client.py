# SPDX-License-Identifier: Apache-2.0
"""boto3 goes through the life of entries, policies, tags and clusters, pages, waits, retries, and is refused."""
import datetime
import os
import uuid

import boto3

from common import (BEHIND, CALLER, CLUSTER, CLUSTER_ROLE, CREATOR, IN_USE, LARGE, POLICIES, POLICY, PREFIX, PRINCIPALS, VPC,
                    check, finish)
from sdk import client, raises, refusal


def creates(eks, arn, username):
    wanted = {"clusterName": CLUSTER, "principalArn": arn, "tags": {"team": "blue", "cost centre": "1"},
              "clientRequestToken": str(uuid.uuid4())}
    made = eks.create_access_entry(**wanted)
    entry = made["accessEntry"]
    check(f"creates {arn}", entry["principalArn"] == arn and entry["username"] == username and entry["type"] ==
          "STANDARD" and entry["kubernetesGroups"] == [] and entry["tags"] == wanted["tags"], entry)
    check("reads the request's id", made["ResponseMetadata"]["RequestId"].count("-") == 4, made)
    check("reads times", isinstance(entry["createdAt"], datetime.datetime) and entry["createdAt"] ==
          entry["modifiedAt"], entry)
    again = eks.describe_access_entry(clusterName=CLUSTER, principalArn=arn)["accessEntry"]
    check("reads it back", again == entry, again)
    retried = eks.create_access_entry(**wanted)["accessEntry"]
    check("gets the same for the same token", retried == entry, retried)
    error = refusal(lambda: eks.create_access_entry(clusterName=CLUSTER, principalArn=arn))
    check("is refused a second one", error["Error"]["Code"] == "ResourceInUseException" and
          error["Error"]["Message"] == IN_USE and error["ResponseMetadata"]["HTTPStatusCode"] == 409, error)
    return entry


def updates(eks, where, entry):
    changed = eks.update_access_entry(**where, kubernetesGroups=["viewers", "on-call"],
                                      username="blue:{{SessionName}}")["accessEntry"]
    kept = ("principalArn", "accessEntryArn", "createdAt", "tags", "type")
    check("updates", changed["kubernetesGroups"] == ["viewers", "on-call"] and changed["username"] ==
          "blue:{{SessionName}}" and all(changed[name] == entry[name] for name in kept) and
          changed["modifiedAt"] > changed["createdAt"], changed)
    reset = eks.update_access_entry(**where)["accessEntry"]
    check("updates with nothing, which is the default again", reset["kubernetesGroups"] == [] and reset["username"] ==
          entry["username"], reset)


def tags(eks, entry):
    arn = entry["accessEntryArn"]
    eks.tag_resource(resourceArn=arn, tags={"team": "red", "odd key +/=@": "ü = €"})
    listed = eks.list_tags_for_resource(resourceArn=arn)["tags"]
    check("tags", listed == {"team": "red", "cost centre": "1", "odd key +/=@": "ü = €"}, listed)
    eks.untag_resource(resourceArn=arn, tagKeys=["odd key +/=@", "cost centre", "never there"])
    shown = eks.describe_access_entry(clusterName=CLUSTER, principalArn=entry["principalArn"])["accessEntry"]["tags"]
    check("untags, and sees tags in the entry", shown == {"team": "red"}, shown)
    raises("is told of a tagged thing that isn't there", eks.exceptions.NotFoundException,
           lambda: eks.list_tags_for_resource(resourceArn=arn[:-1] + ("0" if arn[-1] != "0" else "1")))
    raises("is told of an ARN that is none", eks.exceptions.BadRequestException,
           lambda: eks.list_tags_for_resource(resourceArn="not-an-arn"))


def associates(eks, where):
    for policy in POLICIES:
        made = eks.associate_access_policy(**where, policyArn=policy, accessScope={"type": "cluster"})
        if made["associatedAccessPolicy"]["accessScope"] != {"type": "cluster", "namespaces": []}:
            check(f"associates {policy}", False, made)
    pages = list(eks.get_paginator("list_associated_access_policies").paginate(**where, PaginationConfig={
        "PageSize": 3}))
    listed = [policy["policyArn"] for page in pages for policy in page["associatedAccessPolicies"]]
    check("pages through associated policies", listed == POLICIES and len(pages) == (len(POLICIES) + 2) // 3, listed)
    first = pages[0]["associatedAccessPolicies"][0]
    again = eks.associate_access_policy(**where, policyArn=POLICIES[0], accessScope={
        "type": "namespace", "namespaces": ["dev-*", "ops"]})["associatedAccessPolicy"]
    check("associates again with another scope", again["accessScope"] == {
        "type": "namespace", "namespaces": ["dev-*", "ops"]} and again["associatedAt"] == first["associatedAt"] <
          again["modifiedAt"], again)
    filtered = eks.get_paginator("list_access_entries").paginate(clusterName=CLUSTER, associatedPolicyArn=POLICIES[0])
    mine = [arn for page in filtered for arn in page["accessEntries"]]
    check("lists entries by policy", mine == [where["principalArn"]], mine)
    eks.disassociate_access_policy(**where, policyArn=POLICIES[0])
    left = eks.list_associated_access_policies(**where)["associatedAccessPolicies"]
    check("disassociates", [policy["policyArn"] for policy in left] == POLICIES[1:], left)
    raises("is told of an unknown policy", eks.exceptions.ResourceNotFoundException, lambda: eks.associate_access_policy(
        **where, policyArn=POLICY + "NoSuchPolicy", accessScope={"type": "cluster"}), "policyArn could not be found")


def deletes(eks, where, entry):
    eks.delete_access_entry(**where)
    raises("deletes", eks.exceptions.ResourceNotFoundException, lambda: eks.describe_access_entry(**where),
           "The specified principalArn could not be found")
    fresh = eks.create_access_entry(**where)["accessEntry"]
    check("creates it anew", fresh["accessEntryArn"] != entry["accessEntryArn"] and
          eks.list_associated_access_policies(**where)["associatedAccessPolicies"] == [], fresh)


def pages(eks):
    found = list(eks.get_paginator("list_access_entries").paginate(clusterName="large"))
    listed = [arn for page in found for arn in page["accessEntries"]]
    check(f"pages through {len(LARGE)} entries, in order", listed == sorted(LARGE) and len(found) == len(LARGE) // 100,
          [len(found), len(listed)])
    walked = eks.get_paginator("list_access_entries").paginate(clusterName="large", PaginationConfig={
        "MaxItems": 250, "PageSize": 30}).build_full_result()
    rest = eks.get_paginator("list_access_entries").paginate(clusterName="large", PaginationConfig={
        "StartingToken": walked["NextToken"]}).build_full_result()
    check("goes on where it stopped", walked["accessEntries"] + rest["accessEntries"] == sorted(LARGE), len(rest))
    names = [policy["name"] for page in eks.get_paginator("list_access_policies").paginate(
        PaginationConfig={"PageSize": 5}) for policy in page["accessPolicies"]]
    check("pages through access policies", names == sorted(set(names)) and len(names) > 30 and
          "AmazonEKSClusterAdminPolicy" in names, names)
    raises("is refused a token of another listing", eks.exceptions.InvalidParameterException,
           lambda: eks.list_access_entries(clusterName=CLUSTER, nextToken=walked["NextToken"]))


def clusters(eks):
    names = [f"{PREFIX}-{letter}" for letter in "abc"]
    for name in names:
        eks.create_cluster(name=name, roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC, tags={"team": "blue"},
                           accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    eks.get_waiter("cluster_active").wait(name=names[0])
    shown = eks.describe_cluster(name=names[0])["cluster"]
    check("creates a cluster and waits until it is active", shown["status"] == "ACTIVE" and shown["tags"] == {
        "team": "blue"} and shown["accessConfig"] == {"authenticationMode": "API_AND_CONFIG_MAP"} and
        isinstance(shown["createdAt"], datetime.datetime), shown)
    creator = {"clusterName": names[0], "principalArn": CREATOR}
    first = eks.list_associated_access_policies(**creator)["associatedAccessPolicies"]
    check("is its administrator", [policy["policyArn"] for policy in first] == [
        POLICY + "AmazonEKSClusterAdminPolicy"], first)
    listed = [name for page in eks.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
              for name in page["clusters"]]
    check("pages through clusters", listed == sorted(listed) and set(names) < set(listed), listed)
    if BEHIND != "passing":  # whose endpoint is that of one region
        elsewhere = client(os.environ["AWS_SECRET_ACCESS_KEY"], region="us-east-1").list_clusters()["clusters"]
        check("sees none of them in another region", not set(names) & set(elsewhere), elsewhere)
    update = eks.update_cluster_config(name=names[0], accessConfig={"authenticationMode": "API"})["update"]
    done = eks.describe_update(name=names[0], updateId=update["id"])["update"]
    check("changes the authentication mode", done["status"] == "Successful" and eks.describe_cluster(name=names[0])[
        "cluster"]["accessConfig"]["authenticationMode"] == "API", done)
    updates_seen = [seen for page in eks.get_paginator("list_updates").paginate(name=names[0]) for seen in page["updateIds"]]
    check("lists the change", updates_seen == [update["id"]], updates_seen)
    eks.tag_resource(resourceArn=shown["arn"], tags={"stage": "test"})
    eks.untag_resource(resourceArn=shown["arn"], tagKeys=["team"])
    check("tags a cluster", eks.list_tags_for_resource(resourceArn=shown["arn"])["tags"] == {"stage": "test"} ==
          eks.describe_cluster(name=names[0])["cluster"]["tags"], shown["arn"])
    raises("is refused a second cluster of the name", eks.exceptions.ResourceInUseException, lambda: eks.create_cluster(
        name=names[0], roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC), f"Cluster already exists with name: {names[0]}")
    for name in names:
        eks.delete_cluster(name=name)
    eks.get_waiter("cluster_deleted").wait(name=names[0])
    raises("deletes a cluster and waits until it is gone", eks.exceptions.ResourceNotFoundException,
           lambda: eks.describe_access_entry(**creator), f"No cluster found for name: {names[0]}.")


def came_back(made):
    """Once; or the gateway before it did, which may when an idle connection ends under a request that has a token."""
    return made["ResponseMetadata"]["RetryAttempts"] == 1 or BEHIND == "eksgate"


def retries():
    """The reply is lost after the change was made; the retry carries the same token."""
    where = {"clusterName": CLUSTER, "principalArn": f"arn:aws:iam::012345678910:role/{PREFIX}-lossy"}
    eks = client(os.environ["AWS_SECRET_ACCESS_KEY"], "LOSSY_ENDPOINT", 3)
    made = eks.create_access_entry(**where)
    entry = eks.describe_access_entry(**where)["accessEntry"]
    check("creates once though the reply is lost", made["ResponseMetadata"]["RetryAttempts"] == 1 and
          made["accessEntry"] == entry, made)
    changed = eks.update_access_entry(**where, kubernetesGroups=["viewers"])
    check("updates though the reply is lost", came_back(changed) and
          eks.describe_access_entry(**where)["accessEntry"] == changed["accessEntry"], changed)
    slow(eks)


def slow(eks):
    """A cluster that takes its time, made though the reply is lost."""
    name = f"{PREFIX}-lossy-slow"
    made = eks.create_cluster(name=name, roleArn=CLUSTER_ROLE, resourcesVpcConfig=VPC)
    check("creates a cluster once though the reply is lost", came_back(made) and made["cluster"]["name"] == name, made)
    seen = []
    eks.meta.events.register("after-call.eks.DescribeCluster", lambda parsed, **_: seen.append(parsed["cluster"]["status"]))
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig={"Delay": 1})
    check("waits while a cluster is made", seen == ["CREATING", "CREATING", "CREATING", "ACTIVE"], seen)
    eks.delete_cluster(name=name)


def busy():
    """A 429 and a 503 say when to come back; whoever comes back is answered."""
    for word, code, status in ("throttled", "ThrottlingException", 429), ("unavailable", "ServiceUnavailableException", 503):
        where = {"clusterName": CLUSTER, "principalArn": f"arn:aws:iam::012345678910:role/{PREFIX}-{word}"}
        client(os.environ["AWS_SECRET_ACCESS_KEY"]).create_access_entry(**where)
        eager = client(os.environ["AWS_SECRET_ACCESS_KEY"], "LOSSY_ENDPOINT")
        error = refusal(lambda: eager.describe_access_entry(**where))
        head = error.get("ResponseMetadata", {})
        check(f"is told of {code}, and when to come back", error["Error"]["Code"] == code and head["HTTPStatusCode"] == status
              and head["HTTPHeaders"].get("retry-after") == "1" and error["Error"]["Message"] == "Come back later.", error)
        where["principalArn"] += "-twice"
        client(os.environ["AWS_SECRET_ACCESS_KEY"]).create_access_entry(**where)
        patient = client(os.environ["AWS_SECRET_ACCESS_KEY"], "LOSSY_ENDPOINT", 3)
        shown = patient.describe_access_entry(**where)
        check(f"comes back after {code}", shown["ResponseMetadata"]["RetryAttempts"] == 1 and
              shown["accessEntry"]["principalArn"] == where["principalArn"], shown)


def refusals(eks):
    known = eks.exceptions
    where = {"clusterName": CLUSTER, "principalArn": PRINCIPALS[1][0]}
    raises("is told of a missing entry", known.ResourceNotFoundException, lambda: eks.describe_access_entry(
        clusterName=CLUSTER, principalArn=PRINCIPALS[0][0] + "-not"), "list-access-entries")
    raises("is told of a second entry", known.ResourceInUseException, lambda: eks.create_access_entry(**where), IN_USE)
    raises("is told of a principal that is none", known.InvalidParameterException, lambda: eks.create_access_entry(
        clusterName=CLUSTER, principalArn="arn:aws:sts::012345678910:assumed-role/a/b"),
        "The principalArn parameter format is not valid")
    raises("is told of the authentication mode", known.InvalidRequestException, lambda: eks.list_access_entries(
        clusterName="config-map"), "authentication mode must be set to one of [API, API_AND_CONFIG_MAP]")
    stranger = client("a wrong secret")
    error = refusal(lambda: stranger.describe_access_entry(**where))
    check("is refused with a wrong secret", error["Error"]["Code"] == "InvalidSignatureException", error)
    error = refusal(lambda: stranger.create_access_entry(**where))
    check("is refused to create with a wrong secret", error["Error"]["Code"] == "InvalidSignatureException", error)


def callers():
    os.environ["AWS_ENDPOINT_URL"] = os.environ["ENDPOINT"]
    for region in "us-west-2", "us-east-1":
        sts = boto3.client("sts", region_name=region)
        identity = sts.get_caller_identity()
        check(f"is told who it is, by AWS_ENDPOINT_URL alone, in {region}",
              {name: identity.get(name) for name in CALLER} == CALLER, identity)
        check("reads that request's id", identity["ResponseMetadata"]["RequestId"].count("-") == 4, identity)
    error = refusal(lambda: boto3.client("sts", region_name="us-west-2", aws_secret_access_key="a wrong secret",
                                         aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"]).get_caller_identity())
    check("is refused as STS refuses", error["Error"]["Code"] == "SignatureDoesNotMatch" and
          error["ResponseMetadata"]["HTTPStatusCode"] == 403 and error["Error"]["Type"] == "Sender", error)
    error = refusal(lambda: sts.get_session_token())
    check("is told of an action that isn't served", error["Error"]["Code"] == "InvalidAction", error)


def main():
    eks = client(os.environ["AWS_SECRET_ACCESS_KEY"])
    entries = [creates(eks, arn, username) for arn, username in PRINCIPALS]
    where = {"clusterName": CLUSTER, "principalArn": PRINCIPALS[1][0]}
    updates(eks, where, entries[1])
    tags(eks, entries[1])
    associates(eks, where)
    deletes(eks, where, entries[1])
    pages(eks)
    clusters(eks)
    if os.environ["LOSSY_ENDPOINT"]:
        retries()
        busy()
    refusals(eks)
    if BEHIND != "passing":  # nobody is verified there who could be told who they are
        callers()
    finish()


main()
