# SPDX-License-Identifier: Apache-2.0
"""A thousand cases of a shipped policy under `eksgate test`: how long until the whole program has ended."""
import os
import shutil
import statistics
import subprocess
import time

import servers

SPEC = """
local spec = require("eksgate.spec")
local policy = spec.policy("team_username")
describe("team_username", function()
    for i = 1, 1000 do
        it("names role " .. i, function()
            local request = spec.request({ principal = "arn:aws:iam::012345678910:role/team-a/r" .. i })
            assert.equal("team-a:{{SessionName}}", policy.username(request))
        end)
    end
end)
"""


def once(lab, *options):
    began = time.monotonic()
    done = subprocess.run([os.path.join(lab.build, "eksgate"), "test", *options, os.path.join(lab.folder, "specs")],
                          capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0 or "1000 passed, 0 failed, 0 pending" not in done.stdout:
        raise servers.Failed(f"eksgate test ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return seconds * 1000


def specs(lab, table, *_):
    folder = os.path.join(lab.folder, "specs")
    os.makedirs(folder)
    root = os.environ.get("EKSGATE_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    shutil.copy(os.path.join(root, "lua", "policies", "team_username.lua"), folder)
    with open(os.path.join(folder, "team_username_spec.lua"), "w", encoding="utf-8") as file:
        file.write(SPEC)
    table.add("1,000 policy cases under eksgate test, median of 9", statistics.median(once(lab) for _ in range(9)), 200, "ms")
    table.inform("  with --coverage", f"{statistics.median(once(lab, '--coverage') for _ in range(9)):.0f} ms")
