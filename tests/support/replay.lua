-- SPDX-License-Identifier: Apache-2.0
-- For specs of eksgate replay: records of a live gateway, and what other policies would have said to them.
--
--     local bench = replay.open()
--     local file, gw = bench:record({ SOURCE... }, function(gw) ... end)
--     local code, report = bench:replay({ SOURCE... }, file)
--     bench:close()

local cjson = require("cjson")
local eks = require("support.eks")
local gateway = require("support.gateway")
local lfs = require("lfs")
local text = require("support.text")

local replay = {}
local bench = {}
bench.__index = bench

replay.preparer = { id = "AKIAEKSGATETEST00002", secret = "c2VjcmV0IG9mIGEgcHJlcGFyZXI",
    arn = "arn:aws:iam::012345678910:user/preparer" }
replay.tagged = { id = "ASIAEKSGATETEST00003", secret = "c2VjcmV0IG9mIG9uZSB3aXRoIHRhZ3M",
    token = "dG9rZW4gdGhhdCBpcyBub2JvZHkncw==",
    arn = "arn:aws:sts::012345678910:assumed-role/deployer/ci", tags = { team = "a", ["cost centre"] = "4711" } }
--- Those that gateways of `record` know.
replay.keys = { gateway.key, replay.preparer, replay.tagged }

--- The source of a policy: its functions stand in `body` as those of `p`, further members in `head`.
function replay.policy(name, body, head)
    return 'local verdict = require("eksgate.verdict")\nlocal p = { name = "' .. name .. '"' .. (head or "") .. ' }\n'
        .. body .. "\nreturn p\n"
end

function replay.open()
    return setmetatable({ folder = text.make_folder(), count = 0 }, bench)
end

function bench:close()
    gateway.stop_all()
    text.remove_folder(self.folder)
end

--- Writes policies into a folder of their own, which is `last` then.
function bench:write(sources)
    self.count = self.count + 1
    self.last = self.folder .. "/policies" .. self.count
    assert(lfs.mkdir(self.last))
    for i, source in ipairs(sources) do
        text.write_file(string.format("%s/%02d.lua", self.last, i), source)
    end
end

--- Replays with these policies (nil: none are named): exit code, parsed report, its text, stderr.
function bench:replay(sources, files, ...)
    local arguments = { "replay", "--json", ... }
    if sources then
        self:write(sources)
        table.move({ "--policies", self.last, "--set", "policy.library=" .. gateway.root .. "/lua" }, 1, 4,
            #arguments + 1, arguments)
    end
    files = type(files) == "table" and files or { files }
    table.move(files, 1, #files, #arguments + 1, arguments)
    local code, out, said = gateway.run(arguments)
    local is_json, report = pcall(cjson.decode, out)
    return code, is_json and report or nil, out, said
end

--- A gateway that records everything; ended, so that its file is whole.
function bench.record(_, sources, ask, settings)
    settings = settings or {}
    settings.audit = settings.audit or { file = "audit.jsonl", durable = false, record = "all" }
    local gw = gateway.start({ policies = sources, keys = replay.keys, settings = settings })
    ask(gw)
    assert(gw:end_process() == 0, gw:stderr())
    return gw.audit_file, gw
end

--- The rows of a report that have the member.
function replay.find(report, member)
    local found = {}
    for _, one in ipairs(report.records) do
        if one[member] ~= nil and one[member] ~= cjson.null then
            found[#found + 1] = one
        end
    end
    return found
end

--- Every operation that is served, some refused by EKS's rules.
function replay.ask_everything(g, with)
    local role = eks.role("team-x/a")
    eks.create(g, { principalArn = role, kubernetesGroups = { "viewers" }, tags = { team = "a b" },
        clientRequestToken = text.uuid() }, with)
    eks.create(g, { principalArn = eks.role("node"), type = "EC2_LINUX" }, with)
    eks.create(g, { principalArn = "nonsense" }, with)
    eks.create(g, '{"principalArn":', with)
    eks.describe(g, role, with)
    eks.list(g, { maxResults = 5, associatedPolicyArn = eks.policy("AmazonEKSViewPolicy") }, with)
    eks.update(g, role, { kubernetesGroups = { "ä" } }, with)
    eks.associate(g, role, { policyArn = eks.policy("AmazonEKSViewPolicy"),
        accessScope = { type = "namespace", namespaces = { "a", "b*" } } }, with)
    eks.list_associated(g, role, {}, with)
    eks.disassociate(g, role, eks.policy("AmazonEKSViewPolicy"), with)
    eks.list_policies(g, {}, with)
    eks.tag(g, eks.cluster_arn(gateway.cluster), { tags = { a = "1" } }, with)
    eks.untag(g, eks.cluster_arn(gateway.cluster), { tagKeys = { "a", "ö +" } }, with)
    eks.tags(g, eks.cluster_arn(gateway.cluster), with)
    eks.create_cluster(g, eks.cluster_input("other"), with)
    eks.describe_cluster(g, gateway.cluster, with)
    eks.list_clusters(g, {}, with)
    eks.update_cluster_config(g, gateway.cluster, { accessConfig = { authenticationMode = "API" } }, with)
    eks.list_updates(g, gateway.cluster, {}, with)
    eks.describe_update(g, gateway.cluster, text.uuid(), with)
    eks.delete(g, role, with)
    eks.delete_cluster(g, "other", with)
    g:caller(with)
end

return replay
