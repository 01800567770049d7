-- SPDX-License-Identifier: Apache-2.0
local username = require("eksgate.username")

local function refused(message, call, ...)
    local ok, why = pcall(call, ...)
    assert.is_false(ok)
    assert.is_truthy(tostring(why):find(message, 1, true), why)
end

describe("eksgate.username", function()
    it("checks usernames as EKS does", function()
        for _, text in ipairs({
            "anna", "team-a:{{SessionName}}", ":x{{SessionNameRaw}}", "arn:aws:sts::012345678910:assumed-role/r/{{SessionName}}",
            "System:x", "ä b", "x:{{Unknown}}", ("x"):rep(256),
        }) do
            assert.is_true(username.check(text), text)
        end
        for text, why in pairs({
            [""] = "The username must not be empty.",
            ["system:masters"] = "The username must not begin with system:",
            ["aws:x"] = "The username must not begin with aws:",
            ["{{SessionName}}"] = "The username must have a colon before {{SessionName}}.",
            ["x{{SessionNameRaw}}:"] = "The username must have a colon before {{SessionNameRaw}}.",
            ["a\nb"] = "The username must not contain control characters.",
            ["a\u{85}b"] = "The username must not contain control characters.",
            ["\xff"] = "The username must be UTF-8 text.",
            [("x"):rep(257)] = "The username must not be longer than 256 characters.",
        }) do
            local ok, reason = username.check(text)
            assert.is_nil(ok, text)
            assert.equal(why, reason)
        end
        refused("needs a text, not a nil", username.check, nil)
        refused("needs a text, not a number", username.check, 1)
        refused("a text of more than 1024 bytes", username.check, ("x"):rep(1025))
    end)

    it("shows what Kubernetes will see", function()
        assert.equal("team-a:anna-example.com", username.render("team-a:{{SessionName}}", "anna@example.com"))
        assert.equal("team-a:anna@example.com", username.render("team-a:{{SessionNameRaw}}", "anna@example.com"))
        assert.equal("a:ab:ab", username.render("a:{{SessionName}}:{{SessionName}}", "ab"))
        assert.equal("anna", username.render("anna"))
        assert.equal("a:{{Unknown}}{{SessionName}", username.render("a:{{Unknown}}{{SessionName}", "ab"))
        assert.equal(
            "012345678910:ip-10-0-0-1.ec2.internal:i-1",
            username.render("{{AccountID}}:{{EC2PrivateDNSName}}:{{SessionName}}", "i-1", {
                account = "012345678910",
                private_dns_name = "ip-10-0-0-1.ec2.internal",
            })
        )
    end)

    it("raises where a template can't be filled in", function()
        refused("there is nothing to put in for {{SessionName}}", username.render, "a:{{SessionName}}")
        refused("there is nothing to put in for {{AccountID}}", username.render, "{{AccountID}}", "ab")
        refused("there is nothing to put in for {{EC2PrivateDNSName}}", username.render, "{{EC2PrivateDNSName}}", nil, {})
        refused("must have a colon before {{SessionName}}", username.render, "{{SessionName}}", "ab")
        refused("must not begin with system:", username.render, "system:x", "ab")
        for _, name in ipairs({ "", "a", ("a"):rep(65), "a b", "a:b", "a/b", "{{SessionName}}", "ä1", "a\0b" }) do
            refused("a session's name has 2 to 64", username.render, "a:{{SessionName}}", name)
        end
        refused("an account has 12 digits", username.render, "a", nil, { account = "1234" })
        refused("a DNS name has 1 to 253", username.render, "a", nil, { private_dns_name = "a b" })
        refused("there is no 'acount'", username.render, "a", nil, { acount = "x" })
        refused("'account' must be a text", username.render, "a", nil, { account = 12 })
        refused("the third argument must be a table", username.render, "a", nil, "x")
        refused("needs a text", username.render, "a", 12)
        local long = { private_dns_name = ("d"):rep(253) }
        refused("more than 2048 bytes come out", username.render, ("{{EC2PrivateDNSName}}"):rep(10), nil, long)
    end)

    it("makes words safe, and never two the same", function()
        assert.equal("team-a.x_y", username.sanitize("team-a.x_y"))
        assert.equal("system_3amasters", username.sanitize("system:masters"))
        assert.equal("a_20b", username.sanitize("a b"))
        assert.equal("a_5f20b", username.sanitize("a_20b"))
        assert.equal("_7b_7bSessionName_7d_7d", username.sanitize("{{SessionName}}"))
        assert.equal("_c3_a4", username.sanitize("ä"))
        assert.equal("", username.sanitize(""))
        assert.equal("a_00", username.sanitize("a\0"))
        local seen = {}
        local bytes = { "_", "5", "f", "g", " ", "a" }
        local function try(prefix, depth)
            local safe = username.sanitize(prefix)
            assert.is_nil(seen[safe], prefix)
            seen[safe] = prefix
            for _, byte in ipairs(depth > 0 and bytes or {}) do
                try(prefix .. byte, depth - 1)
            end
        end
        try("", 5)
        refused("a text of more than 256 bytes", username.sanitize, ("x"):rep(257))
    end)

    it("joins words with colons", function()
        assert.equal("team-a:{{SessionName}}", username.join("team-a", "{{SessionName}}"))
        assert.equal("a_3ab:c:{{SessionNameRaw}}", username.join("a:b", "c", "{{SessionNameRaw}}"))
        assert.equal("_7b_7bSessionName_7d_7dx", username.join("{{SessionName}}x"))
        refused("must not begin with system:", username.join, "system", "masters")
        refused("must have a colon before", username.join, "{{SessionName}}", "x")
        refused("part 2 is empty", username.join, "a", "", "b")
        refused("needs a text, not a nil", username.join, "a", nil, "b")
        refused("must not be empty", username.join)
        refused("must not be longer than 256 characters", username.join, ("x"):rep(200), ("y"):rep(100))
    end)
end)
