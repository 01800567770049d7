-- SPDX-License-Identifier: Apache-2.0
-- The objects that a kustomization makes, as `kustomize build` would, for what the kustomizations of this repository use:
-- resources, configMapGenerator (without the hash in names), strategic merge patches from files, images. Anything else in
-- one is an error, so that nothing is passed over.

local lyaml = require("lyaml")
local lfs = require("lfs")
local text = require("support.text")

local kustomization = {}
local known = { apiVersion = true, kind = true }

--- The documents of a YAML file, as tables; what can't be parsed raises with the file's name.
function kustomization.documents(path)
    local ok, documents = pcall(lyaml.load, assert(text.read_file(path), "no such file: " .. path), { all = true })
    assert(ok, path .. ": " .. tostring(documents))
    return documents
end

local function named(list, name)
    for i, item in ipairs(list) do
        if item.name == name then
            return item, i
        end
    end
    return nil
end

--- Maps are merged, lists of things with names by their names, everything else is replaced.
local function merge(into, patch)
    for key, value in pairs(patch) do
        if type(value) ~= "table" or type(into[key]) ~= "table" then
            into[key] = value
        elseif #value == 0 then
            merge(into[key], value)
        else
            for _, item in ipairs(value) do
                local there = named(into[key], assert(item.name, "a list without names is patched: " .. key))
                if there then
                    merge(there, item)
                else
                    table.insert(into[key], item)
                end
            end
        end
    end
end

function known.resources(list, folder, objects)
    for _, name in ipairs(list) do
        local path = folder .. "/" .. name
        local more = lfs.attributes(path, "mode") == "directory" and kustomization.load(path) or kustomization.documents(path)
        table.move(more, 1, #more, #objects + 1, objects)
    end
end

function known.configMapGenerator(list, folder, objects)
    for _, one in ipairs(list) do
        local data = {}
        for _, name in ipairs(one.files) do
            data[name:match("[^/]+$")] = assert(text.read_file(folder .. "/" .. name), "no such file: " .. folder .. "/" .. name)
        end
        table.insert(objects, { kind = "ConfigMap", apiVersion = "v1", metadata = { name = one.name }, data = data })
    end
end

function known.patches(list, folder, objects)
    for _, patch in ipairs(list) do
        for _, document in ipairs(kustomization.documents(folder .. "/" .. assert(patch.path))) do
            merge(assert(kustomization.find(objects, document.kind, document.metadata.name), patch.path .. " fits nothing"), document)
        end
    end
end

function known.images(list, _, objects)
    for _, container in ipairs(kustomization.containers(objects)) do
        local image = named(list, container.image)
        if image then
            container.image = image.newName .. ":" .. image.newTag
        end
    end
end

local order = { "resources", "configMapGenerator", "patches", "images" }

--- The objects of the kustomization in `folder`.
function kustomization.load(folder)
    local description = kustomization.documents(folder .. "/kustomization.yaml")[1]
    local objects = {}
    for key in pairs(description) do
        assert(known[key], folder .. "/kustomization.yaml has what the tests don't know: " .. key)
    end
    for _, key in ipairs(order) do
        if description[key] then
            known[key](description[key], folder, objects)
        end
    end
    return objects
end

--- The object of that kind, and name where one is given; nil without one.
function kustomization.find(objects, kind, name)
    for _, object in ipairs(objects) do
        if object.kind == kind and (not name or object.metadata.name == name) then
            return object
        end
    end
    return nil
end

--- Every container of every Deployment, those that start first included.
function kustomization.containers(objects)
    local containers = {}
    for _, object in ipairs(objects) do
        local pod = object.kind == "Deployment" and object.spec.template.spec or {}
        for _, list in ipairs({ pod.initContainers or {}, pod.containers or {} }) do
            table.move(list, 1, #list, #containers + 1, containers)
        end
    end
    return containers
end

return kustomization
