// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript goes through the life of entries, policies, tags and clusters, pages, waits, retries, and
// is refused.
import { isDeepStrictEqual } from "node:util";
import {
  AssociateAccessPolicyCommand,
  BadRequestException,
  CreateAccessEntryCommand,
  CreateClusterCommand,
  DeleteAccessEntryCommand,
  DeleteClusterCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  DisassociateAccessPolicyCommand,
  EKSClient,
  InvalidParameterException,
  InvalidRequestException,
  ListAccessEntriesCommand,
  ListTagsForResourceCommand,
  NotFoundException,
  ResourceInUseException,
  ResourceNotFoundException,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAccessEntryCommand,
  UpdateClusterConfigCommand,
  paginateListAccessEntries,
  paginateListAccessPolicies,
  paginateListAssociatedAccessPolicies,
  paginateListClusters,
  waitUntilClusterActive,
  waitUntilClusterDeleted,
} from "@aws-sdk/client-eks";
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";

const { BEHIND, ENDPOINT, LOSSY_ENDPOINT, LARGE_ENTRIES, CLIENT_PREFIX, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } =
  process.env;
const clusterName = "my-cluster";
const principals = [
  [
    `arn:aws:iam::012345678910:role/${CLIENT_PREFIX}-plain`,
    `arn:aws:sts::012345678910:assumed-role/${CLIENT_PREFIX}-plain/{{SessionName}}`,
  ],
  [
    `arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g/${CLIENT_PREFIX}+=,.@-_x`,
    `arn:aws:sts::012345678910:assumed-role/${CLIENT_PREFIX}+=,.@-_x/{{SessionName}}`,
  ],
  [
    `arn:aws:iam::012345678910:user/people/${CLIENT_PREFIX}@example.com`,
    `arn:aws:iam::012345678910:user/people/${CLIENT_PREFIX}@example.com`,
  ],
];

let failures = 0;

function check(what, good, shown) {
  if (!good) failures += 1;
  const detail = shown instanceof Error ? `${shown.name}: ${shown.message}` : JSON.stringify(shown);
  console.log(good ? `ok - ${what}` : `not ok - ${what}: ${String(detail).slice(0, 600)}`);
}

function client(secretAccessKey, endpoint = ENDPOINT, maxAttempts = 1) {
  return new EKSClient({
    endpoint,
    region: "us-west-2",
    maxAttempts,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey },
  });
}

async function refusal(eks, command) {
  try {
    await eks.send(command);
  } catch (error) {
    return error;
  }
  return new Error("nothing was raised");
}

// Every page of a paginator, and all items in them. Paginators keep their place in the input that they are given.
async function walk(pages, member) {
  const items = [];
  let count = 0;
  for await (const page of pages) {
    count += 1;
    items.push(...page[member]);
  }
  return { items, count };
}

const isSorted = (items) => items.every((item, i) => i === 0 || items[i - 1] < item);

async function create(eks, principalArn, username) {
  const where = { clusterName, principalArn };
  const made = await eks.send(new CreateAccessEntryCommand({ ...where, tags: { team: "blue" } }));
  const entry = made.accessEntry;
  check(`creates ${principalArn}`, entry.principalArn === principalArn && entry.username === username, entry);
  check("reads the request's id", /^[0-9a-f-]{36}$/.test(made.$metadata.requestId), made.$metadata);
  check("reads times", entry.createdAt instanceof Date && Math.abs(entry.createdAt - Date.now()) < 60000, entry);
  const again = await eks.send(new DescribeAccessEntryCommand(where));
  check("reads it back", isDeepStrictEqual(again.accessEntry, entry), again.accessEntry);
  const error = await refusal(eks, new CreateAccessEntryCommand(where));
  check("is refused a second one", error instanceof ResourceInUseException && error.$metadata.httpStatusCode === 409 &&
    error.message === "The specified access entry resource is already in use on this cluster.", error);
  return entry;
}

async function change(eks, entry) {
  const where = { clusterName, principalArn: entry.principalArn };
  const updated = await eks.send(new UpdateAccessEntryCommand({ ...where, kubernetesGroups: ["viewers"] }));
  check("updates", isDeepStrictEqual(updated.accessEntry, { ...entry, kubernetesGroups: ["viewers"],
    modifiedAt: updated.accessEntry.modifiedAt }) && updated.accessEntry.modifiedAt > entry.modifiedAt, updated);
  const resourceArn = entry.accessEntryArn;
  await eks.send(new TagResourceCommand({ resourceArn, tags: { "odd key +/=@": "ü", team: "red" } }));
  await eks.send(new UntagResourceCommand({ resourceArn, tagKeys: ["team", "odd key"] }));
  const { tags } = await eks.send(new ListTagsForResourceCommand({ resourceArn }));
  check("tags and untags", isDeepStrictEqual(tags, { "odd key +/=@": "ü" }), tags);
  let error = await refusal(eks, new ListTagsForResourceCommand({ resourceArn: `${resourceArn}0` }));
  check("is told of a tagged thing that isn't there", error instanceof NotFoundException, error);
  error = await refusal(eks, new ListTagsForResourceCommand({ resourceArn: "not-an-arn" }));
  check("is told of an ARN that is none", error instanceof BadRequestException, error);
}

