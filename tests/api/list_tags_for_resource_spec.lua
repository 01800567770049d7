-- SPDX-License-Identifier: Apache-2.0
-- ListTagsForResource on access entries and clusters.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

describe("ListTagsForResource", function()
    local gw
    local other = { id = "AKIAOTHERACCOUNT0001", secret = "other", arn = "arn:aws:iam::999988887777:user/other" }

    setup(function()
        gw = gateway.start({
            keys = { gateway.key, other },
            settings = { region = { "us-west-2", "eu-central-1" }, clusters = {
                ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
                ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
            } },
        })
        expect.ok(eks.tag(gw, eks.cluster_arn(), { tags = { team = "blue" } }))
    end)

    teardown(function()
        gw:stop()
    end)

    it("answers an object, empty where there are none", function()
        local reply = eks.tags(gw, eks.made(gw).accessEntryArn)
        assert.equal(200, reply.status)
        assert.equal('{"tags":{}}', reply.body)
        assert.equal("application/json", reply.header["content-type"])
        assert.equal('{"tags":{}}', eks.tags(gw, eks.cluster_arn("old")).body)
    end)

    it("answers the tags that a create brought, in their order", function()
        local reply = eks.create(gw, '{"principalArn":"' .. eks.fresh_role() .. '","tags":{"z":"1","a":"\\"\\\\","m":""}}')
        expect.error(reply, 400, expect.invalid)
        reply = eks.create(gw, '{"principalArn":"' .. eks.fresh_role() .. '","tags":{"z":"1","a":"x y","m":""}}')
        assert.equal('{"tags":{"z":"1","a":"x y","m":""}}', eks.tags(gw, expect.ok(reply).accessEntry.accessEntryArn).body)
    end)

    it("answers the tags of a cluster", function()
        assert.equal('{"tags":{"team":"blue"}}', eks.tags(gw, eks.cluster_arn()).body)
    end)

    it("answers for entries of other accounts' principals, which are in the cluster's account", function()
        local entry = eks.made(gw, { principalArn = eks.role("foreign", "999988887777"), tags = { a = "1" } })
        assert.equal('{"tags":{"a":"1"}}', eks.tags(gw, entry.accessEntryArn).body)
    end)

    it("doesn't tell other accounts and regions of what is there", function()
        local entry = eks.made(gw, { tags = { a = "1" } })
        for _, arn in ipairs({ entry.accessEntryArn, eks.cluster_arn() }) do
            for _, with in ipairs({ { key = other }, { region = "eu-central-1" } }) do
                expect.error(eks.tags(gw, arn, with), 404, "NotFoundException",
                    "The specified resourceArn could not be found.")
            end
            expect.ok(eks.tags(gw, arn))
        end
    end)

    it("is refused with the errors of the tag operations, whose body is the message alone", function()
        local body = expect.error(eks.tags(gw, eks.cluster_arn("nowhere")), 404, "NotFoundException")
        assert.same({ message = "The specified resourceArn could not be found." }, body)
        body = expect.error(eks.tags(gw, "x"), 400, "BadRequestException")
        assert.same({ message = "The resourceArn parameter format is not valid" }, body)
    end)

    it("ignores a query", function()
        assert.equal('{"tags":{"team":"blue"}}',
            gw:request({ method = "GET", target = "/tags/" .. eks.cluster_arn():gsub("/", "%%2F") .. "?a=1&a=2" }).body)
    end)
end)
