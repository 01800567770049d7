-- SPDX-License-Identifier: Apache-2.0
--- Kubernetes usernames of access entries: what EKS accepts, and what Kubernetes sees of a template in a session.
-- In eksgate this module is part of the program. This file stands in for it where policies run without eksgate (plain
-- busted).
-- @module eksgate.username

---@class eksgate.username
local username = {}

local TEXT_MAX, WORD_MAX, CHARACTERS_MAX = 1024, 256, 256
local RESERVED = { "system:", "eks:", "aws:", "amazon:", "iam:" }

local function check_text(what, text, most)
    if type(text) ~= "string" then
        error(("%s needs a text, not a %s"):format(what, type(text)), 0)
    end
    if #text > most then
        error(("%s: a text of more than %d bytes"):format(what, most), 0)
    end
    return text
end

local function refusal(text)
    for _, prefix in ipairs(RESERVED) do
        if text:sub(1, #prefix) == prefix then
            return "The username must not begin with " .. prefix
        end
    end
    if text == "" then
        return "The username must not be empty."
    end
    local characters = utf8.len(text)
    if not characters then
        return "The username must be UTF-8 text."
    end
    for _, point in utf8.codes(text) do
        if point < 0x20 or (point >= 0x7f and point < 0xa0) then
            return "The username must not contain control characters."
        end
    end
    if characters > CHARACTERS_MAX then
        return ("The username must not be longer than %d characters."):format(CHARACTERS_MAX)
    end
    for _, template in ipairs({ "{{SessionName}}", "{{SessionNameRaw}}" }) do
        local at = text:find(template, 1, true)
        if at and not text:sub(1, at):find(":", 1, true) then
            return ("The username must have a colon before %s."):format(template)
        end
    end
    return nil
end

--- Whether EKS accepts the username of an access entry.
-- @return true; or nil and why not, in EKS's words where they are known
function username.check(text)
    local why = refusal(check_text("username.check", text, TEXT_MAX))
    if why then
        return nil, why
    end
    return true
end

local function check_session(session_name, facts)
    local what = "username.render: "
    if session_name and (#session_name < 2 or #session_name > 64 or session_name:find("[^%w_+=,.@-]")) then
        error(what .. "a session's name has 2 to 64 letters, digits and _ + = , . @ -", 0)
    end
    if facts.account and not facts.account:find("^%d%d%d%d%d%d%d%d%d%d%d%d$") then
        error(what .. "an account has 12 digits", 0)
    end
    local dns = facts.private_dns_name
    if dns and (#dns < 1 or #dns > 253 or dns:find("[^%w.-]")) then
        error(what .. "a DNS name has 1 to 253 letters, digits, '.' and '-'", 0)
    end
end

local function check_facts(facts)
    if type(facts) ~= "table" then
        error('username.render: the third argument must be a table such as { account = "012345678910" }', 0)
    end
    for name, value in pairs(facts) do
        if name ~= "account" and name ~= "private_dns_name" then
            error(("username.render: there is no '%s'"):format(tostring(name)), 0)
        elseif type(value) ~= "string" then
            error(("username.render: '%s' must be a text, not a %s"):format(name, type(value)), 0)
        end
    end
end

--- What Kubernetes sees of a username when somebody comes in a session of that name: in place of {{SessionName}} its name
-- with "-" for "@", of {{SessionNameRaw}} its name. Raises for a username that EKS doesn't accept, and where the template
-- needs what isn't given.
-- @param template the username of the entry
-- @param session_name the RoleSessionName; nil where the template needs none
-- @param facts account, for {{AccountID}}; private_dns_name, for {{EC2PrivateDNSName}}; nil where it needs none
function username.render(template, session_name, facts)
    local why = refusal(check_text("username.render", template, TEXT_MAX))
    if why then
        error("username.render: " .. why, 0)
    end
    if session_name ~= nil then
        check_text("username.render", session_name, WORD_MAX)
    end
    facts = facts == nil and {} or facts
    check_facts(facts)
    check_session(session_name, facts)
    local known = {
        SessionName = session_name and session_name:gsub("@", "-"),
        SessionNameRaw = session_name,
        AccountID = facts.account,
        EC2PrivateDNSName = facts.private_dns_name,
    }
    local names = { SessionName = true, SessionNameRaw = true, AccountID = true, EC2PrivateDNSName = true }
    local rendered = template:gsub("{{(%w+)}}", function(name)
        if names[name] and not known[name] then
            error(("username.render: there is nothing to put in for {{%s}}"):format(name), 0)
        end
        return known[name]
    end)
    if #rendered > 2048 then
        error("username.render: more than 2048 bytes come out", 0)
    end
    return rendered
end

local function sanitize(text)
    local safe = text:gsub("()([^%w.-])", function(at, byte)
        if byte == "_" and not text:find("^[0-9a-f][0-9a-f]", at + 1) then
            return nil
        end
        return ("_%02x"):format(byte:byte())
    end)
    return safe
end

--- Text as one word of a username: letters, digits, ".", "-" and "_" stay, every other byte becomes "_" and its code as two
-- hexadecimal digits, and so does a "_" that two of them follow. Different texts never become the same word.
-- @param text up to 256 bytes
function username.sanitize(text)
    return sanitize(check_text("username.sanitize", text, WORD_MAX))
end

local TEMPLATES = {
    ["{{SessionName}}"] = true,
    ["{{SessionNameRaw}}"] = true,
    ["{{AccountID}}"] = true,
    ["{{EC2PrivateDNSName}}"] = true,
}

--- A username of words with colons between them: each is made safe by sanitize, but for those that are exactly a template,
-- "{{SessionName}}". Raises for an empty word, and when EKS doesn't accept the result.
function username.join(...)
    local words = table.pack(...)
    for i = 1, words.n do
        if check_text("username.join", words[i], WORD_MAX) == "" then
            error(("username.join: part %d is empty"):format(i), 0)
        end
        words[i] = TEMPLATES[words[i]] and words[i] or sanitize(words[i])
    end
    local joined = table.concat(words, ":")
    if #joined > 2048 then
        error("username.join: more than 2048 bytes come out", 0)
    end
    local why = refusal(joined)
    if why then
        error("username.join: " .. why, 0)
    end
    return joined
end

return username
