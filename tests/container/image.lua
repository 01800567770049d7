-- SPDX-License-Identifier: Apache-2.0
-- The image that packaging/container/build made: what its archive holds, and containers started from it.
--
--     local gw = image.start({ arguments = { "serve", "-c", "/etc/eksgate/container.lua" }, environment = { ... } })
--     gw:request({ ... })
--     gw:stop()
--
-- Containers are podman's, read-only, without a writable place. Where no engine can start (a machine that allows no mounts,
-- say), the image's root is unpacked and entered with chroot, as the image's user; image.engine is false then.

local cjson = require("cjson")
local gateway = require("support.gateway")
local process = require("support.process")
local text = require("support.text")

local image = {}
local name = "localhost/eksgate"
local podman = gateway.root .. "/packaging/container/engine"
local started = 0

image.archive = gateway.root .. "/build/container/eksgate.tar"

local function run(arguments, seconds)
    local code, out, err = process.run(arguments, { seconds = seconds or 60 })
    assert(code == 0, table.concat(arguments, " ") .. " ended with " .. code .. ":\n" .. out .. err)
    return out
end

--- Builds the image (unless nothing changed), with further arguments of packaging/container/build.
function image.build(...)
    return run({ gateway.root .. "/packaging/container/build", ... }, 900)
end

--- Unpacks the archive and finds out what can start it.
function image.open()
    image.folder = text.make_folder()
    run({ "tar", "--extract", "--file", image.archive, "--directory", image.folder })
    image.manifest = cjson.decode(text.read_file(image.folder .. "/manifest.json"))[1]
    image.layer = image.folder .. "/" .. image.manifest.Layers[1]
    image.config = cjson.decode(text.read_file(image.folder .. "/" .. image.manifest.Config)).config
    image.engine = (process.run({ podman, "load", "--quiet", "--input", image.archive }, { seconds = 60 })) == 0
        and (process.run({ podman, "run", "--rm", name, "version" }, { seconds = 60 })) == 0
    if not image.engine then
        image.root = image.folder .. "/root"
        run({ "mkdir", image.root })
        run({ "tar", "--extract", "--file", image.layer, "--directory", image.root, "--same-owner" })
    end
end

--- Removes what is left of containers and of the unpacked archive.
function image.close()
    if image.engine then
        image.remove_containers()
    end
    text.remove_folder(image.folder)
end

--- After another build.
function image.reopen()
    image.close()
    image.open()
end

--- The layer's digest.
function image.digest()
    return run({ "sha256sum", image.layer }):match("^%x+")
end

--- Every member of the layer: { mode = "-rwxr-xr-x", owner = "0/0", path = "usr/bin/eksgate" }.
function image.files()
    local files = {}
    for line in run({ "tar", "--list", "--verbose", "--numeric-owner", "--file", image.layer }):gmatch("[^\n]+") do
        local mode, owner, path = line:match("^(%S+) (%S+) +%d+ %S+ %S+ (.+)$")
        files[#files + 1] = { mode = assert(mode, line), owner = owner, path = path }
    end
    return files
end

local function podman_words(container, options)
    local words = { podman, "run", "--rm", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--pull=never",
        "--network=" .. (options.network or "host") }
    if container then
        words[#words + 1] = "--name=" .. container
    end
    if options.volume then
        words[#words + 1] = "--volume=eksgate-test:" .. options.volume
    end
    for variable, value in pairs(options.environment or {}) do
        words[#words + 1] = "--env=" .. variable .. "=" .. value
    end
    words[#words + 1] = name
    return words
end

local function chroot_words(options)
    local words = { "env", "--ignore-environment", "--chdir=/", table.unpack(image.config.Env) }
    for variable, value in pairs(options.environment or {}) do
        words[#words + 1] = variable .. "=" .. value
    end
    table.move({ "/usr/sbin/chroot", "--userspec=" .. image.config.User, "--groups=", image.root }, 1, 4, #words + 1, words)
    return table.move(image.config.Entrypoint, 1, #image.config.Entrypoint, #words + 1, words)
end

local function words_of(container, options)
    local words = image.engine and podman_words(container, options) or chroot_words(options)
    local arguments = options.arguments or image.config.Cmd
    return table.move(arguments, 1, #arguments, #words + 1, words)
end

--- Starts a container and waits for the ready line. Options: arguments (in place of the image's command), environment,
--- network ("host" by default; "none": only itself), volume (where a fresh one goes). Gives what gateway.start does.
function image.start(options)
    started = started + 1
    local container = "eksgate-test-" .. started
    local gw = gateway.start({ command = words_of(container, options) })
    gw.container, gw.environment = container, options.environment
    if image.engine then
        gw.pid = tonumber(run({ podman, "inspect", "--format={{.State.Pid}}", container }))
    end
    return gw
end

--- Runs the image to the end: exit code, stdout, stderr.
function image.run(options)
    return process.run(words_of(nil, options), { seconds = 60 })
end

--- Runs the image's health check: exit code, stdout, stderr. It has the network and the environment of `gw`'s container and
--- nothing else of it, because `exec` into a container isn't possible on every machine that can start one; a network of its
--- own once that has ended.
function image.health(gw)
    local check = image.config.Healthcheck.Test
    assert(check[1] == "CMD" and check[2] == image.config.Entrypoint[1])
    local arguments = { table.unpack(check, 3) }
    if not image.engine then -- the port is the kernel's choice there
        table.move({ "--admin", gw.admin }, 1, 2, #arguments + 1, arguments)
    end
    return image.run({
        arguments = arguments, environment = gw.environment,
        network = gw.process:poll() and "none" or "container:" .. gw.container,
    })
end

--- Ends and removes all containers and volumes.
function image.remove_containers()
    if image.engine then
        run({ podman, "rm", "--all", "--force" })
        run({ podman, "volume", "rm", "--all", "--force" })
    end
end

return image
