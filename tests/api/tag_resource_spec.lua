-- SPDX-License-Identifier: Apache-2.0
-- TagResource on access entries and clusters: it merges.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

local bad = "BadRequestException"
local no_resource = "The specified resourceArn could not be found."
local bad_arn = "The resourceArn parameter format is not valid"

describe("TagResource", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { workers = 2, clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["other"] = { accessConfig = { authenticationMode = "API" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function entry_arn(tags)
        return eks.made(gw, { tags = tags }).accessEntryArn
    end

    --- A resource of each kind: an entry's ARN and a cluster's, both without tags.
    local function resources()
        local all = { entry_arn(), eks.cluster_arn("other") }
        local there = expect.ok(eks.tags(gw, all[2])).tags
        local keys = {}
        for key in pairs(there) do
            keys[#keys + 1] = key
        end
        if #keys > 0 then
            expect.ok(eks.untag(gw, all[2], { tagKeys = keys }))
        end
        return all
    end

    local function tags_of(count, value)
        local tags = {}
        for i = 1, count do
            tags["k" .. i] = value or "v"
        end
        return tags
    end

    it("answers 200 with {} of two bytes", function()
        for _, arn in ipairs(resources()) do
            local reply = eks.tag(gw, arn, { tags = { a = "1" } })
            assert.equal(200, reply.status)
            assert.equal("{}", reply.body)
            assert.equal("2", reply.header["content-length"])
            assert.equal("application/json", reply.header["content-type"])
        end
    end)

    it("merges: tags sent replace those of the same key, the others stay, in their order", function()
        for _, arn in ipairs(resources()) do
            expect.ok(eks.tag(gw, arn, '{"tags":{"b":"1","a":"2","c":"3"}}'))
            expect.ok(eks.tag(gw, arn, '{"tags":{"d":"4","a":"5"}}'))
            assert.equal('{"tags":{"b":"1","a":"5","c":"3","d":"4"}}', eks.tags(gw, arn).body)
        end
    end)

    it("shows in DescribeAccessEntry, and moves neither modifiedAt nor anything else", function()
        local entry = eks.made(gw, { tags = { a = "1" }, username = "u", kubernetesGroups = { "g" } })
        eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy")
        expect.ok(eks.tag(gw, entry.accessEntryArn, { tags = { a = "2", b = "3" } }))
        local later = eks.described(gw, entry.principalArn)
        assert.same({ a = "2", b = "3" }, later.tags)
        later.tags = entry.tags
        assert.same(entry, later)
        assert.equal(1, #expect.ok(eks.list_associated(gw, entry.principalArn)).associatedAccessPolicies)
    end)

    it("tags a cluster in whatever mode, without touching its entries", function()
        local arn = eks.cluster_arn("old")
        expect.ok(eks.tag(gw, arn, { tags = { a = "1" } }))
        assert.equal('{"tags":{"a":"1"}}', eks.tags(gw, arn).body)
        local entry = eks.made(gw, {}, { cluster = "other" })
        expect.ok(eks.tag(gw, eks.cluster_arn("other"), { tags = { x = "1" } }))
        assert.same(entry, eks.described(gw, entry.principalArn, { cluster = "other" }))
        assert.same({ entry.principalArn }, expect.ok(eks.list(gw, nil, { cluster = "other" })).accessEntries)
    end)

    it("makes a mock's cluster that is named here first, in the caller's account alone", function()
        local mock = gateway.start_mock()
        local with = { key = { id = "111111111111", secret = "test" } }
        local arn = eks.cluster_arn("fresh", nil, "111111111111")
        expect.ok(eks.tag(mock, arn, { tags = { a = "1" } }, with))
        assert.same({ a = "1" }, expect.ok(eks.describe_cluster(mock, "fresh", with)).cluster.tags)
        assert.equal('{"tags":{}}', eks.tags(mock, eks.cluster_arn("other", nil, "111111111111"), with).body)
        expect.error(eks.tag(mock, arn, { tags = { a = "1" } }, { key = { id = "222222222222", secret = "test" } }), 404,
            "NotFoundException", no_resource)
        mock:stop()
    end)

    it("takes every spelling of the ARN in the path", function()
        local arn = entry_arn()
        for _, spelling in ipairs({
            (arn:gsub("/", "%%2F")), (arn:gsub("[:/]", { [":"] = "%3a", ["/"] = "%2f" })),
            (arn:gsub("[:/]", { [":"] = "%3A", ["/"] = "%2F" }):gsub("e", "%%65")),
        }) do
            expect.ok(gw:request({ method = "POST", target = "/tags/" .. spelling, json = { tags = { a = "1" } } }))
        end
    end)

    it("takes what AWS allows: empty values, every script, 128 and 256 characters", function()
        for _, arn in ipairs(resources()) do
            local tags = {
                ["k 1_.:/=+-@"] = "", ["\u{fc}"] = "\u{4e2d} v", [string.rep("\u{e9}", 128)] = string.rep("\u{20ac}", 256),
            }
            expect.ok(eks.tag(gw, arn, { tags = tags }))
            assert.same(tags, expect.ok(eks.tags(gw, arn)).tags)
        end
    end)

    describe("counts to fifty", function()
        it("in one request", function()
            for _, arn in ipairs(resources()) do
                expect.error(eks.tag(gw, arn, { tags = tags_of(51) }), 400, bad,
                    "The tags parameter must have 1 to 50 tags.")
                expect.ok(eks.tag(gw, arn, { tags = tags_of(50) }))
                expect.ok(eks.tag(gw, arn, { tags = tags_of(50, "w") }))
                assert.same(tags_of(50, "w"), expect.ok(eks.tags(gw, arn)).tags)
            end
        end)

        it("with those that are there", function()
            for _, arn in ipairs(resources()) do
                expect.ok(eks.tag(gw, arn, { tags = tags_of(49) }))
                expect.error(eks.tag(gw, arn, { tags = { x = "1", y = "1" } }), 400, bad,
                    "The resource must not have more than 50 tags.")
                assert.same(tags_of(49), expect.ok(eks.tags(gw, arn)).tags)
                expect.ok(eks.tag(gw, arn, { tags = { x = "1", k1 = "1" } }))
                expect.error(eks.tag(gw, arn, { tags = { y = "1" } }), 400, bad,
                    "The resource must not have more than 50 tags.")
            end
        end)
    end)

    describe("refuses tags", function()
        local characters = " may contain letters, digits, spaces and the characters _ . : / = + - @ only."
        local reserved = "A tag key must not begin with aws: in upper or lower case."
        local cases = {
            { "that are missing", "{}", "The tags parameter is required." },
            { "of a body that is empty", "", "The tags parameter is required." },
            { "that are null", '{"tags":null}', "The tags parameter is required." },
            { "that are none", '{"tags":{}}', "The tags parameter must have 1 to 50 tags." },
            { "that are a list", '{"tags":[]}', "The tags parameter must be an object of strings." },
            { "whose value is a number", '{"tags":{"a":1}}', "The tags parameter must be an object of strings." },
            { "whose value is null", '{"tags":{"a":null}}', "The tags parameter must be an object of strings." },
            { "with an empty key", '{"tags":{"":"v"}}', "A tag key must have 1 to 128 characters." },
            { "with a key of 129 characters", '{"tags":{"' .. string.rep("k", 129) .. '":"v"}}',
                "A tag key must not be longer than 128 characters." },
            { "with a value of 257 characters", '{"tags":{"a":"' .. string.rep("\u{e9}", 257) .. '"}}',
                "A tag value must not be longer than 256 characters." },
            { "of AWS's own", '{"tags":{"ok":"1","aws:cloudformation:stack-id":"v"}}', reserved },
            { "of AWS's own in upper case", '{"tags":{"AWS:x":"v"}}', reserved },
            { "of AWS's own in both cases", '{"tags":{"aWs:":"v"}}', reserved },
            { "with other characters in the key", '{"tags":{"a#":"v"}}', "A tag key" .. characters },
            { "with other characters in the value", '{"tags":{"a":"<"}}', "A tag value" .. characters },
            { "with a line break", '{"tags":{"a":"b\\nc"}}', "A tag value" .. characters },
        }
        for _, case in ipairs(cases) do
            it(case[1], function()
                for _, arn in ipairs(resources()) do
                    expect.error(eks.tag(gw, arn, case[2]), 400, bad, case[3])
                    assert.equal('{"tags":{}}', eks.tags(gw, arn).body)
                end
            end)
        end

        it("before it looks for the resource", function()
            expect.error(eks.tag(gw, eks.cluster_arn("nowhere"), "{}"), 400, bad, "The tags parameter is required.")
        end)
    end)

    describe("refuses a resource", function()
        it("that isn't there, or isn't the caller's", function()
            local arn = entry_arn()
            local id = arn:match("[^/]+$")
            for _, other in ipairs({
                eks.cluster_arn("nowhere"), eks.cluster_arn("my-cluster", "eu-central-1"),
                eks.cluster_arn("my-cluster", nil, "999988887777"), (eks.cluster_arn():gsub("aws", "aws-cn", 1)),
                eks.cluster_arn() .. "/", eks.cluster_arn():gsub("cluster/", "Cluster/"),
                (arn:gsub("%-entry", "Entry")), arn .. "x", arn:sub(1, -2), arn:upper():gsub("^[^/]*", arn:match("^[^/]*")),
                (arn:gsub("us%-west%-2", "eu-central-1")), (arn:gsub("my%-cluster", "other")),
                (arn:gsub(":012345678910:", ":999988887777:", 1)),
                "arn:aws:eks:us-west-2:012345678910:nodegroup/my-cluster/ng/" .. id,
                "arn:aws:eks:us-west-2:012345678910:addon/my-cluster/coredns/" .. id,
            }) do
                expect.error(eks.tag(gw, other, { tags = { a = "1" } }), 404, "NotFoundException", no_resource)
            end
            assert.equal('{"tags":{}}', eks.tags(gw, arn).body)
        end)

        for _, arn in ipairs({
            "x", "arn", "arn:aws:eks", "arn:aws:s3:::bucket", "arn:aws:iam::012345678910:role/r",
            "arn:aws:eks:us-west-2:012345678910", "arn:aws:eks:us-west-2:012345678910:", "arn:aws:eks::012345678910:cluster/c",
            "arn:aws:eks:us-west-2::cluster/my-cluster", "arn:aws:eks:us-west-2:12345678910:cluster/my-cluster",
            "arn:aws:eks:us-west-2:012345678910:cluster", "arn:aws:eks:us-west-2:012345678910:cluster/",
            "arn:aws:eks:us-west-2:012345678910:cluster/a.b", "arn::eks:us-west-2:012345678910:cluster/my-cluster",
            "ARN:aws:eks:us-west-2:012345678910:cluster/my-cluster",
            "arn:aws:eks:us-west-2:012345678910:cluster/" .. string.rep("c", 101),
        }) do
            it("that is no ARN of EKS: " .. arn:sub(1, 80), function()
                expect.error(eks.tag(gw, arn, { tags = { a = "1" } }), 400, bad, bad_arn)
            end)
        end

        for _, label in ipairs({ "arn%00", "arn%0A", "arn%C3%A9", "%C0%AF" }) do
            it("that is no printable ASCII: " .. label, function()
                expect.error(gw:request({ method = "POST", target = "/tags/" .. label, body = "{}" }), 400, bad, bad_arn)
            end)
        end
    end)

    it("lets many at once through, each with its own tag", function()
        for _, arn in ipairs(resources()) do
            local requests, expected = {}, {}
            for i = 1, 30 do
                requests[i] = eks.requests.tag(arn, { tags = { ["k" .. i] = "v" } })
                expected["k" .. i] = "v"
            end
            for _, reply in ipairs(eks.at_once(gw, requests)) do
                expect.ok(reply)
            end
            assert.same(expected, expect.ok(eks.tags(gw, arn)).tags)
        end
    end)
end)
