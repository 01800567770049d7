-- SPDX-License-Identifier: Apache-2.0
-- Signs requests as AWS Signature Version 4 for `eks`, written apart from the gateway's own code so that both must
-- agree. Every part of a signature can be made wrong on purpose.
--
--     local headers = sigv4.sign({ key = key, method = "GET", target = "/clusters/a", host = host })
--     local target = sigv4.sign_query({ ..., expires = 60 })
--
-- Members of a request: key {id, secret, token}, method, target (raw path and query), host, headers (list of {name,
-- value}), body, region, service, time (epoch seconds).
-- Knobs: algorithm, date_header ("Date" for that header instead), timestamp (its text), scope_date, scope (whole, after
-- the key id), terminator, signed (list of names), unsigned (names to leave out), payload_hash (what is signed instead
-- of the body's hash), canonical_path (what is signed instead), signature (function of the right one), authorization
-- (function of the right header value).

local digest = require("openssl.digest")
local hmac = require("openssl.hmac")

local sigv4 = {}

sigv4.empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

local function hex(bytes)
    return (bytes:gsub(".", function(c)
        return string.format("%02x", c:byte())
    end))
end

local function mac(key, bytes)
    return hmac.new(key, "sha256"):final(bytes)
end

--- Lower-case hex of SHA-256.
function sigv4.hash(bytes)
    return hex(digest.new("sha256"):final(bytes))
end

--- Base64 of SHA-256, as AWS quotes headers that it could not read.
function sigv4.hash_base64(bytes)
    local raw = digest.new("sha256"):final(bytes)
    local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    local out = {}
    for i = 1, #raw, 3 do
        local a, b, c = raw:byte(i, i + 2)
        local n = a << 16 | (b or 0) << 8 | (c or 0)
        for shift = 18, 0, -6 do
            local k = (n >> shift & 63) + 1
            out[#out + 1] = alphabet:sub(k, k)
        end
        if not b then
            out[#out - 1] = "="
        end
        if not c then
            out[#out] = "="
        end
    end
    return table.concat(out)
end

local function encode(bytes, keep)
    return (bytes:gsub("[^A-Za-z0-9%-._~" .. (keep or "") .. "]", function(c)
        return string.format("%%%02X", c:byte())
    end))
end

local function decode(bytes)
    return (bytes:gsub("%%(%x%x)", function(h)
        return string.char(tonumber(h, 16))
    end))
end

--- Dot and empty segments of the raw path removed, then every byte escaped, escapes too.
local function canonical_path(path)
    local kept = {}
    for segment in path:gmatch("[^/]+") do
        if segment == ".." then
            kept[#kept] = nil
        elseif segment ~= "." then
            kept[#kept + 1] = segment
        end
    end
    local joined = "/" .. table.concat(kept, "/")
    if #kept > 0 and path:sub(-1) == "/" then
        joined = joined .. "/"
    end
    return encode(joined, "/")
end

local function canonical_query(query)
    local pairs_found = {}
    for piece in (query or ""):gmatch("[^&]+") do
        local name, value = piece:match("^([^=]*)=(.*)$")
        name, value = encode(decode(name or piece)), encode(decode(value or ""))
        if name ~= "X-Amz-Signature" then
            pairs_found[#pairs_found + 1] = { name, value }
        end
    end
    table.sort(pairs_found, function(a, b)
        if a[1] ~= b[1] then
            return a[1] < b[1]
        end
        return a[2] < b[2]
    end)
    for i, pair in ipairs(pairs_found) do
        pairs_found[i] = pair[1] .. "=" .. pair[2]
    end
    return table.concat(pairs_found, "&")
end

--- Names in lower case, sorted, each once; and name to canonical value.
local function gather(headers)
    local names, values = {}, {}
    for _, header in ipairs(headers) do
        local name = header[1]:lower()
        local value = header[2]:gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " ")
        if values[name] then
            values[name] = values[name] .. "," .. value
        else
            names[#names + 1] = name
            values[name] = value
        end
    end
    table.sort(names)
    return names, values
end

local never_signed = {
    ["authorization"] = true, ["connection"] = true, ["expect"] = true, ["transfer-encoding"] = true,
    ["user-agent"] = true, ["content-length"] = true,
}

local function chosen_names(request, names)
    if request.signed then
        return request.signed
    end
    local left_out, chosen = {}, {}
    for _, name in ipairs(request.unsigned or {}) do
        left_out[name:lower()] = true
    end
    for _, name in ipairs(names) do
        if not never_signed[name] and not left_out[name] then
            chosen[#chosen + 1] = name
        end
    end
    return chosen
end

--- The canonical request: what the refusal of a wrong signature quotes.
local function canonical_request(request, names, values, target)
    local path, query = target:match("^([^?]*)%??(.*)$")
    local lines = { request.method, request.canonical_path or canonical_path(path), canonical_query(query) }
    for _, name in ipairs(names) do
        lines[#lines + 1] = name .. ":" .. (values[name] or "")
    end
    lines[#lines + 1] = ""
    lines[#lines + 1] = table.concat(names, ";")
    lines[#lines + 1] = request.payload_hash or sigv4.hash(request.body or "")
    return table.concat(lines, "\n")
end

local function signature_of(request, canonical, timestamp, scope)
    local to_sign = table.concat({
        request.algorithm or "AWS4-HMAC-SHA256", timestamp, scope, sigv4.hash(canonical),
    }, "\n")
    local date, region, service = scope:match("^([^/]*)/([^/]*)/([^/]*)")
    local key = mac("AWS4" .. request.key.secret, date or "")
    key = mac(mac(mac(key, region or ""), service or ""), "aws4_request")
    local signature = hex(mac(key, to_sign))
    return request.signature and request.signature(signature) or signature, to_sign
end

local function stamp(request)
    local at = request.time or os.time()
    local timestamp = request.timestamp or os.date("!%Y%m%dT%H%M%SZ", at)
    local scope = request.scope or table.concat({
        request.scope_date or timestamp:sub(1, 8), request.region or "us-west-2", request.service or "eks",
        request.terminator or "aws4_request",
    }, "/")
    return timestamp, scope, at
end

--- Headers to send, Host first and Authorization last; second result: canonical request and string to sign.
function sigv4.sign(request)
    local timestamp, scope, at = stamp(request)
    local headers = { { "Host", request.host } }
    if request.date_header == "Date" then
        headers[2] = { "Date", os.date("!%a, %d %b %Y %H:%M:%S GMT", at) }
    elseif request.date_header ~= "" then
        headers[2] = { "X-Amz-Date", timestamp }
    end
    if request.key.token then
        headers[#headers + 1] = { "X-Amz-Security-Token", request.key.token }
    end
    table.move(request.headers or {}, 1, #(request.headers or {}), #headers + 1, headers)
    local names, values = gather(headers)
    names = chosen_names(request, names)
    local canonical = canonical_request(request, names, values, request.target)
    local signature, to_sign = signature_of(request, canonical, timestamp, scope)
    local value = string.format("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
        request.algorithm or "AWS4-HMAC-SHA256", request.key.id, scope, table.concat(names, ";"), signature)
    if request.authorization then
        value = request.authorization(value)
    end
    if value then
        headers[#headers + 1] = { "Authorization", value }
    end
    return headers, { canonical = canonical, to_sign = to_sign, signature = signature }
end

--- The presigned target; only Host is signed unless `signed` names more.
function sigv4.sign_query(request)
    local timestamp, scope = stamp(request)
    local headers = { { "Host", request.host } }
    table.move(request.headers or {}, 1, #(request.headers or {}), 2, headers)
    local _, values = gather(headers)
    local names = request.signed or { "host" }
    local query = {
        "X-Amz-Algorithm=" .. (request.algorithm or "AWS4-HMAC-SHA256"),
        "X-Amz-Credential=" .. encode(request.key.id .. "/" .. scope),
        "X-Amz-Date=" .. timestamp,
        "X-Amz-Expires=" .. (request.expires or 60),
        "X-Amz-SignedHeaders=" .. encode(table.concat(names, ";")),
    }
    if request.key.token then
        query[#query + 1] = "X-Amz-Security-Token=" .. encode(request.key.token)
    end
    local target = request.target .. (request.target:find("?", 1, true) and "&" or "?") .. table.concat(query, "&")
    local canonical = canonical_request(request, names, values, target)
    local signature, to_sign = signature_of(request, canonical, timestamp, scope)
    return target .. "&X-Amz-Signature=" .. signature,
        { canonical = canonical, to_sign = to_sign, signature = signature }
end

return sigv4