async function associate(eks, principalArn) {
  const where = { clusterName, principalArn };
  const { items: policies } = await walk(paginateListAccessPolicies({ client: eks, pageSize: 7 }, {}), "accessPolicies");
  check("pages through access policies", policies.length > 30 && isSorted(policies.map(({ name }) => name)), policies);
  const wanted = policies.map(({ arn }) => arn)
    .filter((arn) => /AmazonEKS(Admin|AdminView|Edit|View|ClusterAdmin)Policy$/.test(arn));
  for (const policyArn of wanted) {
    const accessScope = { type: "namespace", namespaces: ["dev-*"] };
    const made = await eks.send(new AssociateAccessPolicyCommand({ ...where, policyArn, accessScope }));
    if (!isDeepStrictEqual(made.associatedAccessPolicy.accessScope, accessScope)) check("associates", false, made);
  }
  const member = "associatedAccessPolicies";
  const found = await walk(paginateListAssociatedAccessPolicies({ client: eks, pageSize: 2 }, { ...where }), member);
  check("pages through associated policies", wanted.length === 5 && found.count === 3 &&
    isDeepStrictEqual(found.items.map(({ policyArn }) => policyArn), wanted), found);
  await eks.send(new DisassociateAccessPolicyCommand({ ...where, policyArn: wanted[0] }));
  const left = await walk(paginateListAssociatedAccessPolicies({ client: eks }, { ...where }), member);
  check("disassociates", isDeepStrictEqual(left.items, found.items.slice(1)), left);
  const mine = await walk(paginateListAccessEntries({ client: eks, pageSize: 1 },
    { clusterName, associatedPolicyArn: wanted[1] }), "accessEntries");
  check("pages through entries by policy", mine.items.includes(principalArn) && isSorted(mine.items), mine);
  await eks.send(new DeleteAccessEntryCommand(where));
  const error = await refusal(eks, new DescribeAccessEntryCommand(where));
  check("deletes", error instanceof ResourceNotFoundException &&
    error.message.startsWith("The specified principalArn could not be found."), error);
}

async function page(eks) {
  const large = await walk(paginateListAccessEntries({ client: eks }, { clusterName: "large" }), "accessEntries");
  check(`pages through ${LARGE_ENTRIES} entries, in order`, large.items.length === Number(LARGE_ENTRIES) &&
    isSorted(large.items) && large.count === Number(LARGE_ENTRIES) / 100, [large.count, large.items.length]);
  const odd = await walk(paginateListAccessEntries({ client: eks, pageSize: 37 }, { clusterName: "large" }),
    "accessEntries");
  check("pages the same in pages of 37", isDeepStrictEqual(odd.items, large.items) &&
    odd.count === Math.ceil(Number(LARGE_ENTRIES) / 37), [odd.count, odd.items.length]);
  const error = await refusal(eks, new ListAccessEntriesCommand({ clusterName: "large", nextToken: "made up" }));
  check("is refused a token that is none", error instanceof InvalidParameterException, error);
}

async function cluster(eks) {
  const name = `${CLIENT_PREFIX}-made`;
  const made = await eks.send(new CreateClusterCommand({
    name, roleArn: "arn:aws:iam::012345678910:role/cluster", resourcesVpcConfig: { subnetIds: ["subnet-1", "subnet-2"] },
    accessConfig: { authenticationMode: "API_AND_CONFIG_MAP" },
  }));
  check("creates a cluster", made.cluster.name === name && made.cluster.createdAt instanceof Date, made);
  const waited = await waitUntilClusterActive({ client: eks, maxWaitTime: 60 }, { name });
  check("waits until it is active", waited.state === "SUCCESS" && waited.reason.cluster.status === "ACTIVE", waited);
  const accessConfig = { authenticationMode: "API" };
  const { update } = await eks.send(new UpdateClusterConfigCommand({ name, accessConfig }));
  const shown = await eks.send(new DescribeClusterCommand({ name }));
  check("changes the authentication mode", update.type === "AccessConfigUpdate" &&
    shown.cluster.accessConfig.authenticationMode === "API", shown);
  const listed = await walk(paginateListClusters({ client: eks, pageSize: 2 }, {}), "clusters");
  check("pages through clusters", listed.items.includes(name) && listed.items.includes("large") &&
    isSorted(listed.items), listed);
  await eks.send(new DeleteClusterCommand({ name }));
  const gone = await waitUntilClusterDeleted({ client: eks, maxWaitTime: 60 }, { name });
  check("waits until it is gone", gone.state === "SUCCESS" && gone.reason instanceof ResourceNotFoundException, gone);
}

