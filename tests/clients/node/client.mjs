// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript creates access entries, reads them back, and is refused.
import { isDeepStrictEqual } from "node:util";
import {
  CreateAccessEntryCommand,
  DescribeAccessEntryCommand,
  EKSClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from "@aws-sdk/client-eks";

const { ENDPOINT, CLIENT_PREFIX, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
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

function client(secretAccessKey) {
  return new EKSClient({
    endpoint: ENDPOINT,
    region: "us-west-2",
    maxAttempts: 1,
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

const eks = client(AWS_SECRET_ACCESS_KEY);
for (const [principalArn, username] of principals) {
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
}

const principalArn = principals[1][0];
let error = await refusal(eks, new DescribeAccessEntryCommand({ clusterName, principalArn: `${principalArn}-not` }));
check("is told of a missing entry", error instanceof ResourceNotFoundException, error);
const stranger = client("a wrong secret");
error = await refusal(stranger, new DescribeAccessEntryCommand({ clusterName, principalArn }));
check("is refused with a wrong secret", error.name === "InvalidSignatureException", error);
error = await refusal(stranger, new CreateAccessEntryCommand({ clusterName, principalArn }));
check("is refused to create with a wrong secret", error.name === "InvalidSignatureException", error);
process.exitCode = failures ? 1 : 0;
