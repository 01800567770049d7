# SPDX-License-Identifier: Apache-2.0
"""A hundred thousand records under `eksgate replay` with two shipped policies: processor time of each, memory of all."""
import hashlib
import json
import os
import subprocess
import time

import servers

RECORDS = 100000
FRONT = '{"eventVersion":"1.11","additionalEventData":{"eksgate":{"sequence":%d,"previous":"%s",'
REST = """"committed":1,"status":200,"verified":true,"change":true,"requestSha256":"%064d","generation":1,"verdicts":[],
"changes":[]}},"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::012345678910:user/ci","accountId":"012345678910",
"accessKeyId":"AKIDEXAMPLE","userName":"ci"},"eventTime":"2026-01-31T12:00:00Z","eventSource":"eks.amazonaws.com",
"eventName":"CreateAccessEntry","awsRegion":"us-west-2","sourceIPAddress":"10.0.0.1","userAgent":"aws-cli/2.15","requestParameters":
{"name":"my-cluster","principalArn":"arn:aws:iam::012345678910:role/team-a/r%d","kubernetesGroups":["viewers"],
"tags":{"team":"a","cost-centre":"4711","owner":"x","stage":"test"}},"responseElements":{"accessEntry":{"type":"STANDARD"}},
"requestID":"00000000-0000-4000-8000-000000000000","eventID":"00000000-0000-4000-8000-000000000001","readOnly":false,
"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"012345678910","eventCategory":"Management"}""".replace("\n", "")


def write(path):
    previous = "0" * 64
    with open(path, "w", encoding="utf-8") as file:
        for number in range(1, RECORDS + 1):
            line = FRONT % (number, previous) + REST % (number, number)
            previous = hashlib.sha256(line.encode()).hexdigest()
            file.write(line + "\n")


def high_water(pid):
    """KiB of the program alone: what rusage says is that of the process that became it, too."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
    except ProcessLookupError:
        return 0


def replays(lab, table, *_):
    root = os.environ.get("EKSGATE_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    policies = [os.path.join(root, "lua", "policies", name) for name in ("required_tags.lua", "team_username.lua")]
    file = os.path.join(lab.folder, "records.jsonl")
    write(file)
    with open(os.path.join(lab.folder, "report.json"), "w+", encoding="utf-8") as report:
        child = subprocess.Popen([os.path.join(lab.build, "eksgate"), "replay", "--json", "--policies", ",".join(policies),
                                  "--set", "policy.library=" + os.path.join(root, "lua"), file], stdout=report)
        highest = 0
        while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
            highest = max(highest, high_water(child.pid))
            time.sleep(0.02)
        _, status, usage = ended
        child.returncode = os.waitstatus_to_exitcode(status)
        report.seek(0)
        totals = json.load(report)["totals"]
    if child.returncode != 1 or totals["asked"] != RECORDS or totals["differing"] != RECORDS:
        raise servers.Failed(f"eksgate replay ended with {child.returncode}: {totals}")
    seconds = usage.ru_utime + usage.ru_stime
    table.inform("eksgate replay, two policies, all records differ", f"{seconds * 1e6 / RECORDS:.1f} us CPU per record")
    table.inform("  memory at its highest, of 100,000 records", f"{highest / 1024:.1f} MiB")
