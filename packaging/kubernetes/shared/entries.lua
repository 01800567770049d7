-- SPDX-License-Identifier: Apache-2.0
--- Refuses access entries for IAM users and root users: who works with a cluster comes through a role.
-- Entries that exist can still be read and deleted.

local verdict = require("eksgate.verdict")

local policy = { name = "entries", on = { "CreateAccessEntry", "UpdateAccessEntry", "AssociateAccessPolicy" } }

function policy.authorize(req)
    if req.principal.kind == "role" then
        return nil
    end
    return verdict.deny("access entries are for roles")
end

return policy
