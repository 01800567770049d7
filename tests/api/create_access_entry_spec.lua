-- SPDX-License-Identifier: Apache-2.0
-- CreateAccessEntry as a client sees it.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local account = gateway.account
local invalid = expect.invalid

local function role(name)
    return "arn:aws:iam::" .. account .. ":role/" .. name
end

local count = 0
local function fresh_role()
    count = count + 1
    return role("fresh-" .. count)
end

describe("CreateAccessEntry", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = {
            clusters = {
                ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
                ["both"] = { accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" } },
                ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
                ["small"] = { accessConfig = { authenticationMode = "API" } },
            },
        } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function entry(input, with)
        return expect.ok(gw:create(input, with)).accessEntry
    end

    describe("answers", function()
        it("with the entry as compact JSON, members in the order of EKS's samples", function()
            local principal = role("my-role")
            local reply = gw:create({ principalArn = principal })
            assert.equal(200, reply.status)
            local created, modified = select(2, expect.template(
                '{"accessEntry":{"clusterName":"my-cluster","principalArn":"' .. principal .. '","kubernetesGroups":[],'
                .. '"accessEntryArn":"arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/012345678910/'
                .. 'my-role/<uuid>","createdAt":<time>,"modifiedAt":<time>,"tags":{},"username":'
                .. '"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}","type":"STANDARD"}}', reply.body))
            assert.equal(created, modified)
            assert.is_true(math.abs(tonumber(created) - text.wall()) < 30)
        end)

        it("with groups, tags and username as they were sent", function()
            local made = entry({
                principalArn = fresh_role(), kubernetesGroups = { "viewers", "system", "a:b" },
                tags = { team = "blue", ["cost centre"] = "" }, username = "team:{{SessionName}}", type = "STANDARD",
            })
            assert.same({ "viewers", "system", "a:b" }, made.kubernetesGroups)
            assert.same({ team = "blue", ["cost centre"] = "" }, made.tags)
            assert.equal("team:{{SessionName}}", made.username)
        end)

        it("with the path kept in principalArn, dropped from username and entry ARN", function()
            local principal = role("team/dev/with.path")
            local made = entry({ principalArn = principal })
            assert.equal(principal, made.principalArn)
            assert.equal("arn:aws:sts::012345678910:assumed-role/with.path/{{SessionName}}", made.username)
            expect.template("arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/012345678910/with.path/"
                .. "<uuid>", made.accessEntryArn)
        end)

        it("with a user's own ARN as username", function()
            local principal = "arn:aws:iam::012345678910:user/people/jane+doe"
            local made = entry({ principalArn = principal })
            assert.equal(principal, made.username)
            expect.template("arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/user/012345678910/jane+doe/"
                .. "<uuid>", made.accessEntryArn)
        end)

        it("with the principal's account in the entry ARN of a foreign principal", function()
            local made = entry({ principalArn = "arn:aws:iam::999988887777:role/foreign" })
            expect.template("arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/999988887777/foreign/"
                .. "<uuid>", made.accessEntryArn)
        end)

        it("for the root user and for every character that names may hold", function()
            entry({ principalArn = "arn:aws:iam::999988887777:root" })
            local name = "w+=,.@-_9"
            assert.equal(role("p/" .. name), entry({ principalArn = role("p/" .. name) }).principalArn)
            assert.equal(role("a%2Fb/r"), entry({ principalArn = role("a%2Fb/r") }).principalArn)
        end)

        it("on an API_AND_CONFIG_MAP cluster too", function()
            assert.equal("both", entry({ principalArn = fresh_role() }, { cluster = "both" }).clusterName)
        end)

        it("when members are null, which means absent", function()
            local made = entry({
                principalArn = fresh_role(), username = cjson.null, kubernetesGroups = cjson.null, type = cjson.null,
                tags = cjson.null, clientRequestToken = cjson.null,
            })
            assert.equal("STANDARD", made.type)
        end)

        it("when the body has white space and members that EKS doesn't know", function()
            entry('{\n  "principalArn" : "' .. fresh_role() .. '" , "somethingElse": [1, {"a": null}]\n}\n')
        end)
    end)

    describe("gives node types their username and group", function()
        local usernames = {
            EC2_LINUX = "system:node:{{EC2PrivateDNSName}}", EC2_WINDOWS = "system:node:{{EC2PrivateDNSName}}",
            EC2 = "system:node:{{SessionName}}", FARGATE_LINUX = "system:node:{{SessionName}}",
            HYBRID_LINUX = "system:node:{{SessionName}}",
        }
        for type_name, username in pairs(usernames) do
            it(type_name, function()
                local made = entry({ principalArn = fresh_role(), type = type_name })
                assert.equal(username, made.username)
                assert.equal(type_name, made.type)
                local groups = {}
                for _, group in ipairs(made.kubernetesGroups) do
                    groups[group] = true
                end
                assert.is_true(groups["system:nodes"])
            end)

            it(type_name .. " refuses users and foreign accounts", function()
                local list = "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"
                expect.error(gw:create({ principalArn = "arn:aws:iam::012345678910:user/u", type = type_name }), 400,
                    invalid, "AccessEntry principalArn must be IAM role when using types " .. list)
                expect.error(gw:create({ principalArn = "arn:aws:iam::999988887777:role/r", type = type_name }), 400,
                    invalid, "AccessEntry principalArn must be from the same account as the cluster when using types "
                    .. list)
            end)

            it(type_name .. " refuses groups and a username", function()
                local principal = fresh_role()
                expect.error(gw:create({ principalArn = principal, type = type_name, kubernetesGroups = { "g" } }),
                    400, invalid, 'The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed '
                    .. 'when the type is "' .. type_name .. '"')
                expect.error(gw:create({ principalArn = principal, type = type_name, username = "u" }), 400, invalid,
                    'The specified username is invalid: setting username is not allowed when the type is "'
                    .. type_name .. '"')
            end)
        end

        it("knows HYPERPOD_LINUX and no other types", function()
            assert.equal("HYPERPOD_LINUX", entry({ principalArn = fresh_role(), type = "HYPERPOD_LINUX" }).type)
            expect.error(gw:create({ principalArn = fresh_role(), type = "standard" }), 400, invalid)
            expect.error(gw:create({ principalArn = fresh_role(), type = "" }), 400, invalid)
        end)
    end)

    describe("refuses a principal", function()
        local bad = {
            ["without a value"] = "",
            ["that is an assumed role"] = "arn:aws:sts::012345678910:assumed-role/r/session",
            ["that is a federated user"] = "arn:aws:sts::012345678910:federated-user/u",
            ["that is a group"] = "arn:aws:iam::012345678910:group/g",
            ["that is a policy"] = "arn:aws:iam::012345678910:policy/p",
            ["with an account of eleven digits"] = "arn:aws:iam::01234567891:role/r",
            ["with a region"] = "arn:aws:iam:us-west-2:012345678910:role/r",
            ["without a name"] = "arn:aws:iam::012345678910:role/",
            ["with a space in the name"] = "arn:aws:iam::012345678910:role/a b",
            ["with an unknown partition"] = "arn:moon:iam::012345678910:role/r",
            ["with a name of 65 characters"] = role(string.rep("n", 65)),
            ["with a line break"] = role("a\nb"),
        }
        for what, arn in pairs(bad) do
            it(what, function()
                expect.error(gw:create({ principalArn = arn }), 400, invalid, expect.bad_arn)
            end)
        end

        it("that is a service-linked role, whatever its account and the type", function()
            for _, type_name in ipairs({ "STANDARD", "EC2_LINUX" }) do
                for _, owner in ipairs({ account, "999988887777" }) do
                    expect.error(gw:create({
                        principalArn = "arn:aws:iam::" .. owner .. ":role/aws-service-role/eks.amazonaws.com/X",
                        type = type_name,
                    }), 400, invalid,
                        "The caller is not allowed to modify access entries with a principalArn value of a Service "
                        .. "Linked Role")
                end
            end
        end)

        it("that is missing, null, or no text", function()
            expect.error(gw:create("{}"), 400, invalid)
            expect.error(gw:create('{"principalArn":null}'), 400, invalid)
            expect.error(gw:create('{"principalArn":5}'), 400, invalid)
        end)
    end)

    describe("checks names", function()
        for _, prefix in ipairs({ "system:", "eks:", "aws:", "amazon:", "iam:" }) do
            it("that begin with " .. prefix, function()
                expect.error(gw:create({ principalArn = fresh_role(), username = prefix .. "x" }), 400, invalid,
                    "The username must not begin with " .. prefix)
                expect.error(gw:create({ principalArn = fresh_role(), kubernetesGroups = { "ok", prefix .. "g" } }),
                    400, invalid,
                    "The kubernetes group name " .. prefix .. "g is invalid, it cannot start with " .. prefix)
            end)
        end

        it("and lets sts: and plain ones pass", function()
            entry({ principalArn = fresh_role(), username = "sts:someone" })
            entry({ principalArn = fresh_role(), username = "developer" })
            entry({ principalArn = fresh_role(), username = ":john{{SessionName}}" })
            entry({ principalArn = fresh_role(), username = "jo:hn{{SessionNameRaw}}" })
        end)

        it("and wants a colon before a session name", function()
            expect.error(gw:create({ principalArn = fresh_role(), username = "john{{SessionName}}" }), 400, invalid)
            expect.error(gw:create({ principalArn = fresh_role(), username = "john{{SessionNameRaw}}:" }), 400, invalid)
        end)

        it("of clusters, in EKS's words", function()
            for _, name in ipairs({ "-a", "a.b", "a b", "\xc3\xa9" }) do
                expect.error(gw:create({ principalArn = fresh_role() }, { cluster = name }), 400, invalid,
                    'The clusterName parameter contains invalid characters. It should conform to the regular '
                    .. 'expression "^[0-9A-Za-z][A-Za-z0-9-_]*"In other words, it should start with a number or '
                    .. 'letter, and can contain numbers, letters, dashes, and underscores.')
            end
            expect.error(gw:create({ principalArn = fresh_role() }, { cluster = string.rep("c", 101) }), 400, invalid)
        end)
    end)

    describe("checks tags", function()
        local function tags_of(n)
            local tags = {}
            for i = 1, n do
                tags["k" .. i] = "v"
            end
            return tags
        end

        it("and takes fifty, with keys of 128 and values of 256 characters", function()
            local tags = tags_of(49)
            tags[string.rep("\xc3\xa9", 128)] = string.rep("\xc3\xa9", 256)
            assert.same(tags, entry({ principalArn = fresh_role(), tags = tags }).tags)
        end)

        it("and refuses a 51st, long ones, empty keys, keys of AWS's own and values that are no text", function()
            local bad = {
                tags_of(51), { [string.rep("k", 129)] = "v" }, { k = string.rep("v", 257) }, { [""] = "v" },
                { ["aws:x"] = "v" }, { ["AWS:x"] = "v" }, { k = 5 },
            }
            for _, tags in ipairs(bad) do
                expect.error(gw:create({ principalArn = fresh_role(), tags = tags }), 400, invalid)
            end
        end)
    end)

    describe("refuses in EKS's order", function()
        it("bad names before an unknown cluster", function()
            local nowhere = { cluster = "nowhere" }
            expect.error(gw:create({ principalArn = role("r"), username = "system:x" }, nowhere), 400, invalid)
            expect.error(gw:create({ principalArn = role("r"), kubernetesGroups = { "eks:g" } }, nowhere), 400, invalid)
            expect.error(gw:create({ principalArn = role("aws-service-role/x/y") }, nowhere), 400, invalid)
            expect.error(gw:create({ principalArn = "arn:aws:iam::012345678910:user/u", type = "EC2" }, nowhere), 400,
                invalid)
            expect.error(gw:create({ principalArn = "nonsense" }, nowhere), 400, invalid, expect.bad_arn)
        end)

        it("an unknown cluster before what depends on the type", function()
            local body = expect.error(
                gw:create({ principalArn = role("r"), type = "EC2_LINUX", username = "u" }, { cluster = "nowhere" }),
                404, "ResourceNotFoundException", "No cluster found for name: nowhere.")
            assert.equal(cjson.null, body.clusterName)
        end)

        it("the cluster's mode before what depends on the type", function()
            local body = expect.error(
                gw:create({ principalArn = role("r"), type = "EC2_LINUX", username = "u" }, { cluster = "old" }), 400,
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                .. "operation.")
            assert.equal("old", body.clusterName)
        end)
    end)

    describe("answers 409", function()
        it("in EKS's words when the principal already has an entry", function()
            local principal = fresh_role()
            entry({ principalArn = principal })
            local reply = gw:create({ principalArn = principal, username = "other" })
            expect.error(reply, 409, "ResourceInUseException", expect.in_use)
            assert.equal("Conflict", reply.reason)
        end)

        it("for the ARN with the same bytes only", function()
            entry({ principalArn = role("Case") })
            entry({ principalArn = role("case") })
            entry({ principalArn = role("x/case") })
        end)

        it("in its own cluster only", function()
            local principal = fresh_role()
            entry({ principalArn = principal })
            entry({ principalArn = principal }, { cluster = "both" })
        end)

        it("to all but one of many that come at once", function()
            local principal = fresh_role()
            local clients, made, refused = {}, 0, 0
            for i = 1, 8 do
                clients[i] = gw:connect()
                clients[i]:send((gw:format(gateway.create_request({ principalArn = principal }))))
            end
            for _, client in ipairs(clients) do
                local reply = client:read()
                made = made + (reply.status == 200 and 1 or 0)
                refused = refused + (reply.status == 409 and 1 or 0)
                client:close()
            end
            assert.same({ 1, 7 }, { made, refused })
        end)
    end)

    describe("with a client request token", function()
        it("answers a retry with the entry that the first attempt made", function()
            local input = { principalArn = fresh_role(), clientRequestToken = text.uuid(), tags = { a = "1", b = "2" } }
            local first = gw:create(input)
            local again = gw:create(input)
            expect.ok(first)
            assert.equal(first.body, again.body)
            assert.are_not.equal(first.header["x-amzn-requestid"], again.header["x-amzn-requestid"])
        end)

        it("knows a retry by its meaning, not by its bytes", function()
            local principal, token = fresh_role(), text.uuid()
            local first = gw:create('{"principalArn":"' .. principal .. '","clientRequestToken":"' .. token .. '"}')
            local again = gw:create('{ "clientRequestToken": "' .. token .. '",\n "principalArn": "' .. principal .. '" }')
            expect.ok(first)
            assert.equal(first.body, again.body)
        end)

        it("refuses other parameters under the same token", function()
            local token = text.uuid()
            entry({ principalArn = fresh_role(), clientRequestToken = token })
            expect.error(gw:create({ principalArn = fresh_role(), clientRequestToken = token }), 400, invalid,
                { "token" })
        end)

        it("still refuses the same principal under another token", function()
            local principal = fresh_role()
            entry({ principalArn = principal, clientRequestToken = text.uuid() })
            expect.error(gw:create({ principalArn = principal, clientRequestToken = text.uuid() }), 409,
                "ResourceInUseException", expect.in_use)
        end)

        it("keeps tokens of different clusters apart", function()
            local principal, token = fresh_role(), text.uuid()
            entry({ principalArn = principal, clientRequestToken = token })
            local there = entry({ principalArn = principal, clientRequestToken = token }, { cluster = "both" })
            assert.equal("both", there.clusterName)
        end)

        it("wants 33 to 126 characters", function()
            for _, length in ipairs({ 0, 1, 32, 127 }) do
                expect.error(gw:create({ principalArn = fresh_role(), clientRequestToken = string.rep("t", length) }),
                    400, invalid, "The client request token parameter must be between 33 and 126 characters.")
            end
            entry({ principalArn = fresh_role(), clientRequestToken = string.rep("t", 33) })
            entry({ principalArn = fresh_role(), clientRequestToken = string.rep("t", 126) })
        end)
    end)

    describe("refuses a body", function()
        local bad = {
            ["that is empty"] = "",
            ["that is no JSON"] = "{",
            ["that is an array"] = "[]",
            ["that is text"] = '"x"',
            ["with something behind the object"] = '{"principalArn":"arn:aws:iam::012345678910:role/a"} x',
            ["with a member twice"] =
                '{"principalArn":"arn:aws:iam::012345678910:role/a","principalArn":"arn:aws:iam::012345678910:role/b"}',
            ["that is no UTF-8"] = '{"principalArn":"arn:aws:iam::012345678910:role/a","username":"\xff"}',
            ["nested too deeply"] = '{"x":' .. string.rep("[", 5000) .. string.rep("]", 5000) .. "}",
            ["with groups that are no list"] = '{"principalArn":"arn:aws:iam::012345678910:role/a","kubernetesGroups":"g"}',
            ["with tags that are no object"] = '{"principalArn":"arn:aws:iam::012345678910:role/a","tags":[]}',
            ["with a username that is a number"] = '{"principalArn":"arn:aws:iam::012345678910:role/a","username":1}',
        }
        for what, body in pairs(bad) do
            it(what, function()
                expect.error(gw:create(body), 400, invalid)
            end)
        end
    end)

    it("doesn't show entries of other accounts and regions", function()
        local other = gateway.start({
            settings = { region = { "us-west-2", "eu-central-1" } },
            keys = {
                gateway.key,
                { id = "AKIAOTHERACCOUNT0001", secret = "other", arn = "arn:aws:iam::999988887777:user/other" },
            },
        })
        local principal = role("shared")
        local function get(with)
            return other:describe(principal, with).status
        end
        expect.ok(other:create({ principalArn = principal }))
        assert.equal(200, get())
        assert.equal(404, get({ region = "eu-central-1" }))
        assert.equal(404, get({ key = { id = "AKIAOTHERACCOUNT0001", secret = "other" } }))
        for _, with in ipairs({ { region = "eu-central-1" }, { key = { id = "AKIAOTHERACCOUNT0001", secret = "other" } } }) do
            expect.error(other:create({ principalArn = principal }, with), 404, "ResourceNotFoundException",
                "No cluster found for name: my-cluster.")
        end
        other:stop()
    end)

    it("holds at the limit of entries, which is a setting", function()
        local small = gateway.start({ settings = { limits = { entries_per_cluster = 2 } } })
        expect.ok(small:create({ principalArn = role("one") }))
        expect.ok(small:create({ principalArn = role("two") }))
        expect.error(small:create({ principalArn = role("three") }), 400, "ResourceLimitExceededException")
        expect.error(small:create({ principalArn = role("two") }), 409, "ResourceInUseException", expect.in_use)
        small:stop()
    end)
end)
