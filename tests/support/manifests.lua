-- SPDX-License-Identifier: Apache-2.0
-- The manifests of packaging/kubernetes as tests see them: their objects, the configuration that they carry, and what
-- eksgate's container would find, laid out below a folder of the test's own.
--
--     local variant = manifests.load("irsa")                   -- objects, deployment, pod, eksgate (its container)
--     local config = manifests.lay_out(variant, root)          -- the path of its eksgate.lua
--     local environment = manifests.environment(variant, root, stubs)

local gateway = require("support.gateway")
local kustomization = require("support.kustomization")
local text = require("support.text")

local manifests = {}

--- The role of the examples.
manifests.role = "arn:aws:iam::111122223333:role/app"

--- What AWS's webhook puts into a container, by variant; the shared gateway asks no AWS.
manifests.injected = {
    irsa = {
        AWS_REGION = "eu-west-1", AWS_DEFAULT_REGION = "eu-west-1", AWS_STS_REGIONAL_ENDPOINTS = "regional",
        AWS_ROLE_ARN = manifests.role,
        AWS_WEB_IDENTITY_TOKEN_FILE = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    },
    ["pod-identity"] = {
        AWS_REGION = "eu-west-1", AWS_DEFAULT_REGION = "eu-west-1", AWS_STS_REGIONAL_ENDPOINTS = "regional",
        AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://169.254.170.23/v1/credentials",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
    },
    shared = {},
}
local token = "a-token-of-the-service-account"
local forgotten = { AWS_PROFILE = false, AWS_ACCESS_KEY_ID = false, AWS_SECRET_ACCESS_KEY = false, AWS_SESSION_TOKEN = false }

--- The item of that name, of a list that Kubernetes keeps by name; nil without one.
function manifests.named(list, name)
    for _, item in ipairs(list) do
        if item.name == name then
            return item
        end
    end
    return nil
end

--- A variant's objects, and those that tests ask most: deployment, pod, eksgate (its container).
function manifests.load(name)
    local objects = kustomization.load(gateway.root .. "/packaging/kubernetes/" .. name)
    local deployment = kustomization.find(objects, "Deployment")
    local pod = deployment.spec.template.spec
    local eksgate = manifests.named(pod.initContainers or {}, "eksgate") or manifests.named(pod.containers, "eksgate")
    return { name = name, objects = objects, deployment = deployment, pod = pod, eksgate = eksgate }
end

local function environment_of(variant)
    local environment = {}
    for variable, value in pairs(forgotten) do
        environment[variable] = value
    end
    for variable, value in pairs(manifests.injected[variant.name]) do
        environment[variable] = value
    end
    for _, one in ipairs(variant.eksgate.env or {}) do
        environment[one.name] = one.value
    end
    return environment
end

--- The table that the variant's configuration returns.
function manifests.settings(variant)
    local environment = environment_of(variant)
    local map = kustomization.find(variant.objects, "ConfigMap")
    return assert(load(map.data["eksgate.lua"], "eksgate.lua", "t", {
        env = function(name, default)
            return environment[name] or default or error("no variable " .. name)
        end,
    }))()
end

--- Files as `kubectl create secret tls` and packaging/README.md make them.
local function secret_files(name)
    if name == "eksgate-keys" then
        return { ["keys.json"] = gateway.key_file({ gateway.key }) }
    end
    assert(name == "eksgate-tls", name)
    local made = text.make_folder()
    assert(os.execute("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=eksgate -days 1 -keyout "
        .. text.quote(made .. "/key") .. " -out " .. text.quote(made .. "/certificate") .. " 2>/dev/null"))
    local files = { ["tls.key"] = text.read_file(made .. "/key"), ["tls.crt"] = text.read_file(made .. "/certificate") }
    text.remove_folder(made)
    return files
end

--- Lays out what the container sees below `root`, paths in the configuration included; the configuration's path.
function manifests.lay_out(variant, root)
    local paths = { ["/usr/share/eksgate/lua"] = gateway.root .. "/lua" }
    for _, mount in ipairs(variant.eksgate.volumeMounts) do
        paths[mount.mountPath] = root .. mount.mountPath
    end
    local function below(bytes)
        for path, place in pairs(paths) do
            bytes = bytes:gsub(text.literal(path) .. "%f[/\"]", (place:gsub("%%", "%%%%")))
        end
        return bytes
    end
    for _, mount in ipairs(variant.eksgate.volumeMounts) do
        local volume = manifests.named(variant.pod.volumes, mount.name)
        local map = volume.configMap and kustomization.find(variant.objects, "ConfigMap", volume.configMap.name)
        assert(text.shell("mkdir", "-p", root .. mount.mountPath))
        for name, bytes in pairs(map and map.data or volume.secret and secret_files(volume.secret.secretName) or {}) do
            text.write_file(root .. mount.mountPath .. "/" .. name, map and below(bytes) or bytes, map and "644" or "440")
        end
    end
    return root .. "/etc/eksgate/eksgate.lua"
end

--- The container's variables, those of the webhook with the stubs where AWS would be, and the token below `root`.
function manifests.environment(variant, root, stubs)
    local environment = environment_of(variant)
    text.write_file(root .. "/token", token)
    for variable in pairs(environment) do
        if variable:find("TOKEN_FILE$") then
            environment[variable] = root .. "/token"
        end
    end
    if environment.AWS_CONTAINER_CREDENTIALS_FULL_URI then
        environment.AWS_CONTAINER_CREDENTIALS_FULL_URI = stubs.container .. "/v1/credentials"
    end
    environment.AWS_ENDPOINT_URL_STS = stubs.sts
    stubs:set({ web_token = token, container_token = token, role = environment.AWS_ROLE_ARN, same = true })
    return environment
end

return manifests
