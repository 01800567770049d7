// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript creates access entries, reads them back, asks who it is, and is refused.
import { isDeepStrictEqual } from "node:util";
import {
  CreateAccessEntryCommand,
  DescribeAccessEntryCommand,
  EKSClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from "@aws-sdk/client-eks";
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";

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
process.env.AWS_ENDPOINT_URL = ENDPOINT;
const sts = new STSClient({ region: "us-east-1", maxAttempts: 1 });
const identity = await sts.send(new GetCallerIdentityCommand({}));
check("is told who it is, by AWS_ENDPOINT_URL alone", identity.Arn === "arn:aws:iam::012345678910:user/clients" &&
  identity.Account === "012345678910" && identity.UserId === "AIDAZTYAQXAKB2ULZAJA3" &&
  /^[0-9a-f-]{36}$/.test(identity.$metadata.requestId), identity);
error = await refusal(sts, new GetSessionTokenCommand({}));
check("is told of an action that isn't served", error.name === "InvalidAction", error);
const nobody = { accessKeyId: "AKIANOBODY0000000001", secretAccessKey: AWS_SECRET_ACCESS_KEY };
error = await refusal(new STSClient({ region: "us-west-2", maxAttempts: 1, credentials: nobody }),
  new GetCallerIdentityCommand({}));
check("is refused as STS refuses", error.name === "InvalidClientTokenId" && error.$metadata.httpStatusCode === 403 &&
  error.message === "The security token included in the request is invalid.", error);
process.exitCode = failures ? 1 : 0;
