-- SPDX-License-Identifier: Apache-2.0
-- The policies that packaging/kubernetes carries.
local app = dofile("packaging/kubernetes/sidecar/app.lua")
local entries = dofile("packaging/kubernetes/shared/entries.lua")

local function role(path)
    return { kind = "role", path = path }
end

describe("the sidecar's policy", function()
    it("lets the app look, whoever an entry is for", function()
        for _, operation in ipairs({ "DescribeCluster", "ListAccessEntries", "DescribeAccessEntry" }) do
            assert.equal("allow", app.authorize({ operation = operation, principal = role("/") }).verdict)
        end
    end)

    it("lets it keep the entries of roles below its path, and no others", function()
        for _, operation in ipairs({ "CreateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy" }) do
            assert.equal("allow", app.authorize({ operation = operation, principal = role("/app/") }).verdict)
            assert.equal("allow", app.authorize({ operation = operation, principal = role("/app/x/") }).verdict)
            for _, other in ipairs({ role("/"), role("/apparel/"), role("/x/app/"), { kind = "user", path = "/app/" } }) do
                local said = app.authorize({ operation = operation, principal = other })
                assert.equal("deny", said.verdict)
                assert.equal("the app keeps the entries of roles below /app/ only", said.reason)
            end
        end
    end)

    it("is asked about nothing that it has no rule for", function()
        for _, operation in ipairs(app.on) do
            assert.is_nil(operation:find("Cluster$") and operation:find("^[CU]"))
            assert.is_nil(operation:find("Tag", 1, true))
        end
    end)
end)

describe("the shared gateway's policy", function()
    it("takes entries of roles and no others", function()
        assert.is_nil(entries.authorize({ principal = role("/") }))
        for _, kind in ipairs({ "user", "root" }) do
            assert.equal("deny", entries.authorize({ principal = { kind = kind, path = "/" } }).verdict)
        end
    end)
end)
