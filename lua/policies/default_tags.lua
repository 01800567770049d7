-- SPDX-License-Identifier: Apache-2.0
--- Adds tags to new access entries. A tag that the caller sends under the same key stays as sent.
-- Terraform removes tags that it doesn't know on its next apply, unless the provider's ignore_tags names them; where
-- Terraform manages entries, use required_tags.lua instead.
--
-- To configure it, edit the table below: text under text, at most 50.

local DEFAULTS = {
    ["managed-by"] = "eksgate",
    ["cost-centre"] = "unassigned",
}

local policy = { name = "default-tags", on = { "CreateAccessEntry" } }

function policy.tags()
    return DEFAULTS
end

return policy
