# SPDX-License-Identifier: Apache-2.0
"""The servers that tests/bench/run measures, and the load it puts on them: started from generated configurations in one
folder, on free ports of 127.0.0.1, as plain processes that are ended by their id."""
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time

TWO_CPUS = (os.cpu_count() or 1) >= 2


class Failed(Exception):
    """A measurement that could not be made."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_cpu(number, command):
    return ["taskset", "-c", str(number), *command] if TWO_CPUS and shutil.which("taskset") else command


def lua_text(text):
    return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else f"\\{ord(c):03d}" for c in text) + '"'


class Server:
    """A running process: its port, and the ids whose CPU time is its cost."""

    def __init__(self, process, port, pids=None):
        self.process = process
        self.port = port
        self.pids = pids or [process.pid]


def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(10)


def wait_for_port(process, port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Failed(f"no server on port {port}")


def memory_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M)}


class Lab:
    """What all measurements share."""

    def __init__(self, folder, build, here):
        self.folder = folder
        self.build = build
        self.here = here
        self.library = os.path.join(os.path.dirname(os.path.dirname(here)), "lua")
        self.program = os.environ.get("EKSGATE", os.path.join(build, "eksgate"))
        self.loadgen = os.path.join(build, "loadgen")
        self.count = 0

    def print_surroundings(self):
        model = ""
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    model = line.split(":", 1)[1].strip()
                    break
        print(f"machine: {model}, {os.cpu_count()} CPUs, {platform.release()}; build: {self.build}; "
              f"load average {os.getloadavg()[0]:.1f}")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(text)
        return self.path(name)

    # The gateway

    def configuration(self, policies, durable, workers):
        self.write("keys.json", json.dumps({"Version": 1, "Keys": [{
            "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "Arn": "arn:aws:iam::012345678910:user/bench"}]}))
        listed = ", ".join(lua_text(os.path.join(self.here, policy)) for policy in policies)
        self.count += 1
        return self.write(f"eksgate-{self.count}.lua", f"""return {{
    listen = {{ "127.0.0.1:0" }}, workers = {workers}, data = {lua_text(self.folder)}, keys = "keys.json",
    region = "us-west-2", account = "012345678910", clusters = {{ ["my-cluster"] = {{}} }},
    limits = {{ entries_per_cluster = 10000000 }}, policies = {{ {listed} }},
    policy = {{ library = {lua_text(self.library)} }},
    audit = {{ file = "audit-{self.count}.jsonl", durable = {"true" if durable else "false"} }},
    http = {{ idle_timeout = 600 }},
}}
""")

    def launch_gateway(self, configuration):
        log = open(self.path("eksgate.log"), "ab")
        began = time.monotonic()
        process = subprocess.Popen(on_cpu(0, [self.program, "serve", "-c", configuration]), stdout=subprocess.PIPE,
                                   stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        line = process.stdout.readline().decode()
        took = time.monotonic() - began
        found = re.match(r"eksgate ready http://127\.0\.0\.1:(\d+)", line)
        if not found:
            stop(process)
            with open(self.path("eksgate.log"), encoding="utf-8", errors="replace") as file:
                raise Failed("the gateway did not get ready: " + file.read()[-1000:])
        return Server(process, int(found[1])), took

    @contextlib.contextmanager
    def gateway(self, _what, policies=(), durable=False):
        server, _ = self.launch_gateway(self.configuration(policies, durable, 1))
        try:
            yield server
        finally:
            code = stop(server.process)
            server.process.stdout.close()
        if code != 0:
            raise Failed(f"the gateway ended with {code}")

    def start_once(self):
        """Milliseconds to the ready line, and the memory a quarter of a second later, when nothing happens any more."""
        server, took = self.launch_gateway(self.configuration((), False, 2))
        try:
            time.sleep(0.25)
            return {"ms": took * 1000, **memory_of(server.process.pid)}
        finally:
            stop(server.process)
            server.process.stdout.close()

    # The peers

    @contextlib.contextmanager
    def nginx(self, reply):
        """`return 200` of the body of `reply`, with one added header that makes the whole reply as long."""
        head, body = reply.split("\r\n\r\n", 1)
        port = free_port()
        os.makedirs(self.path("nginx"), exist_ok=True)
        filler = self.filler(head, 163)
        quoted = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
        configuration = self.write("nginx.conf", f"""daemon off;