async function retry() {
  const lossy = client(AWS_SECRET_ACCESS_KEY, LOSSY_ENDPOINT, 3);
  const where = { clusterName, principalArn: `arn:aws:iam::012345678910:role/${CLIENT_PREFIX}-lossy` };
  const made = await lossy.send(new CreateAccessEntryCommand(where));
  const there = await lossy.send(new DescribeAccessEntryCommand(where));
  // A gateway that forwards may ask again by itself when an idle connection ends under a request that has a token.
  check("creates once though the reply is lost", (made.$metadata.attempts === 2 || BEHIND === "eksgate") &&
    isDeepStrictEqual(there.accessEntry, made.accessEntry), made);
}

async function wait() {
  const lossy = client(AWS_SECRET_ACCESS_KEY, LOSSY_ENDPOINT, 3);
  for (const word of ["throttled", "unavailable"]) {
    const where = { clusterName, principalArn: `arn:aws:iam::012345678910:role/${CLIENT_PREFIX}-${word}` };
    await client(AWS_SECRET_ACCESS_KEY).send(new CreateAccessEntryCommand(where));
    const began = Date.now();
    const shown = await lossy.send(new DescribeAccessEntryCommand(where));
    check(`comes back when ${word}, no sooner than it was told`, shown.$metadata.attempts === 2 &&
      Date.now() - began >= 1000 && shown.accessEntry.principalArn === where.principalArn, shown.$metadata);
  }
}

async function beRefused(eks) {
  const principalArn = principals[1][0];
  let error = await refusal(eks, new DescribeAccessEntryCommand({ clusterName, principalArn: `${principalArn}-not` }));
  check("is told of a missing entry", error instanceof ResourceNotFoundException &&
    error.name === "ResourceNotFoundException" && error.$metadata.httpStatusCode === 404, error);
  error = await refusal(eks, new CreateAccessEntryCommand({ clusterName, principalArn, username: "system:x" }));
  check("is told of a reserved prefix", error instanceof InvalidParameterException &&
    error.message === "The username must not begin with system:", error);
  error = await refusal(eks, new ListAccessEntriesCommand({ clusterName: "config-map" }));
  check("is told of the authentication mode", error instanceof InvalidRequestException, error);
  const stranger = client("a wrong secret");
  error = await refusal(stranger, new DescribeAccessEntryCommand({ clusterName, principalArn }));
  check("is refused with a wrong secret", error.name === "InvalidSignatureException", error);
  error = await refusal(stranger, new CreateAccessEntryCommand({ clusterName, principalArn }));
  check("is refused to create with a wrong secret", error.name === "InvalidSignatureException", error);
}

async function askWho() {
  process.env.AWS_ENDPOINT_URL = ENDPOINT;
  const sts = new STSClient({ region: "us-east-1", maxAttempts: 1 });
  const identity = await sts.send(new GetCallerIdentityCommand({}));
  check("is told who it is, by AWS_ENDPOINT_URL alone", identity.Arn === "arn:aws:iam::012345678910:user/clients" &&
    identity.Account === "012345678910" && identity.UserId === "AIDAZTYAQXAKB2ULZAJA3" &&
    /^[0-9a-f-]{36}$/.test(identity.$metadata.requestId), identity);
  let error = await refusal(sts, new GetSessionTokenCommand({}));
  check("is told of an action that isn't served", error.name === "InvalidAction", error);
  const nobody = { accessKeyId: "AKIANOBODY0000000001", secretAccessKey: AWS_SECRET_ACCESS_KEY };
  error = await refusal(new STSClient({ region: "us-west-2", maxAttempts: 1, credentials: nobody }),
    new GetCallerIdentityCommand({}));
  check("is refused as STS refuses", error.name === "InvalidClientTokenId" && error.$metadata.httpStatusCode === 403 &&
    error.message === "The security token included in the request is invalid.", error);
}

const eks = client(AWS_SECRET_ACCESS_KEY);
const entries = [];
for (const [principalArn, username] of principals) entries.push(await create(eks, principalArn, username));
await change(eks, entries[1]);
await associate(eks, entries[0].principalArn);
await page(eks);
await cluster(eks);
await retry();
await wait();
await beRefused(eks);
await askWho();
process.exitCode = failures ? 1 : 0;
