-- SPDX-License-Identifier: Apache-2.0
-- moto's server, installed once at the pinned versions of tests/bench/moto-requirements.txt, where the benchmarks have it, too.
--
--     local moto = require("support.moto").start()
--     local key = moto:assume("111122223333")
--     moto:stop()

local ltn12 = require("ltn12")
local socket_http = require("socket.http")
local process = require("support.process")
local text = require("support.text")

socket_http.TIMEOUT = 60

local moto = {}
local server = {}
server.__index = server

local root = os.getenv("EKSGATE_ROOT") or "."
local requirements = root .. "/tests/bench/moto-requirements.txt"

local function run(arguments, seconds)
    local code, out, err = process.run(arguments, { seconds = seconds })
    assert(code == 0, table.concat(arguments, " ") .. ":\n" .. (out or "") .. (err or ""))
    return out
end

--- The folder of the virtual environment with moto in it.
function moto.install()
    local sum = run({ "sha256sum", requirements }, 10):sub(1, 16)
    local build = os.getenv("EKSGATE_BUILD") or root .. "/build/release"
    local folder = build .. "/../bench/moto-" .. sum
    if not text.read_file(folder .. "/complete") then
        run({ "rm", "-rf", folder }, 60)
        run({ "mkdir", "-p", folder }, 10)
        run({ "python3", "-m", "venv", folder }, 120)
        run({ folder .. "/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement",
            requirements }, 600)
        text.write_file(folder .. "/complete", "")
    end
    return folder
end

function moto.start()
    local program = moto.install() .. "/bin/moto_server"
    local folder = text.make_folder()
    local one = process.start({ program, "-H", "127.0.0.1", "-p", "0" }, {
        stdout = folder .. "/stdout", stderr = folder .. "/stderr", state = folder,
    })
    local url = text.wait_for(function()
        return ((text.read_file(folder .. "/stdout") or "") .. (text.read_file(folder .. "/stderr") or "")):match(
            "Running on (http://[%d.:]+)")
    end, 60)
    if not url then
        one:kill()
        error("moto did not start:\n" .. (text.read_file(folder .. "/stderr") or ""))
    end
    return setmetatable({ url = url, process = one, folder = folder }, server)
end

--- A request past every gateway; moto verifies no signature, and takes the service from the scope. Its replies say some
-- headers twice, which support/http.lua refuses.
function server:request(method, target, body, service)
    local pieces = {}
    local ok, status = socket_http.request({
        url = self.url .. target, method = method, sink = ltn12.sink.table(pieces),
        source = body and ltn12.source.string(body),
        headers = {
            ["Authorization"] = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-west-2/" .. (service or "eks")
                .. "/aws4_request, SignedHeaders=host, Signature=0",
            ["Content-Type"] = service == "sts" and "application/x-www-form-urlencoded" or "application/json",
            ["Content-Length"] = tostring(#(body or "")),
        },
    })
    assert(ok, status)
    return { status = status, body = table.concat(pieces) }
end

--- A key of another account's, as STS hands it out.
function server:assume(account)
    local body = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=tests&RoleArn=arn%3Aaws%3Aiam%3A%3A" .. account
        .. "%3Arole%2Fr"
    local reply = self:request("POST", "/", body, "sts")
    assert(reply.status == 200, reply.body)
    return {
        id = reply.body:match("<AccessKeyId>(.-)</AccessKeyId>"),
        secret = reply.body:match("<SecretAccessKey>(.-)</SecretAccessKey>"),
        token = reply.body:match("<SessionToken>(.-)</SessionToken>"),
        arn = "arn:aws:sts::" .. account .. ":assumed-role/r/tests",
    }
end

function server:stop()
    self.process:kill()
    text.remove_folder(self.folder)
end

return moto
