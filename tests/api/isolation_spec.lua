-- SPDX-License-Identifier: Apache-2.0
-- Many accounts and regions in one gateway: two credential scopes, or two keys of different accounts, never see each
-- other's clusters, entries, associations, tags or tokens.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local requests = eks.requests
local view = eks.policy("AmazonEKSViewPolicy")

-- Callers, as `with` of requests: the first is who things belong to.
local owner = { key = gateway.key, region = "us-west-2" }
local other_key = { id = "AKIAOTHERACCOUNT0001", secret = "other", arn = "arn:aws:iam::999988887777:user/other" }
local china_key = { id = "AKIAOTHERPARTITION01", secret = "cn", arn = "arn:aws-cn:iam::012345678910:user/tester" }
local strangers = {
    ["another region"] = { key = gateway.key, region = "eu-central-1" },
    ["another account"] = { key = other_key, region = "us-west-2" },
    ["another account and region"] = { key = other_key, region = "eu-central-1" },
    ["another partition"] = { key = china_key, region = "us-west-2" },
}

local function in_cluster(with, cluster)
    return setmetatable({ cluster = cluster }, { __index = with })
end

for _, region in ipairs({ "list", "star" }) do
    describe("accounts and regions, with region = " .. (region == "list" and "a list" or '"*"') .. ",", function()
        local gw
        local principal = eks.role("shared")
        local entry, update

        setup(function()
            gw = gateway.start({
                keys = { gateway.key, other_key, china_key },
                settings = {
                    region = region == "list" and { "us-west-2", "eu-central-1" } or "*", clusters = gateway.none,
                    workers = 2,
                },
            })
            eks.made_cluster(gw, "theirs", owner)
            entry = eks.made(gw, { principalArn = principal, tags = { a = "1" } }, in_cluster(owner, "theirs"))
            eks.associated(gw, principal, "AmazonEKSViewPolicy", nil, in_cluster(owner, "theirs"))
            update = expect.ok(eks.update_cluster_config(gw, "theirs", { zonalShiftConfig = { enabled = true } }, owner)).update.id
        end)

        teardown(function()
            assert.same(entry, eks.described(gw, principal, in_cluster(owner, "theirs")))
            gw:stop()
        end)

        for who, with in pairs(strangers) do
            local there = in_cluster(with, "theirs")

            it("hide a cluster from " .. who .. ", for every operation that names it", function()
                for _, request in ipairs({
                    requests.create({ principalArn = principal }, there), requests.describe(principal, there),
                    requests.list(nil, there), requests.update(principal, { username = "u" }, there),
                    requests.delete(principal, there), requests.associate(principal, eks.scope("AmazonEKSViewPolicy"), there),
                    requests.disassociate(principal, view, there), requests.list_associated(principal, nil, there),
                    requests.describe_cluster("theirs", with), requests.delete_cluster("theirs", with),
                    requests.update_cluster_config("theirs", { deletionProtection = true }, with),
                    requests.list_updates("theirs", nil, with), requests.describe_update("theirs", update, with),
                }) do
                    expect.error(gw:request(request), 404, "ResourceNotFoundException", eks.messages.no_cluster("theirs"))
                end
            end)

            it("hide tags from " .. who .. ", who know the ARN", function()
                for _, arn in ipairs({ entry.accessEntryArn, eks.cluster_arn("theirs") }) do
                    for _, request in ipairs({
                        requests.tag(arn, { tags = { b = "2" } }, with), requests.untag(arn, { tagKeys = "a" }, with),
                        requests.tags(arn, with),
                    }) do
                        expect.error(gw:request(request), 404, "NotFoundException")
                    end
                end
            end)

            it("hide what there is from the listings of " .. who, function()
                assert.equal('{"clusters":[],"nextToken":null}', eks.list_clusters(gw, nil, with).body)
            end)

            it("let " .. who .. " have a cluster and an entry of the same names", function()
                local own = in_cluster(with, "theirs")
                local partition = with.key == china_key and "aws-cn" or "aws"
                local same = principal:gsub("^arn:aws", "arn:" .. partition)
                eks.made_cluster(gw, "theirs", with)
                assert.equal('{"accessEntries":[],"nextToken":null}', eks.list(gw, nil, own).body)
                local theirs = eks.made(gw, { principalArn = same, username = "mine" }, own)
                local account = with.key == other_key and "999988887777" or gateway.account
                expect.template("arn:" .. partition .. ":eks:" .. with.region .. ":" .. account .. ":access-entry/theirs/role/"
                    .. gateway.account .. "/shared/<uuid>", theirs.accessEntryArn)
                assert.same({}, expect.ok(eks.list_associated(gw, same, nil, own)).associatedAccessPolicies)
                expect.ok(eks.tag(gw, theirs.accessEntryArn, { tags = { x = "1" } }, with))
                expect.error(eks.tags(gw, theirs.accessEntryArn, owner), 404, "NotFoundException")
                assert.same(entry, eks.described(gw, principal, in_cluster(owner, "theirs")))
                expect.ok(eks.delete_cluster(gw, "theirs", with))
                assert.same(entry, eks.described(gw, principal, in_cluster(owner, "theirs")))
            end)
        end

        it("keep client request tokens apart", function()
            local input = { principalArn = eks.role("token"), clientRequestToken = text.uuid() }
            local arns = {}
            for who, with in pairs({ owner = owner, region = strangers["another region"],
                account = strangers["another account"] }) do
                eks.made_cluster(gw, "tokens", with)
                local arn = expect.ok(eks.create(gw, input, in_cluster(with, "tokens"))).accessEntry.accessEntryArn
                assert.is_nil(arns[arn], who)
                arns[arn] = true
                assert.equal(arn, expect.ok(eks.create(gw, input, in_cluster(with, "tokens"))).accessEntry.accessEntryArn)
                expect.ok(eks.delete_cluster(gw, "tokens", with))
            end
        end)

        it("keep page tokens apart", function()
            local with = strangers["another region"]
            for _, who in ipairs({ owner, with }) do
                eks.made_cluster(gw, "pages", who)
                for i = 1, 3 do
                    eks.made(gw, { principalArn = eks.role("p" .. i) }, in_cluster(who, "pages"))
                end
            end
            local token = expect.ok(eks.list(gw, { maxResults = 1 }, in_cluster(owner, "pages"))).nextToken
            expect.error(eks.list(gw, { nextToken = token }, in_cluster(with, "pages")), 400, expect.invalid,
                eks.messages.next_token)
            assert.equal(2, #expect.ok(eks.list(gw, { nextToken = token }, in_cluster(owner, "pages"))).accessEntries)
            for _, who in ipairs({ owner, with }) do
                expect.ok(eks.delete_cluster(gw, "pages", who))
            end
        end)
    end)
end