worker_processes 1;
pid {self.path("nginx.pid")};
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {self.path("nginx/a")}; proxy_temp_path {self.path("nginx/b")};
    fastcgi_temp_path {self.path("nginx/c")}; uwsgi_temp_path {self.path("nginx/d")};
    scgi_temp_path {self.path("nginx/e")};
    geo $dollar {{ default "$"; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type application/json; add_header X-Filler "{filler}"; return 200 '{quoted}'; }}
    }}
}}
""")
        with self.peer(["nginx", "-p", self.folder, "-e", "stderr", "-c", configuration], port) as process:
            workers = self.children(process.pid)
            if len(workers) != 1:
                raise Failed(f"nginx has {len(workers)} workers")
            yield Server(process, port, workers)

    @contextlib.contextmanager
    def haproxy(self, reply):
        """A Lua service that returns the body of `reply` as a constant, with one header that makes it as long."""
        head, body = reply.split("\r\n\r\n", 1)
        port = free_port()
        self.write("constant.lua", f"""local body = {lua_text(body)}
core.register_service("constant", "http", function(applet)
    applet:set_status(200)
    applet:add_header("content-type", "application/json")
    applet:add_header("content-length", tostring(#body))
    applet:add_header("x-filler", "{self.filler(head, 80)}")
    applet:start_response()
    applet:send(body)
end)
""")
        configuration = self.write("haproxy.cfg", f"""global
    nbthread 1
    maxconn 1000
    lua-load {self.path("constant.lua")}
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend front
    bind 127.0.0.1:{port}
    http-request use-service lua.constant
""")
        with self.peer(["haproxy", "-db", "-f", configuration], port) as process:
            yield Server(process, port)

    @staticmethod
    def filler(head, others):
        return "x" * max(1, len(head) - others)

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    @contextlib.contextmanager
    def peer(self, command, port):
        if not shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise Failed(f"{command[0]} is not installed")
        environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
        with open(self.path(command[0] + ".log"), "ab") as log:
            process = subprocess.Popen(on_cpu(0, command), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       env=environment)
        try:
            wait_for_port(process, port)
            yield process
        except Failed as problem:
            with open(self.path(command[0] + ".log"), encoding="utf-8", errors="replace") as file:
                raise Failed(f"{problem}; {file.read()[-500:]}") from None
        finally:
            stop(process)

    # The load

    def load(self, server, kind, **options):
        command = [self.loadgen, "--port", str(server.port), "--kind", kind, "--cpu", "1" if TWO_CPUS else "0"]
        for pid in server.pids:
            command += ["--pid", str(pid)]
        for name, value in options.items():
            command += ["--" + name, str(value)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise Failed(problem) from None
        if done.returncode != 0:
            raise Failed(f"{kind}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def shown(self, server, kind, **options):
        self.load(server, kind, connections=1, count=1, warmup=0, show=self.path("reply"), **options)
        with open(self.path("reply"), encoding="utf-8", newline="") as file:
            return file.read()

    def show(self, server, principal):
        return self.shown(server, "describe", principal=principal)

    def show_create(self, server):
        return self.shown(server, "create", requests=4, prefix="show")

    def verify_ns(self):
        program = os.path.join(self.build, "sigv4_bench")
        try:
            done = subprocess.run(on_cpu(0, [program]), capture_output=True, text=True, timeout=120, check=True)
        except (OSError, subprocess.SubprocessError) as problem:
            raise Failed(problem) from None
        print("  " + done.stdout.strip().replace("\n", "\n  "))
        found = re.search(r"describe ns=([0-9.]+)", done.stdout)
        if not found:
            raise Failed("sigv4_bench printed no time")
        return float(found[1])
