-- SPDX-License-Identifier: Apache-2.0
-- Which request is which operation, and what all the others are told.

local expect = require("support.expect")
local gateway = require("support.gateway")

local arn = "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fr"

describe("routing", function()
    local gw

    setup(function()
        gw = gateway.start()
    end)

    teardown(function()
        gw:stop()
    end)

    local function ask(method, target)
        return gw:request({ method = method, target = target, body = method == "POST" and "{}" or nil })
    end

    describe("answers 501 and names the setting that would forward", function()
        local elsewhere = {
            ListNodegroups = { "GET", "/clusters/my-cluster/node-groups" },
            CreateNodegroup = { "POST", "/clusters/my-cluster/node-groups" },
            DeleteAddon = { "DELETE", "/clusters/my-cluster/addons/coredns" },
            DescribeAddonVersions = { "GET", "/addons/supported-versions" },
            ListPodIdentityAssociations = { "GET", "/clusters/my-cluster/pod-identity-associations" },
            RegisterCluster = { "POST", "/cluster-registrations" },
        }
        for operation, request in pairs(elsewhere) do
            it(operation, function()
                expect.error(ask(request[1], request[2]), 501, "NotImplementedException", { "upstream" })
            end)
        end

        it("and the operation", function()
            expect.error(ask("GET", "/clusters/c/addons"), 501, "NotImplementedException", { "ListAddons" })
        end)
    end)

    describe("answers 403 as an unmatched route of the real front", function()
        local nowhere = {
            { "GET", "/" }, { "GET", "/nothing" }, { "GET", "/Clusters" }, { "PUT", "/clusters" },
            { "PATCH", "/clusters/my-cluster" }, { "GET", "/clusters/my-cluster/access-entries/" .. arn .. "/x" },
            { "PUT", "/clusters/my-cluster/access-entries" }, { "GET", "/clusters/my-cluster/" },
            { "GET", "/clusters/my-cluster/access-entries/" }, { "GET", "//clusters" }, { "GET", "/clusters//" },
            { "GET", "/clusters//access-entries" },
            -- A literal is its own bytes: an escape in it is another path.
            { "GET", "/%63lusters/my-cluster" }, { "GET", "/clusters/my-cluster/access%2Dentries" },
            { "GET", "/clusters%2Fmy-cluster" }, { "GET", "/clusters/%2e%2e" }, { "GET", "/clusters/%2E" },
            { "GET", "/clusters/%2e%2e/access-entries/" .. arn },
            { "GET", "/clusters/.%2e/access-entries/" .. arn }, { "GET", "/./clusters" }, { "GET", "/clusters/../clusters" },
        }
        for _, request in ipairs(nowhere) do
            it(request[1] .. " " .. request[2], function()
                expect.error(ask(request[1], request[2]), 403, "MissingAuthenticationTokenException",
                    "Missing Authentication Token")
            end)
        end

        it("also when nobody signed", function()
            local reply = gw:request({ method = "GET", target = "/nothing", authorization = function() end })
            expect.error(reply, 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        end)
    end)

    describe("refuses escapes in a cluster's name", function()
        for _, name in ipairs({
            "a%2Fb", "a%00b", "a%5Cb", "a%2e%2e", "my%252Dcluster", "a%0Ab",
        }) do
            it(name, function()
                for _, request in ipairs({
                    { "GET", "/clusters/" .. name .. "/access-entries/" .. arn },
                    { "POST", "/clusters/" .. name .. "/access-entries" },
                }) do
                    expect.error(ask(request[1], request[2]), 400, expect.invalid, { "^The clusterName parameter" })
                end
            end)
        end

        for _, name in ipairs({ "a%", "a%4", "a%zz" }) do
            it(name .. ", before anyone asks who signed", function()
                local reply = ask("GET", "/clusters/" .. name .. "/access-entries/" .. arn)
                expect.error(reply, 400, "InvalidURIPathException")
            end)
        end

        it("but not one that only spells a letter", function()
            local reply = ask("GET", "/clusters/my%2Dcluster/access-entries/" .. arn)
            expect.error(reply, 404, "ResourceNotFoundException", expect.not_found)
        end)
    end)

    describe("refuses in an ARN's label what is no printable ASCII", function()
        for _, label in ipairs({ "arn%00", "arn%0A", "arn%7F", "arn%C3%A9" }) do
            it(label, function()
                expect.error(ask("GET", "/clusters/my-cluster/access-entries/" .. label), 400, expect.invalid,
                    expect.bad_arn)
            end)
        end
    end)

    it("doesn't ask the query which operation it is", function()
        local reply = ask("GET", "/clusters/my-cluster/access-entries/" .. arn .. "?Action=DeleteAccessEntry")
        expect.error(reply, 404, "ResourceNotFoundException", expect.not_found)
    end)

    it("doesn't ask headers that override method or path", function()
        local reply = gw:request({
            method = "GET", target = "/clusters/my-cluster/access-entries/" .. arn,
            extra = { { "X-HTTP-Method-Override", "DELETE" }, { "X-Original-URL", "/clusters" } },
        })
        expect.error(reply, 404, "ResourceNotFoundException", expect.not_found)
    end)
end)
