-- SPDX-License-Identifier: Apache-2.0
-- The manifests of packaging/kubernetes: what they promise of pods, and that the configurations they carry are good ones.

local aws_stubs = require("support.aws_stubs")
local cjson = require("cjson")
local gateway = require("support.gateway")
local kustomization = require("support.kustomization")
local lfs = require("lfs")
local manifests = require("support.manifests")
local text = require("support.text")

local containerfile = text.read_file(gateway.root .. "/packaging/container/Containerfile")

-- Who check says the credentials are from.
local provider = {
    irsa = "web identity (" .. manifests.role .. ")", ["pod-identity"] = "container (127.0.0.1)",
}

local function port_of(address)
    return tonumber((type(address) == "table" and address.address or address):match(":(%d+)$"))
end

for name in pairs(manifests.injected) do
    describe("the Kubernetes manifests of " .. name, function()
        local variant, settings

        setup(function()
            variant = manifests.load(name)
            settings = manifests.settings(variant)
        end)

        it("carry a configuration that check finds nothing wrong with, and the role's credentials with it", function()
            local root = text.make_folder()
            local stubs = aws_stubs.start()
            local code, out, err = gateway.run(
                { "check", "-c", manifests.lay_out(variant, root), "--set", "policy.library=" .. gateway.root .. "/lua" },
                { environment = manifests.environment(variant, root, stubs) })
            stubs:stop()
            text.remove_folder(root)
            assert.equal(0, code, out .. err)
            assert.equal(provider[name], (out:match("upstream credentials: (.-),") or ""):gsub(":%d+%)", ")"):match(".+"))
        end)

        it("give no container more than it needs", function()
            assert.is_true(variant.pod.securityContext.runAsNonRoot)
            assert.is_false(variant.pod.automountServiceAccountToken)
            for _, field in ipairs({ "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers" }) do
                assert.is_nil(variant.pod[field], field)
            end
            for _, container in ipairs(kustomization.containers(variant.objects)) do
                local context = container.securityContext
                assert.same({ drop = { "ALL" } }, context.capabilities)
                assert.is_true(context.runAsNonRoot and context.readOnlyRootFilesystem)
                assert.is_false(context.allowPrivilegeEscalation)
                assert.is_nil(context.privileged)
                assert.equal("RuntimeDefault", context.seccompProfile.type)
                assert.is_true(context.runAsUser > 0 and context.runAsGroup > 0)
                assert.is_string(container.resources.requests.cpu)
                assert.is_string(container.resources.requests.memory)
                assert.is_string(container.resources.limits.memory)
            end
        end)

        it("run the image of packaging/container, as its user, where it has what they name", function()
            local user, group = containerfile:match("\nUSER (%d+):(%d+)\n")
            local context = variant.eksgate.securityContext
            assert.matches("/eksgate:[%w.]+$", variant.eksgate.image)
            assert.same({ user, group }, { tostring(context.runAsUser), tostring(context.runAsGroup) })
            assert.equal(context.runAsGroup, variant.pod.securityContext.fsGroup)
            assert.matches('\nENTRYPOINT %["eksgate"%]\n', containerfile)
            assert.is_nil(variant.eksgate.command)
            assert.same({ "serve" }, variant.eksgate.args)
            assert.is_nil(settings.data) -- the default, which the image has
            for _, policy in ipairs(settings.policies) do
                local shipped = policy:match("^/usr/share/eksgate/(lua/policies/[%w_]+%.lua)$")
                local map = kustomization.find(variant.objects, "ConfigMap")
                assert.is_truthy(shipped and lfs.attributes(gateway.root .. "/" .. shipped, "mode") or map.data[policy], policy)
            end
        end)

        it("mount every volume, and no volume that isn't there", function()
            local mounted = {}
            for _, container in ipairs(kustomization.containers(variant.objects)) do
                for _, mount in ipairs(container.volumeMounts) do
                    assert.is_not_nil(manifests.named(variant.pod.volumes, mount.name), mount.name)
                    mounted[mount.name] = true
                end
            end
            for _, volume in ipairs(variant.pod.volumes) do
                assert.is_true(mounted[volume.name], volume.name)
                assert.is_nil(volume.hostPath)
                assert.is_true(not volume.secret or volume.secret.defaultMode == 288, "0440, " .. volume.name)
                for member, kind in pairs({ configMap = "ConfigMap", persistentVolumeClaim = "PersistentVolumeClaim" }) do
                    local wanted = volume[member] and (volume[member].name or volume[member].claimName)
                    assert.is_true(not wanted or kustomization.find(variant.objects, kind, wanted) ~= nil, wanted)
                end
            end
        end)

        it("ask the status listener how it is, and give it time to drain", function()
            for probe, path in pairs({ startupProbe = "/readyz", livenessProbe = "/livez", readinessProbe = "/readyz" }) do
                local get = variant.eksgate[probe].httpGet
                assert.equal(path, get.path, probe)
                assert.equal(port_of(settings.status), manifests.named(variant.eksgate.ports, get.port).containerPort)
            end
            assert.is_nil(settings.status:match("^127%.")) -- the kubelet isn't in the pod
            assert.is_true(variant.pod.terminationGracePeriodSeconds > (settings.drain_timeout or 30))
        end)

        it("select the pods that they make", function()
            local labels = variant.deployment.spec.template.metadata.labels
            assert.same(labels, variant.deployment.spec.selector.matchLabels)
            assert.is_not_nil(kustomization.find(variant.objects, "ServiceAccount", variant.pod.serviceAccountName))
            for kind, selector in pairs({ Service = "selector", NetworkPolicy = "podSelector" }) do
                local object = kustomization.find(variant.objects, kind)
                if object then
                    assert.same(labels, object.spec[selector].matchLabels or object.spec[selector])
                end
            end
        end)

        it("have as many replicas as the mode may have", function()
            local spec = variant.deployment.spec
            if settings.access_entries == "upstream" then
                assert.is_true(spec.replicas > 1)
                return
            end
            assert.equal(1, spec.replicas)
            assert.same({ type = "Recreate" }, spec.strategy)
            local data
            for _, mount in ipairs(variant.eksgate.volumeMounts) do
                data = mount.mountPath == "/var/lib/eksgate" and manifests.named(variant.pod.volumes, mount.name) or data
            end
            assert.is_table(data.persistentVolumeClaim)
        end)

        it("keep records, on the volume where there is one", function()
            assert.equal(settings.access_entries == "upstream" and "-" or "audit.jsonl", settings.audit.file)
        end)

        it("leave to AWS's webhook what it puts in", function()
            local written = cjson.encode(kustomization.containers(variant.objects)) .. cjson.encode(variant.pod.volumes)
            for variable in pairs(manifests.injected[name]) do
                assert.is_nil(written:find(variable, 1, true), variable)
            end
            assert.is_nil(written:find("projected", 1, true))
        end)
    end)
