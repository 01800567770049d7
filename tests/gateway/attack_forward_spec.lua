-- SPDX-License-Identifier: Apache-2.0
-- What callers try on a gateway that forwards: to have something else done than what policies were asked about.

local expect = require("support.expect")
local gateway = require("support.gateway")
local upstream = require("support.upstream")

local only_mine = [[
    local verdict = require("eksgate.verdict")
    return {
        name = "mine",
        authorize = function(req)
            local is_good = req.cluster == "mine" or req.operation == "ListClusters"
            for name in pairs(req.input) do
                is_good = is_good and name ~= "force" and name ~= "newMember"
            end
            if not is_good then return verdict.deny("not mine") end
        end,
    }
]]

--- Of the requests that the tests send, not of the clusters that the one behind begins with.
local function arrived(record)
    local names = { DeleteCluster = 1, UpdateClusterConfig = 1, CreateAddon = 1, CreateAccessEntry = 1 }
    return names[record.eventName] ~= nil
end

describe("a caller of a gateway that forwards", function()
    local pair

    after_each(function()
        gateway.stop_all()
    end)

    local function start()
        pair = upstream.pair({
            front = { policies = { only_mine }, settings = { default_verdict = "allow" } },
            back = { settings = { clusters = { mine = {}, theirs = {} } } },
        })
        return pair.front, pair.back
    end

    it("can't name one cluster in the path and another where some servers look first", function()
        local front, back = start()
        for _, try in ipairs({
            { "DELETE", "/clusters/mine?name=theirs" },
            { "DELETE", "/clusters/mine?clusterNam%65=theirs" },
            { "DELETE", "/clusters/mine", { name = "theirs" } },
            { "POST", "/clusters/mine/update-config", { name = "theirs" } },
            { "POST", "/clusters/mine/addons", { addonName = "a", clusterName = "theirs" } },
            { "POST", "/clusters/mine/addons?addonName=b", { addonName = "a" } },
        }) do
            expect.error(front:send(try[1], try[2], try[3]), 400, "InvalidParameterException")
        end
        expect.error(front:send("DELETE", "/clusters/theirs"), 403, "AccessDeniedException")
        assert.equal(0, #upstream.records(back, 0, arrived))
        pair:stop()
    end)

    it("can't hide a member from policies that the gateway itself doesn't know", function()
        local front, back = start()
        expect.error(front:send("POST", "/clusters/mine/access-entries", {
            principalArn = "arn:aws:iam::012345678910:role/r", newMember = true,
        }), 403, "AccessDeniedException")
        expect.error(front:send("DELETE", "/clusters/mine?force=true"), 403, "AccessDeniedException")
        assert.equal(0, #upstream.records(back, 0, arrived))
        pair:stop()
    end)

    it("gets every page of the upstream's, whatever its tokens look like", function()
        local front, back = start()
        local reply = front:send("GET", "/clusters?nextToken=theirs")
        expect.error(reply, 400, "InvalidParameterException")
        assert.equal(1, #upstream.records(back, 1, function(record)
            return record.eventName == "ListClusters"
        end))
        local page = expect.ok(front:send("GET", "/clusters?maxResults=1"))
        assert.same({ "theirs" }, expect.ok(front:send("GET", "/clusters?nextToken=" ..
            page.nextToken:gsub("[+/=]", { ["+"] = "%2B", ["/"] = "%2F", ["="] = "%3D" }))).clusters)
        pair:stop()
    end)
end)
