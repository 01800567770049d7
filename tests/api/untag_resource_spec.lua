-- SPDX-License-Identifier: Apache-2.0
-- UntagResource on access entries and clusters.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

local bad = "BadRequestException"

describe("UntagResource", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["other"] = { accessConfig = { authenticationMode = "API" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    --- An entry's ARN and a cluster's, both with these tags.
    local function resources()
        local tags = '{"tags":{"a":"1","b":"2","c d":"3","e=f":"4","g":"5"}}'
        local all = { eks.made(gw).accessEntryArn, eks.cluster_arn("other") }
        expect.ok(eks.untag(gw, all[2], { tagKeys = { "a", "b", "c d", "e=f", "g" } }))
        for _, arn in ipairs(all) do
            expect.ok(eks.tag(gw, arn, tags))
        end
        return all
    end

    it("answers 200 with {} of two bytes", function()
        for _, arn in ipairs(resources()) do
            local reply = eks.untag(gw, arn, { tagKeys = "a" })
            assert.equal(200, reply.status)
            assert.equal("{}", reply.body)
            assert.equal("2", reply.header["content-length"])
        end
    end)

    it("takes the named tags away, and leaves the others in their order", function()
        for _, arn in ipairs(resources()) do
            expect.ok(eks.untag(gw, arn, "?tagKeys=b&tagKeys=c%20d"))
            assert.equal('{"tags":{"a":"1","e=f":"4","g":"5"}}', eks.tags(gw, arn).body)
            expect.ok(eks.untag(gw, arn, "?tagKeys=e%3Df"))
            expect.ok(eks.untag(gw, arn, "?tagKeys=g&tagKeys=a"))
            assert.equal('{"tags":{}}', eks.tags(gw, arn).body)
        end
    end)

    it("passes over keys that aren't there, and over repeated ones", function()
        for _, arn in ipairs(resources()) do
            expect.ok(eks.untag(gw, arn, "?tagKeys=A&tagKeys=nothing&tagKeys=a&tagKeys=a&tagKeys=1"))
            assert.equal('{"tags":{"b":"2","c d":"3","e=f":"4","g":"5"}}', eks.tags(gw, arn).body)
        end
    end)

    it("reads a plus sign as a plus sign", function()
        for _, arn in ipairs(resources()) do
            expect.ok(eks.untag(gw, arn, "?tagKeys=c+d"))
            assert.truthy(eks.tags(gw, arn).body:find('"c d":"3"', 1, true))
        end
    end)

    it("shows in DescribeAccessEntry, and moves neither modifiedAt nor anything else", function()
        local entry = eks.made(gw, { tags = { a = "1", b = "2" }, username = "u" })
        expect.ok(eks.untag(gw, entry.accessEntryArn, { tagKeys = "a" }))
        local later = eks.described(gw, entry.principalArn)
        assert.same({ b = "2" }, later.tags)
        later.tags = entry.tags
        assert.same(entry, later)
    end)

    describe("is refused", function()
        local many = {}
        for i = 1, 51 do
            many[i] = "k" .. i
        end
        local cases = {
            { "without keys", "", "The tagKeys parameter is required." },
            { "with keys under another name", "?TagKeys=a&tagkeys=a", "The tagKeys parameter is required." },
            { "for an empty key", "?tagKeys=a&tagKeys=", "A tag key must have 1 to 128 characters." },
            { "for a key without a value", "?tagKeys", "A tag key must have 1 to 128 characters." },
            { "for a key of 129 characters", "?tagKeys=" .. string.rep("k", 129),
                "A tag key must not be longer than 128 characters." },
            { "for a tag of AWS's own", "?tagKeys=AWS:x", "A tag key must not begin with aws: in upper or lower case." },
            { "for 51 keys", "?tagKeys=" .. table.concat(many, "&tagKeys="),
                "The tagKeys parameter must have 1 to 50 keys." },
            { "for a key that is no UTF-8", "?tagKeys=%FF", "The tagKeys parameter is not valid text." },
            { "for a key with a control character", "?tagKeys=a%00", "The tagKeys parameter is not valid text." },
        }
        for _, case in ipairs(cases) do
            it(case[1], function()
                for _, arn in ipairs(resources()) do
                    local before = eks.tags(gw, arn).body
                    expect.error(eks.untag(gw, arn, case[2]), 400, bad, case[3])
                    assert.equal(before, eks.tags(gw, arn).body)
                end
            end)
        end

        it("for more parameters than a query may have, before anybody asks who signed", function()
            local arn = resources()[1]
            expect.error(eks.untag(gw, arn, "?" .. string.rep("tagKeys=k&", 257)), 400, "MalformedQueryString",
                "The query string has more than 256 parameters")
        end)

        it("for a resource that isn't there", function()
            for _, arn in ipairs({ eks.cluster_arn("nowhere"), eks.made(gw).accessEntryArn .. "0" }) do
                expect.error(eks.untag(gw, arn, { tagKeys = "a" }), 404, "NotFoundException",
                    "The specified resourceArn could not be found.")
            end
        end)

        it("for what is no ARN of EKS", function()
            for _, arn in ipairs({ "x", "arn:aws:s3:::bucket", "arn:aws:eks:us-west-2:012345678910:cluster/" }) do
                expect.error(eks.untag(gw, arn, { tagKeys = "a" }), 400, bad,
                    "The resourceArn parameter format is not valid")
            end
        end)
    end)
end)