end

for _, name in ipairs({ "irsa", "pod-identity" }) do
    describe("the sidecar of " .. name, function()
        local variant, settings, app

        setup(function()
            variant = manifests.load(name)
            settings = manifests.settings(variant)
            app = manifests.named(variant.pod.containers, "app")
        end)

        it("is there before the app and as long as it", function()
            assert.equal("Always", manifests.named(variant.pod.initContainers, "eksgate").restartPolicy)
        end)

        it("is where the app's SDK looks for EKS, and nowhere outside the pod", function()
            assert.equal("none", settings.auth)
            assert.equal("http://" .. settings.listen[1], manifests.named(app.env, "AWS_ENDPOINT_URL_EKS").value)
            assert.matches("^127%.0%.0%.1:", settings.listen[1])
            assert.is_nil(settings.admin)
            assert.is_nil(kustomization.find(variant.objects, "Service"))
        end)

        it("shares its socket's folder with the app, which can't put another in its place", function()
            local place = settings.listen[2]:match("^unix:(/.+)/[^/]+$")
            local function mount_of(container)
                for _, mount in ipairs(container.volumeMounts) do
                    if mount.mountPath == place then
                        return mount
                    end
                end
            end
            assert.equal(mount_of(variant.eksgate).name, mount_of(app).name)
            assert.is_nil(mount_of(variant.eksgate).readOnly)
            assert.is_true(mount_of(app).readOnly)
            assert.is_table(manifests.named(variant.pod.volumes, mount_of(app).name).emptyDir)
        end)

        it("knows whose requests it forwards", function()
            assert.equal(manifests.role, settings.caller)
            local annotations = kustomization.find(variant.objects, "ServiceAccount").metadata.annotations
            assert.equal(name == "irsa" and settings.caller or nil, (annotations or {})["eks.amazonaws.com/role-arn"])
        end)
    end)
end

describe("the shared gateway's manifests", function()
    it("lead the Service and its clients to the TLS listener, and nobody else to anything", function()
        local variant = manifests.load("shared")
        local settings = manifests.settings(variant)
        local service = kustomization.find(variant.objects, "Service").spec
        local rules = kustomization.find(variant.objects, "NetworkPolicy").spec
        local https = manifests.named(variant.eksgate.ports, service.ports[1].targetPort)
        assert.equal(port_of(settings.listen[1]), https.containerPort)
        assert.is_string(settings.listen[1].certificate)
        assert.same({ { port = https.name } }, rules.ingress[1].ports)
        assert.same({ { port = "status" } }, rules.ingress[2].ports)
        assert.is_nil(rules.ingress[3])
        assert.same({ "Ingress", "Egress" }, rules.policyTypes)
        assert.same({}, rules.egress)
        assert.is_false(variant.pod.enableServiceLinks)
    end)
end)
