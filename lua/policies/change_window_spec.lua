-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/change_window.lua")
local time = require("eksgate.time")

local break_glass = "arn:aws:sts::012345678910:assumed-role/break-glass/anna"

local function authorize(when, operation, caller)
    return policy.authorize({
        operation = operation or "CreateAccessEntry", time = assert(time.parse(when)), caller = { arn = caller },
    })
end

local function assert_closed(when)
    local said = authorize(when)
    assert.is_table(said, when)
    assert.equal("deny", said.verdict)
    assert.matches("clusters are changed Mon%-Thu", said.reason)
end

describe("change_window", function()
    it("has no opinion in the window's hours, of the clock with the offset", function()
        for _, when in ipairs({
            "2026-11-23T08:00:00+01:00", "2026-11-26T16:59:59+01:00", "2026-11-27T11:59:59+01:00", "2026-11-26T07:00:00Z",
        }) do
            assert.is_nil(authorize(when), when)
        end
    end)

    it("denies changes before, behind and between them", function()
        for _, when in ipairs({
            "2026-11-23T07:59:59+01:00", "2026-11-26T17:00:00+01:00", "2026-11-27T12:00:00+01:00", "2026-11-28T10:00:00+01:00",
            "2026-11-26T16:30:00Z",
        }) do
            assert_closed(when)
        end
    end)

    it("denies changes on the days of a freeze, the first and the last included", function()
        assert.is_nil(authorize("2026-12-18T10:00:00+01:00"))
        assert_closed("2026-12-21T10:00:00+01:00")
        assert_closed("2026-12-19T10:00:00+01:00")
        assert_closed("2027-01-01T10:00:00+01:00")
        assert.is_nil(authorize("2027-01-04T10:00:00+01:00"))
    end)

    it("lets everybody look, and takes what it doesn't know for a change", function()
        local sunday = "2026-11-29T10:00:00Z"
        for _, operation in ipairs({ "DescribeCluster", "ListAccessEntries", "GetCallerIdentity" }) do
            assert.is_nil(authorize(sunday, operation))
        end
        for _, operation in ipairs({ "DeleteAccessEntry", "TagResource", "UpdateClusterConfig", "CreateNodegroup" }) do
            assert.equal("deny", authorize(sunday, operation).verdict)
        end
    end)

    it("lets emergency callers through, and has the record say so", function()
        local sunday, monday = "2026-11-29T10:00:00Z", "2026-11-30T10:00:00Z"
        assert.is_nil(authorize(sunday, nil, break_glass))
        assert.equal("deny", authorize(sunday, nil, "arn:aws:iam::012345678910:user/break-glass").verdict)
        assert.equal("deny", authorize(sunday, nil, "arn:aws:sts::666666666666:assumed-role/break-glass/anna").verdict)
        local function audit(when, operation, caller)
            return policy.audit({ operation = operation, time = time.parse(when), caller = { arn = caller } })
        end
        assert.same({ outside_window = true }, audit(sunday, "DeleteAccessEntry", break_glass))
        assert.is_nil(audit(monday, "DeleteAccessEntry", break_glass))
        assert.is_nil(audit(sunday, "ListClusters", break_glass))
        assert.is_nil(audit(sunday, "DeleteAccessEntry", "arn:aws:iam::012345678910:user/anna"))
        assert.is_nil(policy.audit({ operation = "DeleteAccessEntry", time = time.parse(sunday) }))
    end)
end)
