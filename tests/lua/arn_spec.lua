-- SPDX-License-Identifier: Apache-2.0
local arn = require("eksgate.arn")

describe("eksgate.arn", function()
    it("takes a role with a path apart", function()
        assert.same({
            arn = "arn:aws:iam::012345678910:role/team-a/dev/deployer",
            partition = "aws",
            account = "012345678910",
            kind = "role",
            path = "/team-a/dev/",
            name = "deployer",
        }, arn.parse("arn:aws:iam::012345678910:role/team-a/dev/deployer"))
    end)

    it("gives path / where there is none", function()
        local user = arn.parse("arn:aws-cn:iam::012345678910:user/anna")
        assert.same({ "user", "/", "anna", "aws-cn" }, { user.kind, user.path, user.name, user.partition })
    end)

    it("knows root, assumed roles and federated users", function()
        assert.equal("root", arn.parse("arn:aws:iam::012345678910:root").kind)
        local assumed = arn.parse("arn:aws:sts::012345678910:assumed-role/admin/anna@example.com")
        assert.same({ "assumed-role", "admin", "anna@example.com" }, { assumed.kind, assumed.name, assumed.session })
        assert.equal("bob", arn.parse("arn:aws:sts::012345678910:federated-user/bob").name)
    end)

    it("answers nil for everything else", function()
        for _, text in ipairs({
            "",
            "role/x",
            "arn:aws:iam::1234:role/x",
            "arn:aws:iam::012345678910:role/",
            "arn:aws:iam::012345678910:group/x",
            "arn:aws:s3:::bucket",
            "arn:aws:sts::012345678910:assumed-role/admin",
            "arn:aws:sts::012345678910:root",
        }) do
            assert.is_nil(arn.parse(text), text)
        end
        assert.is_nil(arn.parse(nil))
        assert.is_nil(arn.partition("x"))
    end)

    it("matches by glob", function()
        local role = "arn:aws:iam::012345678910:role/team-a/deployer"
        assert.is_true(arn.match("arn:*:iam::*:role/team-a/*", role))
        assert.is_false(arn.match("arn:*:iam::*:role/team-b/*", role))
        assert.is_false(arn.match("*", nil))
        assert.equal("aws", arn.partition(role))
    end)

    it("matches field by field, so that a path with colons is no other account's role", function()
        local posing = "arn:aws:iam::666666666666:user/:iam::012345678910:role/team-a/deployer"
        assert.is_table(arn.parse(posing))
        assert.is_false(arn.match("arn:*:iam::*:role/team-a/*", posing))
        assert.is_false(arn.match("arn:aws:*::012345678910:*", posing))
        assert.is_true(arn.match("arn:aws:iam::666666666666:user/*", posing))
        assert.is_true(arn.match("*", posing))
    end)

    it("takes patterns with six fields only", function()
        for _, pattern in ipairs({ "", "arn:*", "arn:aws:iam::*", "role/x" }) do
            assert.error_matches(function()
                arn.compile(pattern)
            end, "six fields")
        end
        assert.is_false(arn.match("arn:*:*:*:*:*", "arn:aws:iam::x"))
    end)

    it("matches lists of patterns", function()
        local is_ci = arn.any({ "arn:aws:iam::*:user/ci-*", "arn:aws:sts::*:assumed-role/ci-*/*" })
        assert.is_true(is_ci("arn:aws:iam::012345678910:user/ci-1"))
        assert.is_true(is_ci("arn:aws:sts::012345678910:assumed-role/ci-1/run"))
        assert.is_false(is_ci("arn:aws:iam::012345678910:user/anna"))
        assert.is_false(is_ci(nil))
        assert.is_false(arn.any({})("x"))
        assert.is_true(arn.any({ "*" })(""))
    end)
end)
