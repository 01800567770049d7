-- SPDX-License-Identifier: Apache-2.0
-- Hostile and clumsy input for every operation of EKS that is served: bodies, path labels, queries.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local body_cap = 256 * 1024
local view = eks.policy("AmazonEKSViewPolicy")
local bad_request = "BadRequestException"

--- JSON text nested so many levels deep, its outermost included.
local function nested(levels)
    return string.rep("[", levels) .. string.rep("]", levels)
end

describe("bad input", function()
    local gw
    local entry, busy
    local clusters, protected = 0, false

    setup(function()
        gw = gateway.start({ settings = { http = { body_bytes = body_cap } } })
        entry = eks.made(gw, { principalArn = eks.role("team/w+=,.@-x") })
        busy = eks.made(gw, { principalArn = eks.role("busy") })
    end)

    teardown(function()
        gw:stop()
    end)

    -- Operations with a body: how to send one, the members that make it good, and what wrong ones are answered with.
    local operations = {
        CreateAccessEntry = {
            code = expect.invalid,
            send = function(body)
                return eks.create(gw, body)
            end,
            good = function()
                return '"principalArn":"' .. eks.fresh_role() .. '"'
            end,
        },
        UpdateAccessEntry = {
            code = expect.invalid,
            send = function(body)
                return eks.update(gw, busy.principalArn, body)
            end,
            good = function()
                return '"username":"u"'
            end,
        },
        AssociateAccessPolicy = {
            code = expect.invalid,
            send = function(body)
                return eks.associate(gw, busy.principalArn, body)
            end,
            good = function()
                return '"policyArn":"' .. view .. '","accessScope":{"type":"cluster"}'
            end,
        },
        TagResource = {
            code = bad_request,
            send = function(body)
                return eks.tag(gw, busy.accessEntryArn, body)
            end,
            good = function()
                return '"tags":{"a":"1"}'
            end,
        },
        CreateCluster = {
            code = expect.invalid,
            send = function(body)
                return eks.create_cluster(gw, body)
            end,
            good = function()
                clusters = clusters + 1
                return '"name":"made-' .. clusters .. '","roleArn":"' .. eks.role("eks")
                    .. '","resourcesVpcConfig":{"subnetIds":["a","b"]}'
            end,
        },
        UpdateClusterConfig = {
            code = expect.invalid,
            send = function(body)
                local reply = eks.update_cluster_config(gw, "my-cluster", body)
                if reply.status == 200 then
                    protected = not protected
                end
                return reply
            end,
            -- An update that changes nothing is refused.
            good = function()
                return '"deletionProtection":' .. tostring(not protected)
            end,
        },
    }

    describe("in a body of", function()
        local no_json = { "^The request body is not valid JSON: " }
        local no_object = "The request body must be a JSON object."
        -- GOOD stands for an operation's own members.
        local cases = {
            { "nothing but an opening brace", "{", no_json },
            { "an object cut short", "{GOOD", no_json },
            { "an object closed twice", "{GOOD}}", no_json },
            { "two objects", "{GOOD}{}", no_json },
            { "an object and more", "{GOOD} x", no_json },
            { "an object and a NUL", "{GOOD}\0", no_json },
            { "a list", "[{GOOD}]", no_object },
            { "text", '"{GOOD}"', no_json },
            { "a text's JSON", '"x"', no_object },
            { "a number", "1", no_object },
            { "true", "true", no_object },
            { "null", "null", no_object },
            { "blanks", " \r\n\t", no_json },
            { "a trailing comma", "{GOOD,}", no_json },
            { "a comma too many", "{GOOD,,\"x\":1}", no_json },
            { "single quotes", "{'x':1,GOOD}", no_json },
            { "names without quotes", "{x:1,GOOD}", no_json },
            { "a comment", "{/* x */GOOD}", no_json },
            { "NaN", '{"x":NaN,GOOD}', no_json },
            { "a hexadecimal number", '{"x":0x10,GOOD}', no_json },
            { "a number that begins with zero", '{"x":01,GOOD}', no_json },
            { "a byte order mark", "\xef\xbb\xbf{GOOD}", no_json },
            { "UTF-16", "{\0\"\0x\0\"\0:\0001\0}\0", no_json },
            { "a form", "principalArn=x&tags=y", no_json },
            { "XML", "<x/>", no_json },
            { "bytes that are no UTF-8 in a value", '{"x":"\xff",GOOD}', no_json },
            { "bytes that are no UTF-8 in a name", '{"\xff":1,GOOD}', no_json },
            { "an overlong slash", '{"x":"\xc0\xaf",GOOD}', no_json },
            { "a surrogate in UTF-8", '{"x":"\xed\xa0\x80",GOOD}', no_json },
            { "a character past Unicode's end", '{"x":"\xf4\x90\x80\x80",GOOD}', no_json },
            { "half a surrogate pair", '{"x":"\\ud800",GOOD}', no_json },
            { "an embedded NUL in a value", '{"x":"a\\u0000b",GOOD}', no_json },
            { "an embedded NUL in a name", '{"a\\u0000b":1,GOOD}', no_json },
            { "a raw control character", '{"x":"a\nb",GOOD}', no_json },
            { "a broken escape", '{"x":"\\x41",GOOD}', no_json },
            { "a member of its own twice", "{GOOD,GOOD}", no_json },
            { "an unknown member twice", '{"x":1,GOOD,"x":2}', no_json },
            { "an unknown member's member twice", '{"x":{"y":1,"y":1},GOOD}', no_json },
            { "33 levels", '{"x":' .. nested(32) .. ",GOOD}", no_json },
            { "5,000 levels", '{"x":' .. nested(5000) .. ",GOOD}", no_json },
            { "25,000 levels that never end", '{GOOD,"x":' .. string.rep('{"a":', 10000), no_json },
        }
        for operation, about in pairs(operations) do
            for _, case in ipairs(cases) do
                it(case[1] .. ", for " .. operation, function()
                    local good = about.good()
                    local body = case[2]:gsub("GOOD", function()
                        return good
                    end)
                    expect.error(about.send(body), 400, about.code, case[3])
                    expect.ok(about.send("{" .. about.good() .. "}"))
                end)
            end

            it("many values, for " .. operation, function()
                local function send(count)
                    return about.send("{" .. about.good() .. ',"x":[' .. string.rep("0,", count) .. "0]}")
                end
                expect.ok(send(60000))
                expect.error(send(70000), 400, about.code, no_json)
            end)
        end
    end)

    describe("in a body for", function()
        for operation, about in pairs(operations) do
            it(operation .. " is no bad input where EKS ignores it", function()
                for _, more in ipairs({
                    ',"unknown":' .. nested(31), ',"x":null,"y":true,"z":{"a":[1.5e3,-0,""]},"\u{e9}":"\\u00e9\\ud83d\\ude00"',
                    ',"x":"' .. string.rep("x", 20000) .. '"', ',"":1', '\n\t ,\r\n"x" : 1',
                }) do
                    expect.ok(about.send("{" .. about.good() .. more .. "}"))
                end
            end)

            it(operation .. " may be as long as the cap and no longer", function()
                local head = "{" .. about.good() .. ',"x":"'
                expect.ok(about.send(head .. string.rep("x", body_cap - #head - 2) .. '"}'))
                local reply = about.send(head .. string.rep("x", body_cap - #head - 1) .. '"}')
                expect.error(reply, 413, "RequestEntityTooLargeException")
            end)
        end
    end)

    it("in a body that the operation doesn't have isn't looked at", function()
        for _, body in ipairs({ "{", "\xff\0", '{"principalArn":5}', string.rep("x", body_cap) }) do
            local gone = eks.made(gw, { tags = { a = "1" } })
            eks.associated(gw, gone.principalArn, "AmazonEKSViewPolicy")
            for _, request in ipairs({
                eks.requests.describe(gone.principalArn), eks.requests.list(), eks.requests.list_policies(),
                eks.requests.list_associated(gone.principalArn), eks.requests.tags(gone.accessEntryArn),
                eks.requests.list_clusters(), eks.requests.describe_cluster("my-cluster"),
                eks.requests.list_updates("my-cluster"), eks.requests.untag(gone.accessEntryArn, { tagKeys = "a" }),
                eks.requests.disassociate(gone.principalArn, view), eks.requests.delete(gone.principalArn),
            }) do
                expect.ok(gw:request(setmetatable({ body = body }, { __index = request })))
            end
            assert.equal(413, eks.describe(gw, gone.principalArn, { body = body .. string.rep("x", body_cap) }).status)
        end
    end)

    describe("of a wrong type", function()
        local values = {
            text = '"x"', number = "5", fraction = "1.5", ["true"] = "true", list = '["x"]', object = '{"x":"y"}',
            numbers = "[1]", nulls = "[null]", lists = '[["x"]]', ["object of numbers"] = '{"x":1}',
            ["object of nulls"] = '{"x":null}', ["object of objects"] = '{"x":{}}',
        }
        local shapes = {
            ["a string"] = { text = true },
            ["an array of strings"] = { list = true },
            ["an object of strings"] = { object = true },
            ["an object"] = {
                object = true, ["object of numbers"] = true, ["object of nulls"] = true, ["object of objects"] = true,
            },
        }
        local members = {
            CreateAccessEntry = {
                principalArn = "a string", kubernetesGroups = "an array of strings", tags = "an object of strings",
                clientRequestToken = "a string", username = "a string", type = "a string",
            },
            UpdateAccessEntry = {
                kubernetesGroups = "an array of strings", clientRequestToken = "a string", username = "a string",
            },
            AssociateAccessPolicy = { policyArn = "a string", accessScope = "an object" },
            TagResource = { tags = "an object of strings" },
        }
        -- Rules of clusters' members are many: tests/unit/eks/test_cluster_rules.c and test_create_cluster.c.
        for operation, member in pairs({
            CreateCluster = "name", UpdateClusterConfig = "clientRequestToken",
        }) do
            it(member .. " of " .. operation, function()
                for what, value in pairs(values) do
                    if what ~= "text" then
                        expect.error(operations[operation].send('{"' .. member .. '":' .. value .. "}"), 400,
                            expect.invalid, { "^The " .. member .. " parameter " })
                    end
                end
            end)
        end
        for operation, shape_of in pairs(members) do
            for member, shape in pairs(shape_of) do
                it(member .. " of " .. operation, function()
                    for what, value in pairs(values) do
                        if not shapes[shape][what] then
                            -- The member alone, so that nothing but its type is wrong first.
                            local others = operation == "AssociateAccessPolicy" and member == "accessScope"
                                and '"policyArn":"x",' or ""
                            expect.error(operations[operation].send("{" .. others .. '"' .. member .. '":' .. value .. "}"),
                                400, operations[operation].code, "The " .. member .. " parameter must be " .. shape .. ".")
                        end
                    end
                end)
            end
        end
    end)

    describe("as null", function()
        it("counts as not sent", function()
            local made = expect.ok(eks.create(gw, '{"principalArn":"' .. eks.fresh_role() .. '","kubernetesGroups":null,'
                .. '"tags":null,"clientRequestToken":null,"username":null,"type":null}')).accessEntry
            assert.equal("STANDARD", made.type)
            local later = expect.ok(eks.update(gw, made.principalArn,
                '{"kubernetesGroups":null,"clientRequestToken":null,"username":null}')).accessEntry
            assert.equal(made.username, later.username)
            expect.error(eks.create(gw, '{"principalArn":null}'), 400, expect.invalid,
                "The principalArn parameter is required.")
            expect.error(eks.associate(gw, made.principalArn, '{"policyArn":null,"accessScope":null}'), 400,
                expect.invalid, "The policyArn parameter is required.")
            expect.error(eks.tag(gw, made.accessEntryArn, '{"tags":null}'), 400, bad_request,
                "The tags parameter is required.")
        end)
    end)

    describe("as empty text", function()
        it("is refused for what it is", function()
            local arn = eks.fresh_role()
            local cases = {
                { "principalArn", expect.bad_arn }, { "username", "The username must not be empty." },
                { "type", "The type parameter must be one of [STANDARD, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, "
                    .. "HYBRID_LINUX, EC2, HYPERPOD_LINUX]." },
                { "clientRequestToken", eks.messages.token_length },
            }
            for _, case in ipairs(cases) do
                local input = { principalArn = arn }
                input[case[1]] = ""
                expect.error(eks.create(gw, input), 400, expect.invalid, case[2])
            end
            expect.error(eks.create(gw, { principalArn = arn, kubernetesGroups = { "" } }), 400, expect.invalid,
                "A kubernetes group name must not be empty.")
            expect.error(eks.associate(gw, busy.principalArn, { policyArn = "", accessScope = { type = "" } }), 400,
                expect.invalid, eks.messages.bad_policy)
            assert.equal(404, eks.describe(gw, arn).status)
        end)
    end)

    describe("in tags", function()
        local function many(count)
            local tags = {}
            for i = 1, count do
                tags["k" .. i] = "v"
            end
            return tags
        end
        local reserved = "A tag key must not begin with aws: in upper or lower case."
        local cases = {
            { "51 of them", many(51) },
            { "a key of 129 characters", { [string.rep("k", 129)] = "v" }, "A tag key must not be longer than 128 characters." },
            { "a key of 129 characters of two bytes", { [string.rep("\u{e9}", 129)] = "v" },
                "A tag key must not be longer than 128 characters." },
            { "a value of 257 characters", { a = string.rep("v", 257) }, "A tag value must not be longer than 256 characters." },
            { "an empty key", { [""] = "v" }, "A tag key must have 1 to 128 characters." },
            { "aws:", { ["aws:"] = "v" }, reserved }, { "AWS:x", { ["AWS:x"] = "v" }, reserved },
            { "Aws:x", { ["Aws:x"] = "v" }, reserved }, { "awS:x", { ["awS:x"] = "v" }, reserved },
        }
        for _, case in ipairs(cases) do
            it(case[1] .. " are refused on creates and on tagging", function()
                expect.error(eks.create(gw, { principalArn = eks.fresh_role(), tags = case[2] }), 400, expect.invalid, case[3])
                expect.error(eks.create_cluster(gw, eks.cluster_input("tagged", { tags = case[2] })), 400, expect.invalid,
                    case[3])
                expect.error(eks.tag(gw, busy.accessEntryArn, { tags = case[2] }), 400, bad_request, case[3])
                expect.error(eks.tag(gw, eks.cluster_arn(), { tags = case[2] }), 400, bad_request, case[3])
            end)
        end

        it("50, keys of 128 and values of 256 characters, and aws without its colon pass", function()
            local tags = many(48)
            tags[string.rep("\u{e9}", 128)] = string.rep("\u{20ac}", 256)
            tags["aws"] = "v"
            local made = eks.made(gw, { tags = tags })
            assert.same(tags, made.tags)
            expect.ok(eks.tag(gw, made.accessEntryArn, { tags = tags }))
        end)
    end)

    describe("in the path", function()
        local base = gateway.entries_target()
        -- Every path with a label, each with the label taken out and what is wrong in it is answered with.
        local function paths()
            local principal = text.escape(entry.principalArn)
            local name = { code = expect.invalid, message = eks.messages.cluster_name }
            local arn = { code = expect.invalid, message = expect.bad_arn }
            local policy = { code = expect.invalid, message = eks.messages.bad_policy }
            local cluster = { code = expect.invalid, message = (eks.messages.cluster_name:gsub("clusterName parameter",
                "parameter name")) }
            local tagged = { code = bad_request, message = "The resourceArn parameter format is not valid" }
            return {
                { "POST", "/clusters/%s/access-entries", name }, { "GET", "/clusters/%s/access-entries", name },
                { "GET", "/clusters/%s/access-entries/" .. principal, name },
                { "POST", "/clusters/%s/access-entries/" .. principal, name },
                { "DELETE", "/clusters/%s/access-entries/" .. principal, name },
                { "POST", "/clusters/%s/access-entries/" .. principal .. "/access-policies", name },
                { "GET", "/clusters/%s/access-entries/" .. principal .. "/access-policies", name },
                { "DELETE", "/clusters/%s/access-entries/" .. principal .. "/access-policies/" .. text.escape(view), name },
                { "GET", base .. "/%s", arn }, { "POST", base .. "/%s", arn }, { "DELETE", base .. "/%s", arn },
                { "POST", base .. "/%s/access-policies", arn }, { "GET", base .. "/%s/access-policies", arn },
                { "DELETE", base .. "/%s/access-policies/" .. text.escape(view), arn },
                { "DELETE", base .. "/" .. principal .. "/access-policies/%s", policy },
                { "GET", "/clusters/%s", cluster }, { "DELETE", "/clusters/%s", cluster },
                { "POST", "/clusters/%s/update-config", cluster }, { "GET", "/clusters/%s/updates", cluster },
                { "GET", "/clusters/%s/updates/x", cluster },
                { "GET", "/tags/%s", tagged }, { "POST", "/tags/%s", tagged }, { "DELETE", "/tags/%s", tagged },
            }
        end

        local function ask(path, label)
            -- A function, so that the label's percent signs stay what they are.
            local target = path[2]:gsub("%%s", function()
                return label
            end)
            return gw:request({ method = path[1], target = target, body = path[1] == "POST" and "{}" or nil })
        end

        -- What no label may decode to.
        for what, escape in pairs({
            ["a NUL"] = "%00", ["a line break"] = "%0A", ["a carriage return"] = "%0d", ["an escape character"] = "%1B",
            ["a DEL"] = "%7F", ["a letter in UTF-8"] = "%C3%A9", ["a lone byte past ASCII"] = "%FF",
            ["an overlong slash"] = "%C0%AF", ["an overlong slash of three bytes"] = "%E0%80%AF",
            ["an overlong NUL"] = "%C0%80", ["a surrogate"] = "%ED%A0%80",
        }) do
            it(what .. " is refused in every label", function()
                for _, path in ipairs(paths()) do
                    for _, label in ipairs({ escape, "a" .. escape, escape .. "a" }) do
                        expect.error(ask(path, label), 400, path[3].code, path[3].message)
                    end
                end
            end)
        end

        -- What is an escape of a printable character is nothing else than that.
        for what, label in pairs({
            ["a slash"] = "%2F", ["a slash escaped twice"] = "%252F", ["a backslash"] = "%5C", ["a percent sign"] = "%25",
            ["a plus"] = "+", ["a blank"] = "%20", ["a question mark"] = "%3F", ["a hash"] = "%23", ["a semicolon"] = ";",
            ["a colon escaped twice"] = "arn%253Aaws", ["dots and slashes"] = "..%2f..%2Fx", ["a quote"] = "%22",
        }) do
            it(what .. " is no name and no ARN in any label", function()
                for _, path in ipairs(paths()) do
                    local reply = ask(path, label)
                    if path[3].message == eks.messages.bad_policy then
                        expect.error(reply, 404, "ResourceNotFoundException", { "^The specified policyArn is not associated" })
                    else
                        expect.error(reply, 400, path[3].code, path[3].message)
                    end
                end
            end)
        end

        for _, label in ipairs({ "%", "a%", "%4", "%zz", "%2", "%%30", "%u0041", "% 1", "%-1" }) do
            it("the broken escape " .. label .. " is refused in every label, before anybody asks who signed", function()
                for _, path in ipairs(paths()) do
                    if label:find(" ", 1, true) then
                        assert.equal(400, ask(path, label).status)
                    else
                        expect.error(ask(path, label), 400, "InvalidURIPathException")
                    end
                end
            end)
        end

        for _, label in ipairs({ "", ".", "..", "%2e", "%2E%2e", ".%2E" }) do
            it("the segment '" .. label .. "' is no label at all", function()
                for _, path in ipairs(paths()) do
                    expect.error(ask(path, label), 403, "MissingAuthenticationTokenException")
                end
            end)
        end

        it("escapes in either case, and of characters that need none, spell the same label", function()
            local whole = entry.principalArn:gsub(".", function(c)
                return string.format(c:find("%l") and "%%%02x" or "%%%02X", c:byte())
            end)
            for _, label in ipairs({
                text.escape(entry.principalArn), (text.escape(entry.principalArn):gsub("%%%x%x", string.lower)), whole,
                (entry.principalArn:gsub("/", "%%2F")),
            }) do
                assert.equal(entry.principalArn, expect.ok(gw:request({ method = "GET", target = base .. "/" .. label }))
                    .accessEntry.principalArn, label)
            end
            assert.equal(200, gw:request({ method = "GET", target = "/clusters/%6D%79-%63luster/access-entries" }).status)
        end)

        it("an update's id is any text, and that of none is not found", function()
            local updates = "/clusters/my-cluster/updates/"
            for _, label in ipairs({ "%00", "a%0Ab", "%7F", "%FF", "%C0%AF" }) do
                expect.error(gw:request({ method = "GET", target = updates .. label }), 400, expect.invalid,
                    "The updateId parameter is not valid text.")
            end
            for label, id in pairs({
                ["%2F"] = "/", ["%252F"] = "%2F", ["a+b"] = "a+b", ["%20"] = " ", ["%C3%A9"] = "\u{e9}", ["%22"] = '"',
            }) do
                expect.error(gw:request({ method = "GET", target = updates .. label }), 404, "ResourceNotFoundException",
                    "No update found for ID: " .. id)
            end
        end)

        it("a plus sign stays a plus sign", function()
            expect.error(eks.describe(gw, (entry.principalArn:gsub("%+", " "))), 400, expect.invalid, expect.bad_arn)
            local label = entry.principalArn:gsub("/", "%%2F")
            assert.truthy(label:find("+", 1, true))
            expect.ok(gw:request({ method = "GET", target = base .. "/" .. label }))
        end)

        it("a label of thousands of characters is refused as any other", function()
            for _, path in ipairs(paths()) do
                local status = ask(path, string.rep("a", 6000)).status
                assert.is_true(status == 400 or status == 404, status)
            end
        end)
    end)

    describe("in a query", function()
        local listings = {
            { "ListAccessEntries", gateway.entries_target(), expect.invalid },
            { "ListAssociatedAccessPolicies", gateway.entry_target(eks.role("busy")) .. "/access-policies",
                "InvalidRequestException" },
            { "ListAccessPolicies", "/access-policies", expect.invalid },
            { "ListClusters", "/clusters", expect.invalid },
            { "ListUpdates", "/clusters/my-cluster/updates", expect.invalid },
        }
        local function ask(listing, query)
            return gw:request({ method = "GET", target = listing[2] .. query })
        end

        for _, listing in ipairs(listings) do
            it("of " .. listing[1] .. " is refused where one of its members can't be read", function()
                for query, message in pairs({
                    ["?maxResults=1&maxResults=1"] = "The maxResults parameter must not be given more than once.",
                    ["?nextToken=&nextToken="] = "The nextToken parameter must not be given more than once.",
                    ["?maxResults=%00"] = "The maxResults parameter is not valid text.",
                    ["?nextToken=%FF"] = "The nextToken parameter is not valid text.",
                    ["?nextToken=%C0%AF"] = "The nextToken parameter is not valid text.",
                    ["?%6DaxResults=0"] = eks.messages.max_results,
                    ["?maxResults=%30"] = eks.messages.max_results,
                    ["?maxResults=1+"] = eks.messages.max_results,
                    ["?maxResults=1;nextToken=x"] = eks.messages.max_results,
                    ["?%FF=1"] = "The query string is not valid text.",
                }) do
                    expect.error(ask(listing, query), 400, listing[3], message)
                end
            end)

            it("of " .. listing[1] .. " with a broken escape is refused before anybody asks who signed", function()
                for _, query in ipairs({ "?maxResults=%", "?x=%zz", "?%=1", "?nextToken=%4" }) do
                    local reply = ask(listing, query)
                    assert.equal(400, reply.status, query .. " " .. reply.body)
                end
            end)

            it("of " .. listing[1] .. " is ignored where it isn't its own", function()
                for _, query in ipairs({
                    "?", "?&", "?=", "?x", "?x=1&x=2", "?maxresults=0", "?max-results=0", "?maxResults%20=0", "?X=%C3%A9",
                    "?Action=DeleteAccessEntry", "?principalArn=x&name=y",
                }) do
                    local reply = ask(listing, query)
                    assert.equal(200, reply.status, query .. " " .. reply.body)
                end
            end)
        end
    end)

    it("in the query of DescribeUpdate is refused as in that of ListUpdates", function()
        local target = "/clusters/my-cluster/updates/x"
        for query, answer in pairs({
            ["?nodegroupName=a&nodegroupName=b"] = { 400, expect.invalid, { "^The nodegroupName parameter must not" } },
            ["?addonName=%FF"] = { 400, expect.invalid, "The addonName parameter is not valid text." },
            ["?nodegroupName=ng"] = { 404, "ResourceNotFoundException", "No node group found for name: ng." },
            ["?x=1&x=2&maxResults=0"] = { 404, "ResourceNotFoundException", "No update found for ID: x" },
        }) do
            expect.error(gw:request({ method = "GET", target = target .. query }), table.unpack(answer))
        end
    end)

    it("left what was there as it was", function()
        assert.same(entry, eks.described(gw, entry.principalArn))
    end)
end)

describe("a cluster's document", function()
    it("is bounded by the requests it is made of, so that no request can grow it without end", function()
        local gw = gateway.start()
        local long = {}
        for i = 1, 84 do
            long[i] = string.format("%04d", i) .. string.rep("\1", 2040)
        end
        local input = eks.cluster_input("big", { outpostConfig = { outpostArns = long } })
        expect.error(eks.create_cluster(gw, input), 400, expect.invalid,
            "The parameters must not have more than 65536 bytes altogether.")
        expect.ok(eks.create_cluster(gw, eks.cluster_input("big")))
        expect.error(eks.update_cluster_config(gw, "big", { resourcesVpcConfig = { publicAccessCidrs = long } }),
            400, expect.invalid, "The parameters must not have more than 16384 bytes altogether.")
        expect.ok(gw:request(eks.build("GET", "/clusters/big")))
        gw:stop()
    end)
end)
