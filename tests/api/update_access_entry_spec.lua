-- SPDX-License-Identifier: Apache-2.0
-- UpdateAccessEntry replaces: what isn't sent returns to its default.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local invalid = expect.invalid

describe("UpdateAccessEntry", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { workers = 2, clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["both"] = { accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function made(input, with)
        return eks.made(gw, input, with)
    end

    local function updated(principal, input, with)
        return expect.ok(eks.update(gw, principal, input, with)).accessEntry
    end

    --- "arn:aws:sts::012345678910:assumed-role/NAME/{{SessionName}}" for a role's ARN.
    local function generated(principal)
        return "arn:aws:sts::012345678910:assumed-role/" .. principal:match("[^/]+$") .. "/{{SessionName}}"
    end

    describe("answers", function()
        it("with the whole entry, members in the order of EKS's samples", function()
            local entry = made({ tags = { a = "1" } })
            local reply = eks.update(gw, entry.principalArn, { kubernetesGroups = { "g" }, username = "u:{{SessionName}}" })
            assert.equal(200, reply.status)
            assert.equal("application/json", reply.header["content-type"])
            local _, created, modified = expect.template(
                '{"accessEntry":{"clusterName":"my-cluster","principalArn":"' .. entry.principalArn
                .. '","kubernetesGroups":["g"],"accessEntryArn":"arn:aws:eks:us-west-2:012345678910:access-entry/'
                .. 'my-cluster/role/012345678910/' .. entry.principalArn:match("[^/]+$") .. '/<uuid>","createdAt":<time>,'
                .. '"modifiedAt":<time>,"tags":{"a":"1"},"username":"u:{{SessionName}}","type":"STANDARD"}}', reply.body)
            assert.is_true(tonumber(modified) >= tonumber(created))
        end)

        it("with what DescribeAccessEntry shows from then on", function()
            local entry = made()
            local reply = eks.update(gw, entry.principalArn, { username = "u" })
            assert.equal(reply.body, eks.describe(gw, entry.principalArn).body)
        end)

        it("on an API_AND_CONFIG_MAP cluster too", function()
            local entry = made({}, { cluster = "both" })
            assert.equal("u", updated(entry.principalArn, { username = "u" }, { cluster = "both" }).username)
        end)
    end)

    describe("keeps", function()
        it("the ARN with its id, createdAt, tags and type; only modifiedAt moves", function()
            local entry = made({ tags = { a = "1", b = "2" }, username = "before", kubernetesGroups = { "x" } })
            local later
            text.wait_for(function()
                later = updated(entry.principalArn, { username = "after" })
                return later.modifiedAt > entry.modifiedAt
            end)
            assert.is_true(later.modifiedAt > entry.modifiedAt)
            for _, name in ipairs({ "accessEntryArn", "createdAt", "tags", "type", "principalArn", "clusterName" }) do
                assert.same(entry[name], later[name], name)
            end
        end)

        it("the associated policies", function()
            local entry = made()
            eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy", { "ns" })
            local before = eks.list_associated(gw, entry.principalArn).body
            updated(entry.principalArn, { username = "u" })
            assert.equal(before, eks.list_associated(gw, entry.principalArn).body)
        end)

        it("what it doesn't know: type, tags, principalArn and others in the body are ignored", function()
            local entry = made({ tags = { a = "1" } })
            local later = updated(entry.principalArn, {
                username = "u", type = "EC2_LINUX", tags = { b = "2" }, principalArn = eks.role("other"), other = { 1 },
            })
            assert.equal("STANDARD", later.type)
            assert.same({ a = "1" }, later.tags)
            assert.equal(entry.principalArn, later.principalArn)
            updated(entry.principalArn, '{"type":5,"tags":[],"principalArn":null}')
        end)
    end)

    describe("replaces", function()
        local function full()
            return made({ username = "custom", kubernetesGroups = { "a", "b" } })
        end

        it("both with their defaults when neither is sent", function()
            for _, body in ipairs({ "{}", "", '{"username":null,"kubernetesGroups":null}', ' { "unknown" : 1 } ' }) do
                local entry = full()
                local later = updated(entry.principalArn, body)
                assert.equal(generated(entry.principalArn), later.username)
                assert.same({}, later.kubernetesGroups)
                assert.truthy(eks.describe(gw, entry.principalArn).body:find('"kubernetesGroups":[]', 1, true))
            end
        end)

        it("the username with the generated one when only groups are sent", function()
            local entry = full()
            local later = updated(entry.principalArn, { kubernetesGroups = { "c" } })
            assert.equal(generated(entry.principalArn), later.username)
            assert.same({ "c" }, later.kubernetesGroups)
        end)

        it("the groups with none when only a username is sent", function()
            local later = updated(full().principalArn, { username = "other" })
            assert.equal("other", later.username)
            assert.same({}, later.kubernetesGroups)
        end)

        it("the groups with none for an empty list", function()
            local later = updated(full().principalArn, '{"kubernetesGroups":[],"username":"custom"}')
            assert.equal("custom", later.username)
            assert.same({}, later.kubernetesGroups)
        end)

        it("the groups in the order sent, each once", function()
            local later = updated(full().principalArn, { kubernetesGroups = { "z", "a", "z", "m", "a" } })
            assert.same({ "z", "a", "m" }, later.kubernetesGroups)
        end)

        it("the username with what clients read before: the generated one may be sent back", function()
            local entry = made()
            assert.equal(entry.username, updated(entry.principalArn, { username = entry.username }).username)
            local user = made({ principalArn = eks.user(string.rep("p", 400) .. "/long-path") })
            assert.is_true(#user.username > 400)
            assert.equal(user.username, updated(user.principalArn, { username = user.username }).username)
        end)
    end)

    describe("checks names", function()
        for _, prefix in ipairs({ "system:", "eks:", "aws:", "amazon:", "iam:" }) do
            it("that begin with " .. prefix, function()
                local principal = made().principalArn
                expect.error(eks.update(gw, principal, { username = prefix .. "x" }), 400, invalid,
                    "The username must not begin with " .. prefix)
                expect.error(eks.update(gw, principal, { kubernetesGroups = { "ok", prefix .. "g" } }), 400, invalid,
                    "The kubernetes group name " .. prefix .. "g is invalid, it cannot start with " .. prefix)
            end)
        end

        it("for length, emptiness and control characters", function()
            local principal = made().principalArn
            local longest = string.rep("\u{20ac}", 256)
            assert.equal(longest, updated(principal, { username = longest }).username)
            assert.same({ longest }, updated(principal, { kubernetesGroups = { longest } }).kubernetesGroups)
            local bad = {
                { { username = "" }, "The username must not be empty." },
                { { username = longest .. "x" }, "The username must not be longer than 256 characters." },
                { { username = "a\nb" }, "The username must not contain control characters." },
                { { username = "john{{SessionName}}" }, "The username must have a colon before {{SessionName}}." },
                { { username = "{{SessionNameRaw}}:" }, "The username must have a colon before {{SessionNameRaw}}." },
                { { kubernetesGroups = { "" } }, "A kubernetes group name must not be empty." },
                { { kubernetesGroups = { longest .. "x" } },
                    "A kubernetes group name must not be longer than 256 characters." },
                { { kubernetesGroups = { "a\u{85}" } }, "A kubernetes group name must not contain control characters." },
            }
            for _, case in ipairs(bad) do
                expect.error(eks.update(gw, principal, case[1]), 400, invalid, case[2])
            end
        end)

        it("and repeats a reserved group whole, however long", function()
            local group = "system:" .. string.rep("\u{20ac}", 249)
            expect.error(eks.update(gw, made().principalArn, { kubernetesGroups = { group } }), 400, invalid,
                "The kubernetes group name " .. group .. " is invalid, it cannot start with system:")
        end)

        it("and counts groups, a hundred at most", function()
            local principal = made().principalArn
            local groups = {}
            for i = 1, 100 do
                groups[i] = "g" .. i
            end
            assert.same(groups, updated(principal, { kubernetesGroups = groups }).kubernetesGroups)
            groups[101] = "g1"
            expect.error(eks.update(gw, principal, { kubernetesGroups = groups }), 400, invalid,
                "The kubernetesGroups parameter must not have more than 100 items.")
        end)
    end)

    describe("is refused", function()
        for _, type_name in ipairs({
            "EC2_LINUX", "EC2_WINDOWS", "EC2", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX",
        }) do
            it("for an entry of type " .. type_name .. ", but a reserved prefix comes first", function()
                local entry = made({ type = type_name })
                expect.error(eks.update(gw, entry.principalArn, { username = "u" }), 400, invalid,
                    eks.messages.standard_only)
                expect.error(eks.update(gw, entry.principalArn, "{}"), 400, invalid, eks.messages.standard_only)
                expect.error(eks.update(gw, entry.principalArn, { username = entry.username }), 400, invalid,
                    "The username must not begin with system:")
                assert.same(entry, eks.described(gw, entry.principalArn))
            end)
        end

        it("for a principal without an entry", function()
            local body = expect.error(eks.update(gw, eks.role("nobody"), { username = "u" }), 404,
                "ResourceNotFoundException", eks.messages.no_entry)
            assert.equal("my-cluster", body.clusterName)
        end)

        it("for an unknown cluster, a CONFIG_MAP cluster and a name that no cluster can have", function()
            local body = expect.error(eks.update(gw, eks.role("r"), "{}", { cluster = "nowhere" }), 404,
                "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
            assert.equal(cjson.null, body.clusterName)
            expect.error(eks.update(gw, eks.role("r"), "{}", { cluster = "old" }), 400, "InvalidRequestException",
                eks.messages.mode)
            expect.error(eks.update(gw, eks.role("r"), "{}", { cluster = "-" }), 400, invalid, eks.messages.cluster_name)
        end)

        it("for what is no principal's ARN, and for service-linked roles", function()
            for _, arn in ipairs({ "x", "arn:aws:sts::012345678910:assumed-role/r/s" }) do
                expect.error(eks.update(gw, arn, "{}"), 400, invalid, expect.bad_arn)
            end
            expect.error(eks.update(gw, eks.role("aws-service-role/x.amazonaws.com/R"), "{}"), 400, invalid,
                eks.messages.linked)
        end)

        it("for names and tokens before the cluster is looked for", function()
            local nowhere = { cluster = "nowhere" }
            expect.error(eks.update(gw, eks.role("r"), { username = "eks:x" }, nowhere), 400, invalid,
                "The username must not begin with eks:")
            expect.error(eks.update(gw, eks.role("r"), { clientRequestToken = "short" }, nowhere), 400, invalid,
                eks.messages.token_length)
        end)
    end)

    describe("with a client request token", function()
        it("answers a retry with the first reply, and changes nothing", function()
            local principal = made().principalArn
            local input = { username = "u", clientRequestToken = text.uuid() }
            local first = eks.update(gw, principal, input)
            expect.ok(first)
            local other = updated(principal, { username = "v", clientRequestToken = text.uuid() })
            assert.equal(first.body, eks.update(gw, principal, input).body)
            assert.same(other, eks.described(gw, principal))
        end)

        it("refuses the token with other parameters, of another principal too", function()
            local principal, token = made().principalArn, text.uuid()
            updated(principal, { username = "u", clientRequestToken = token })
            for _, body in ipairs({
                { username = "v", clientRequestToken = token }, { clientRequestToken = token },
                { username = "u", kubernetesGroups = { "g" }, clientRequestToken = token },
                '{"username":"u","kubernetesGroups":[],"clientRequestToken":"' .. token .. '"}',
            }) do
                expect.error(eks.update(gw, principal, body), 400, invalid, eks.messages.token_reused)
            end
            expect.error(eks.update(gw, made().principalArn, { username = "u", clientRequestToken = token }), 400,
                invalid, eks.messages.token_reused)
        end)

        it("keeps it apart from the token of a create", function()
            local token = text.uuid()
            local entry = made({ clientRequestToken = token })
            assert.equal("u", updated(entry.principalArn, { username = "u", clientRequestToken = token }).username)
        end)

        it("forgets it when the entry is deleted", function()
            local principal = made().principalArn
            local input = { username = "u", clientRequestToken = text.uuid() }
            updated(principal, input)
            expect.ok(eks.delete(gw, principal))
            expect.error(eks.update(gw, principal, input), 404, "ResourceNotFoundException", eks.messages.no_entry)
            local again = made({ principalArn = principal })
            assert.equal(again.accessEntryArn, updated(principal, input).accessEntryArn)
        end)

        it("wants 33 to 126 characters", function()
            local principal = made().principalArn
            for _, token in ipairs({ "", string.rep("t", 32), string.rep("t", 127), string.rep("\u{e9}", 127) }) do
                expect.error(eks.update(gw, principal, { clientRequestToken = token }), 400, invalid,
                    eks.messages.token_length)
            end
            updated(principal, { clientRequestToken = string.rep("t", 33) })
            updated(principal, { clientRequestToken = string.rep("\u{e9}", 126) })
        end)

        it("keeps sixteen of an entry's: an older one is a new request again", function()
            local principal = made().principalArn
            local first = { username = "first", clientRequestToken = text.uuid() }
            updated(principal, first)
            for i = 1, 15 do
                updated(principal, { username = "u" .. i, clientRequestToken = text.uuid() })
            end
            updated(principal, first)
            assert.equal("u15", eks.described(gw, principal).username)
            updated(principal, { username = "u16", clientRequestToken = text.uuid() })
            updated(principal, first)
            assert.equal("first", eks.described(gw, principal).username)
        end)
    end)

    it("lets many at once through, one after the other", function()
        local principal = made().principalArn
        local requests = {}
        for i = 1, 40 do
            requests[i] = eks.requests.update(principal, { username = "u" .. i })
        end
        local names = {}
        for i, reply in ipairs(eks.at_once(gw, requests)) do
            assert.equal(200, reply.status, reply.body)
            assert.equal("u" .. i, cjson.decode(reply.body).accessEntry.username)
            names["u" .. i] = true
        end
        assert.is_true(names[eks.described(gw, principal).username])
    end)
end)
