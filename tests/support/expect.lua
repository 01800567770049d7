-- SPDX-License-Identifier: Apache-2.0
-- Assertions on replies, said in EKS's words; and the words themselves.

local cjson = require("cjson")
local text = require("support.text")

local expect = {}

local uuid = string.rep("%x", 8) .. string.rep("%-%x%x%x%x", 4) .. string.rep("%x", 8)

--- What may stand for a mark in a template.
local marks = {
    ["<uuid>"] = "(" .. uuid:gsub("%%x", "[0-9a-f]") .. ")",
    ["<time>"] = "(%d%d%d%d%d%d%d%d%d%d%.%d%d%d)",
    ["<any>"] = "(.-)",
}

--- Compares byte for byte with a template, in which <uuid>, <time> and <any> stand for what no test can know; returns
--- what stood there. Other names in angle brackets are themselves.
function expect.template(template, bytes)
    local pattern = text.literal(template):gsub("%%(<%a+%%>)", function(mark)
        return marks[mark:gsub("%%", "")]
    end)
    local found = { bytes:match("^" .. pattern .. "$") }
    if #found == 0 then
        error(string.format("expected %s\nbut got  %s", template, bytes), 2)
    end
    return table.unpack(found)
end

local members = {
    InvalidParameterException = {
        "clusterName", "nodegroupName", "fargateProfileName", "addonName", "subscriptionId", "message",
    },
    InvalidRequestException = { "clusterName", "nodegroupName", "addonName", "subscriptionId", "message" },
    ResourceInUseException = { "clusterName", "nodegroupName", "addonName", "message" },
    ResourceLimitExceededException = { "clusterName", "nodegroupName", "subscriptionId", "message" },
    ResourceNotFoundException = {
        "clusterName", "nodegroupName", "fargateProfileName", "addonName", "subscriptionId", "message",
    },
    ServerException = { "clusterName", "nodegroupName", "addonName", "subscriptionId", "message" },
    ThrottlingException = { "clusterName", "message" },
}

--- The names of a JSON object's members in the order of its bytes; the object must be flat.
local function names_in_order(body)
    local names = {}
    for name in body:gsub("\\.", ""):gmatch('[{,]"([%w]+)":') do
        names[#names + 1] = name
    end
    return names
end

--- An error reply: status, type in the header, members in the model's order, and the message, given whole as text or as
--- a pattern in a table { "pattern" }; nil leaves it open.
function expect.error(reply, status, code, message)
    local shown = string.format("%d %s %s", reply.status, reply.header["x-amzn-errortype"] or "no type", reply.body)
    if reply.status ~= status or reply.header["x-amzn-errortype"] ~= code then
        error(string.format("expected %d %s %s\nbut got  %s", status, code, cjson.encode(message or ""), shown), 2)
    end
    local body = cjson.decode(reply.body)
    local matches = message == nil or body.message == message
        or (type(message) == "table" and body.message:find(message[1]) ~= nil)
    if type(body.message) ~= "string" or body.message == "" or not matches then
        error(string.format("expected the message %s\nbut got  %s", cjson.encode(message or ""), shown), 2)
    end
    local order = table.concat(names_in_order(reply.body), " ")
    local wanted = table.concat(members[code] or { "message" }, " ")
    if order ~= wanted then
        error(string.format("expected the members %s\nbut got  %s", wanted, shown), 2)
    end
    return body
end

--- A reply of status 200 with a JSON body; returns the body parsed.
function expect.ok(reply)
    if not reply or reply.status ~= 200 then
        error("expected 200 but got " .. (reply and reply.head .. reply.body or "no reply"), 2)
    end
    return cjson.decode(reply.body)
end

expect.invalid = "InvalidParameterException"
expect.in_use = "The specified access entry resource is already in use on this cluster."
expect.not_found = "The specified principalArn could not be found. You can view your available access entries with "
    .. "'list-access-entries'."
expect.bad_arn = "The principalArn parameter format is not valid"
expect.mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS "
    .. "Secret Access Key and signing method. Consult the service documentation for details."

return expect
