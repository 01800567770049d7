-- SPDX-License-Identifier: Apache-2.0
-- Where the gateway's own credentials come from, driven through `eksgate check` against stubs that check each exchange to
-- the letter: every provider, who goes before whom, failures, and that nothing secret is ever shown.

local cjson = require("cjson")
local aws_stubs = require("support.aws_stubs")
local fault_upstream = require("support.fault_upstream")
local gateway = require("support.gateway")
local text = require("support.text")
local tls = require("support.tls")

local role = "arn:aws:iam::012345678910:role/gateway"
local token = "eyJhbGciOi.eyJzdWIiOi.c2ln-_"

describe("credentials", function()
    local stubs, folder

    setup(function()
        stubs = aws_stubs.start()
    end)

    teardown(function()
        stubs:stop()
    end)

    before_each(function()
        folder = text.make_folder()
        stubs:set({
            lifetime = 3600, keys = {}, region = "us-west-2", web_token = token, role = role, session = cjson.null, form = {},
            container_token = cjson.null, container_path = "/v1/credentials", sts_fail = cjson.null,
            container_fail = cjson.null, imds_fail = cjson.null, same = false,
        })
        text.write_file(folder .. "/token", token)
    end)

    after_each(function()
        text.remove_folder(folder)
    end)

    local function settings(upstream)
        upstream = upstream or { credentials = "default" }
        return gateway.serialize({
            listen = { "127.0.0.1:0" }, data = folder, region = "us-west-2", keys = {}, upstream = upstream,
        })
    end

    --- Runs check with nothing of AWS in the environment but `environment`: exit code, both outputs as one.
    local function check(environment, upstream)
        local all = {
            AWS_EC2_METADATA_DISABLED = "true", AWS_ENDPOINT_URL_STS = stubs.sts, HOME = folder, AWS_REGION = "us-west-2",
        }
        for _, name in ipairs({
            "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "CREDENTIAL_EXPIRATION", "DEFAULT_REGION", "PROFILE",
            "SHARED_CREDENTIALS_FILE", "CONFIG_FILE", "ROLE_ARN", "WEB_IDENTITY_TOKEN_FILE", "ROLE_SESSION_NAME",
            "STS_REGIONAL_ENDPOINTS", "CA_BUNDLE", "CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI",
            "CONTAINER_AUTHORIZATION_TOKEN", "CONTAINER_AUTHORIZATION_TOKEN_FILE", "EC2_METADATA_SERVICE_ENDPOINT",
        }) do
            all["AWS_" .. name] = false
        end
        for _, name in ipairs({ "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy" }) do
            all[name] = false
        end
        for name, value in pairs(environment) do
            all[name] = value
        end
        text.write_file(folder .. "/eksgate.lua", settings(upstream))
        local code, out, err = gateway.run({ "check", "-c", folder .. "/eksgate.lua" }, { environment = all, seconds = 40 })
        assert.is_nil((out .. err):find("secret/", 1, true), "a secret in " .. out .. err)
        assert.is_nil((out .. err):find("token/", 1, true), "a token in " .. out .. err)
        assert.is_nil((out .. err):find(token, 1, true), "the web identity token in " .. out .. err)
        return code, out .. err
    end

    --- Expects `provider` to win with a key that a stub issued, or with `key`.
    local function expect_winner(provider, key, environment, upstream)
        local code, said = check(environment, upstream)
        assert.equal(0, code, said)
        local line = said:match("upstream credentials: ([^\n]*)")
        assert.truthy(line, said)
        assert.equal(1, (line:find(provider, 1, true)), line)
        assert.truthy(line:find(", key " .. key, 1, true), line)
        return line
    end

    local function expect_failure(words, environment, upstream)
        local code, said = check(environment, upstream)
        assert.equal(1, code, said)
        for _, one in ipairs(words) do
            assert.truthy(said:find(one, 1, true), one .. " in " .. said)
        end
        return said
    end

    local function static(id)
        return { AWS_ACCESS_KEY_ID = id, AWS_SECRET_ACCESS_KEY = "secret/0+", AWS_SESSION_TOKEN = "token/0+=" }
    end

    local function irsa(more)
        local environment = { AWS_ROLE_ARN = role, AWS_WEB_IDENTITY_TOKEN_FILE = folder .. "/token" }
        for name, value in pairs(more or {}) do
            environment[name] = value
        end
        return environment
    end

    local function container(more)
        local environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI = stubs.container .. "/v1/credentials" }
        for name, value in pairs(more or {}) do
            environment[name] = value
        end
        return environment
    end

    local function imds()
        return { AWS_EC2_METADATA_DISABLED = false, AWS_EC2_METADATA_SERVICE_ENDPOINT = stubs.imds }
    end

    local function with(...)
        local all = {}
        for _, one in ipairs({ ... }) do
            for name, value in pairs(one) do
                all[name] = value
            end
        end
        return all
    end

    local function write_files(credentials, config)
        assert(require("lfs").mkdir(folder .. "/.aws"))
        if credentials then
            text.write_file(folder .. "/.aws/credentials", credentials)
        end
        if config then
            text.write_file(folder .. "/.aws/config", config)
        end
    end

    describe("from the configuration", function()
        it("are a table with a key, before everything else", function()
            expect_winner("configuration", "AKIDTABLE", with(static("AKIDENV"), irsa()), {
                credentials = { access_key_id = "AKIDTABLE", secret_access_key = "secret/1+" },
            })
            assert.same({}, stubs:lines())
        end)

        it("aren't asked for where the caller's own key signs", function()
            local code, said = check(irsa(), { credentials = "caller" })
            assert.equal(0, code, said)
            assert.is_nil(said:find("upstream credentials", 1, true))
            assert.same({}, stubs:lines())
        end)
    end)

    it("don't hide an upstream.ca_file that can't be used", function()
        text.write_file(folder .. "/garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for name, words in pairs({ ["nowhere.pem"] = "can't be opened", ["garbage.pem"] = "certificate 1 can't be read" }) do
            expect_failure({ "upstream.ca_file", name, words }, {}, {
                endpoint = "https://localhost:9", credentials = "caller", ca_file = folder .. "/" .. name,
            })
        end
    end)

    describe("from the environment", function()
        it("go before everything that AWS's tools find", function()
            write_files("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = secret/2+\n")
            local line = expect_winner("environment", "AKIDENV", with(static("AKIDENV"), irsa(), container(), imds()))
            assert.truthy(line:find("expires never", 1, true))
            assert.same({}, stubs:lines())
        end)

        it("expire when AWS_CREDENTIAL_EXPIRATION says", function()
            local line = expect_winner("environment", "AKIDENV",
                with(static("AKIDENV"), { AWS_CREDENTIAL_EXPIRATION = "2099-01-02T03:04:05Z" }))
            assert.truthy(line:find("expires 2099-01-02T03:04:05Z", 1, true))
            expect_failure({ "environment: gave credentials that expired at 2001-01-02T03:04:05Z" },
                with(static("AKIDENV"), { AWS_CREDENTIAL_EXPIRATION = "2001-01-02T03:04:05Z" }))
        end)

        it("that are half there end the chain", function()
            expect_failure({ "environment: AWS_SECRET_ACCESS_KEY isn't set" },
                with(irsa(), { AWS_ACCESS_KEY_ID = "AKIDENV" }))
            assert.same({}, stubs:lines())
        end)
    end)

    describe("from the shared files", function()
        it("are the profile's that AWS_PROFILE names", function()
            write_files("[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = secret/1+\n"
                .. "[dev]\naws_access_key_id = AKIDDEV # a comment\naws_secret_access_key = secret/2+\n")
            expect_winner("profile default", "AKIDDEFAULT", {})
            expect_winner("profile dev", "AKIDDEV", { AWS_PROFILE = "dev" })
            expect_failure({ "profile: AWS_PROFILE names nobody" }, with(irsa(), { AWS_PROFILE = "nobody" }))
        end)

        it("are found where the variables say, and without HOME", function()
            text.write_file(folder .. "/c", "[default]\naws_access_key_id = AKIDC\naws_secret_access_key = secret/1+\n")
            text.write_file(folder .. "/d", "[profile x]\naws_access_key_id = AKIDD\naws_secret_access_key = secret/1+\n")
            expect_winner("profile default", "AKIDC", { HOME = false, AWS_SHARED_CREDENTIALS_FILE = folder .. "/c" })
            expect_winner("profile x", "AKIDD", { HOME = false, AWS_CONFIG_FILE = folder .. "/d", AWS_PROFILE = "x" })
            expect_failure({ "environment: ", "profile: ", "web identity: ", "container: ", "imds: " }, { HOME = false })
        end)

        it("that can't be read as such name file and line, and not what stands there", function()
            write_files("[default]\naws_access_key_id = AKID\nsecret/9+\n")
            expect_failure({ "profile: ", "/.aws/credentials: line 3: " }, {})
        end)

        it("go before web identity, container and IMDS", function()
            write_files("[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = secret/2+\n")
            expect_winner("profile default", "AKIDFILE", with(irsa(), container(), imds()))
            assert.same({}, stubs:lines())
        end)

        it("assume a role with the source profile's key, signed", function()
            stubs:set({
                keys = { AKIDBASE = { "secret/base+", cjson.null } }, session = "nightly", region = "eu-central-1",
                form = { ExternalId = "a b&c", DurationSeconds = "1800" },
            })
            write_files("[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = secret/base+\n",
                "[profile team]\nrole_arn = " .. role .. "\nsource_profile = base\nrole_session_name = nightly\n"
                    .. "external_id = a b&c\nduration_seconds = 1800\nregion = eu-central-1\n")
            expect_winner("profile team", "ASIASTUB", { AWS_PROFILE = "team", AWS_REGION = false })
            assert.same({ "sts POST / 200" }, stubs:lines())
        end)

        it("assume a role with what another source gives", function()
            stubs:set({ session = "eksgate", container_token = "t" })
            write_files(nil, "[profile team]\nrole_arn = " .. role .. "\ncredential_source = EcsContainer\n"
                .. "[profile node]\nrole_arn = " .. role .. "\ncredential_source = Ec2InstanceMetadata\n")
            expect_winner("profile team", "ASIASTUB",
                with({ AWS_PROFILE = "team", AWS_CONTAINER_AUTHORIZATION_TOKEN = "t" }, container()))
            assert.same({ "container GET /v1/credentials 200", "sts POST / 200" }, stubs:lines())
            expect_winner("profile node", "ASIASTUB", with({ AWS_PROFILE = "node" }, imds()))
        end)

        it("assume a role with a web identity token", function()
            write_files(nil, "[profile web]\nrole_arn = " .. role .. "\nweb_identity_token_file = " .. folder .. "/token\n")
            expect_winner("profile web", "ASIASTUB", { AWS_PROFILE = "web" })
            assert.same({ "sts POST / 200" }, stubs:lines())
        end)

        it("tell a circle of source profiles", function()
            write_files(nil, "[profile a]\nrole_arn = " .. role .. "\nsource_profile = b\n[profile b]\nrole_arn = " .. role
                .. "\nsource_profile = a\n")
            expect_failure({ "circle" }, { AWS_PROFILE = "a" })
        end)

        it("are what credential_process prints, run without a shell", function()
            text.write_file(folder .. "/helper", "#!/bin/sh\nprintf '{\"Version\":1,\"AccessKeyId\":\"AKID%s\","
                .. "\"SecretAccessKey\":\"secret/3+\",\"Expiration\":\"2099-01-01T00:00:00Z\"}' \"$#$2\"\n", "755")
            write_files(nil, "[default]\ncredential_process = \"" .. folder .. "/helper\" 'two words' x$HOME\n")
            local line = expect_winner("profile default", "AKID2x$HOME", {})
            assert.truthy(line:find("expires 2099-01-01T00:00:00Z", 1, true))
        end)

        it("fail with the exit code of credential_process, and end the chain", function()
            text.write_file(folder .. "/helper", "#!/bin/sh\necho secret/4+\nexit 7\n", "755")
            write_files(nil, "[default]\ncredential_process = " .. folder .. "/helper\n")
            expect_failure({ "profile default: credential_process: the command ended with exit code 7" }, irsa())
            assert.same({}, stubs:lines())
        end)

        it("that have expired are told as such, behind what wasn't there", function()
            text.write_file(folder .. "/helper", "#!/bin/sh\nprintf '{\"Version\":1,\"AccessKeyId\":\"AKIDOLD\","
                .. "\"SecretAccessKey\":\"secret/5+\",\"Expiration\":\"2001-01-01T00:00:00Z\"}'\n", "755")
            write_files(nil, "[default]\ncredential_process = " .. folder .. "/helper\n")
            expect_failure({ "profile: gave credentials that expired at 2001-01-01T00:00:00Z" }, {})
        end)

        it("of SSO fail with the command that exports them", function()
            write_files(nil, "[profile corp]\nsso_session = s\nsso_account_id = 012345678910\n[sso-session s]\n"
                .. "sso_start_url = https://example.awsapps.com/start\n")
            expect_failure({ 'eval "$(aws configure export-credentials --profile corp --format env)"' },
                with(irsa(), { AWS_PROFILE = "corp" }))
            assert.same({}, stubs:lines())
        end)
    end)

    describe("from web identity (IRSA)", function()
        it("are STS's, for the role and the token of the file", function()
            stubs:set({ session = "pod-7" })
            local line = expect_winner("web identity (" .. role .. ")", "ASIASTUB",
                irsa({ AWS_ROLE_SESSION_NAME = "pod-7" }))
            assert.truthy(line:match("expires 20%d%d%-%d%d%-%d%dT"))
            assert.same({ "sts POST / 200" }, stubs:lines())
        end)

        it("go before container and IMDS", function()
            expect_winner("web identity", "ASIASTUB", with(irsa(), container(), imds()))
            assert.same({ "sts POST / 200" }, stubs:lines())
        end)

        it("are asked for again where STS couldn't ask the issuer, and no more than three times", function()
            stubs:set({ sts_fail = { status = 400, code = "IDPCommunicationError", times = 2 } })
            expect_winner("web identity", "ASIASTUB", irsa())
            assert.same({ "sts POST / 400", "sts POST / 400", "sts POST / 200" }, stubs:lines())
            stubs:set({ sts_fail = { status = 400, code = "InvalidIdentityToken" } })
            expect_failure({ "STS: InvalidIdentityToken (400): as told" }, irsa())
            assert.equal(3, #stubs:lines())
        end)

        it("end the chain where STS refuses, and STS is asked once", function()
            stubs:set({ sts_fail = { status = 403, code = "AccessDenied", message = "Not authorized" } })
            expect_failure({ "web identity: STS: AccessDenied (403): Not authorized" }, with(irsa(), container(), imds()))
            assert.same({ "sts POST / 403" }, stubs:lines())
        end)

        it("need a role and a file that can be read", function()
            expect_failure({ "AWS_ROLE_ARN isn't" }, with(irsa(), { AWS_ROLE_ARN = false }))
            expect_failure({ "web identity: AWS_WEB_IDENTITY_TOKEN_FILE: ", "No such file" },
                with(irsa(), container(), { AWS_WEB_IDENTITY_TOKEN_FILE = folder .. "/none" }))
            assert.same({}, stubs:lines())
        end)

        it("come from the setting's STS before the variable's", function()
            expect_winner("web identity", "ASIASTUB", irsa({ AWS_ENDPOINT_URL_STS = "http://127.0.0.1:1" }),
                { credentials = "default", sts_endpoint = stubs.sts })
            expect_failure({ "STS: 127.0.0.1:1: Connection refused" }, irsa({ AWS_ENDPOINT_URL_STS = "http://127.0.0.1:1" }))
        end)
    end)

    describe("from an STS over TLS", function()
        local secure

        setup(function()
            local place = text.make_folder()
            local authority = tls.authority(place, "ca")
            local pair = authority:make("sts", { names = { "127.0.0.1", "sts.example" } })
            secure = aws_stubs.start(pair)
            secure.place, secure.authority = place, authority.file
            secure:set({ web_token = token, role = role })
        end)

        teardown(function()
            secure:stop()
            text.remove_folder(secure.place)
        end)

        it("need a certificate that AWS_CA_BUNDLE vouches for", function()
            local asks = irsa({ AWS_ENDPOINT_URL_STS = secure.sts })
            expect_failure({ "web identity: STS: 127.0.0.1:", "certificate" }, asks)
            assert.same({}, secure:lines())
            asks.AWS_CA_BUNDLE = secure.authority
            expect_winner("web identity", "ASIASTUB", asks)
            assert.same({ "sts POST / 200" }, secure:lines())
            asks.AWS_CA_BUNDLE = secure.place .. "/none.pem"
            expect_failure({ "/none.pem" }, asks)
        end)

        it("need a certificate for the name that is asked", function()
            expect_failure({ "web identity: STS: localhost:" }, irsa({
                AWS_ENDPOINT_URL_STS = secure.sts:gsub("127%.0%.0%.1", "localhost"),
                AWS_CA_BUNDLE = secure.authority,
            }))
            assert.same({ "sts POST / 200" }, secure:lines())
        end)

        it("are asked for through the proxy, whose password nobody is shown", function()
            local faults = fault_upstream.start()
            secure:set({ host = "sts.example" })
            local asks = irsa({
                AWS_ENDPOINT_URL_STS = secure.sts:gsub("127%.0%.0%.1", "sts.example"), AWS_CA_BUNDLE = secure.authority,
                HTTPS_PROXY = faults.proxy:gsub("//", "//me:s3cret@"),
            })
            expect_winner("web identity", "ASIASTUB", asks)
            assert.same({ "sts POST / 200" }, secure:lines())
            local asked = faults:seen()
            assert.same({ "CONNECT", (asks.AWS_ENDPOINT_URL_STS:gsub("https://", "")) }, { asked[1].method, asked[1].path })
            asks.HTTPS_PROXY = faults.proxy:gsub("//", "//me:wr0ng@")
            local said = expect_failure({ "web identity: STS: sts.example:", "the proxy answered 407" }, asks)
            assert.is_nil(said:find("wr0ng", 1, true))
            asks.NO_PROXY = ".example"
            assert.is_nil(expect_failure({ "web identity: STS: sts.example:" }, asks):find("proxy", 1, true))
            faults:stop()
        end)
    end)

    describe("from a container (EKS Pod Identity)", function()
        it("are the agent's, for the token of the file as it is", function()
            stubs:set({ container_token = token })
            text.write_file(folder .. "/token", token)
            expect_winner("container (127.0.0.1:", "ASIASTUB", container({
                AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = folder .. "/token", AWS_CONTAINER_AUTHORIZATION_TOKEN = "other",
            }))
            assert.same({ "container GET /v1/credentials 200" }, stubs:lines())
        end)

        it("go before IMDS, which isn't asked after a failure either", function()
            expect_winner("container", "ASIASTUB", with(container(), imds()))
            stubs:set({ container_fail = { status = 403 } })
            expect_failure({ "container: answered with status 403" }, with(container(), imds()))
            assert.same({ "container GET /v1/credentials 403" }, stubs:lines())
        end)

        it("are asked for again after a fault of the agent", function()
            stubs:set({ container_fail = { status = 500, times = 1 } })
            expect_winner("container", "ASIASTUB", container())
            assert.equal(2, #stubs:lines())
        end)

        it("never come over plain HTTP from elsewhere than this machine and the agents", function()
            for _, url in ipairs({ "http://192.0.2.1/", "http://169.254.169.254/x", "http://[2001:db8::1]:80/" }) do
                expect_failure({ "container: ", "isn't asked over plain HTTP" },
                    { AWS_CONTAINER_CREDENTIALS_FULL_URI = url })
            end
        end)

        it("refuse a token with a line's end in it", function()
            text.write_file(folder .. "/token", "abc\r\nX-Injected: 1")
            expect_failure({ "container: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: " },
                container({ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = folder .. "/token" }))
            assert.same({}, stubs:lines())
        end)
    end)

    describe("from IMDS", function()
        it("are the machine's role's, by version 2 alone", function()
            expect_winner("imds", "ASIASTUB", imds())
            assert.same({
                "imds PUT /latest/api/token 200", "imds GET /latest/meta-data/iam/security-credentials/ 200",
                "imds GET /latest/meta-data/iam/security-credentials/node-role 200",
            }, stubs:lines())
        end)

        it("aren't asked for by version 1 where version 2 is refused", function()
            stubs:set({ imds_fail = { status = 403 } })
            expect_failure({ "imds: PUT /latest/api/token was answered with status 403" }, imds())
            assert.same({ "imds PUT /latest/api/token 403" }, stubs:lines())
        end)

        it("aren't asked for where AWS_EC2_METADATA_DISABLED is true", function()
            expect_failure({
                "environment: AWS_ACCESS_KEY_ID isn't set", "profile: the shared files have no credentials",
                "web identity: AWS_WEB_IDENTITY_TOKEN_FILE isn't set", "container: AWS_CONTAINER_CREDENTIALS_FULL_URI isn't set",
                "imds: AWS_EC2_METADATA_DISABLED is true",
            }, with(imds(), { AWS_EC2_METADATA_DISABLED = "true" }))
            assert.same({}, stubs:lines())
        end)
    end)
end)
