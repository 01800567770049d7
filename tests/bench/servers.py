# SPDX-License-Identifier: Apache-2.0
"""The servers that tests/bench/run measures, and the load it puts on them: started from generated configurations in one
folder, on free ports of 127.0.0.1, as plain processes that are ended by their id."""
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

# moto looks for the service in it and verifies nothing.
MOTO_AUTHORIZATION = ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20200101/us-west-2/eks/aws4_request, SignedHeaders=host, "
                      "Signature=0")
TWO_CPUS = (os.cpu_count() or 1) >= 2


class Failed(Exception):
    """A measurement that could not be made."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_cpu(number, command):
    return ["taskset", "-c", str(number), *command] if TWO_CPUS and shutil.which("taskset") else command


def signed_get(port, path):
    """The bytes of a GET as the key test/test signs it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, scope = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d/us-west-2/eks/aws4_request")
    host = f"127.0.0.1:{port}"
    canonical = f"GET\n{path}\n\nhost:{host}\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{hashlib.sha256().hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4test"
    for part in [*scope.split("/"), text]:
        key = hmac.new(key, part.encode(), "sha256").digest()
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Amz-Date: {stamp}\r\nAuthorization: AWS4-HMAC-SHA256 "
            f"Credential=test/{scope}, SignedHeaders=host;x-amz-date, Signature={key.hex()}\r\n\r\n").encode()


def lua_text(text):
    return '"' + "".join(c if 32 <= ord(c) < 127 and c not in '"\\' else f"\\{ord(c):03d}" for c in text) + '"'


class Server:
    """A running process: its port, that of its admin listener if there is one, and the ids whose CPU time is its cost."""

    def __init__(self, process, port, pids=None, admin=None):
        self.process = process
        self.port = port
        self.pids = pids or [process.pid]
        self.admin = admin


def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(10)


def wait_for_port(process, port, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Failed(f"no server on port {port}")


def file_system(folder):
    """The device and the kind of the file system that a folder is on."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split()[:3] for line in file]
    inside = [(len(where), device, kind) for device, where, kind in mounts
              if os.path.commonpath([where, os.path.realpath(folder)]) == where]
    return max(inside)[1:]


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

    def disk(self):
        """The file system of the folder, and microseconds for an appended block and its fdatasync: median, 99th of 100."""
        device, kind = file_system(self.folder)
        took = []
        with open(self.path("probe"), "ab", buffering=0) as probe:
            for _ in range(300):
                probe.write(bytes(4096))
                began = time.perf_counter()
                os.fdatasync(probe.fileno())
                took.append((time.perf_counter() - began) * 1e6)
        os.remove(self.path("probe"))
        took.sort()
        return f"{kind} on {device}", took[150], took[297]

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

    def configuration(self, policies=(), durable=False, workers=1, clusters=None, audit=True, file=None,
                      listen='"127.0.0.1:0"', keys=()):
        """Writes a configuration, and gives its path. The store is memory, or with `file` that file of the durable engine;
        `keys` come besides the one of the load generator."""
        self.write("keys.json", json.dumps({"Version": 1, "Keys": [{
            "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "Arn": "arn:aws:iam::012345678910:user/bench"}, *keys]}))
        listed = ", ".join(lua_text(os.path.join(self.here, policy)) for policy in policies)
        self.count += 1
        named = ", ".join(f'["{name}"] = {{}}' for name in clusters or ["my-cluster"])
        store = f'driver = "sqlite", file = "{file}"' if file else 'driver = "memory"'
        recorded = f'file = "audit-{self.count}.jsonl", durable = {"true" if durable else "false"}' if audit else ""
        return self.write(f"eksgate-{self.count}.lua", f"""return {{
    listen = {{ {listen} }}, workers = {workers}, data = {lua_text(self.folder)}, keys = "keys.json",
    region = "us-west-2", account = "012345678910", clusters = {{ {named} }},
    limits = {{ entries_per_cluster = 10000000 }}, policies = {{ files = {{ {listed} }}, smoke_test = false }},
    policy = {{ library = {lua_text(self.library)} }},
    audit = {{ {recorded} }},
    http = {{ idle_timeout = 600 }},
    store = {{ {store} }}, admin = "127.0.0.1:0",
}}
""")

    def launch_gateway(self, configuration):
        return self.launch(["serve", "-c", configuration])

    def launch(self, arguments):
        """Starts the program; gives it and the seconds to its ready line."""
        log = open(self.path("eksgate.log"), "ab")
        began = time.monotonic()
        process = subprocess.Popen(on_cpu(0, [self.program, *arguments]), stdout=subprocess.PIPE,
                                   stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        line = process.stdout.readline().decode()
        took = time.monotonic() - began
        found = re.match(r"eksgate ready https?://127\.0\.0\.1:(\d+) admin (?:off|http://127\.0\.0\.1:(\d+))$", line)
        if not found:
            stop(process)
            with open(self.path("eksgate.log"), encoding="utf-8", errors="replace") as file:
                raise Failed("the gateway did not get ready: " + file.read()[-1000:])
        return Server(process, int(found[1]), admin=found[2] and int(found[2])), took

    @contextlib.contextmanager
    def gateway(self, _what, policies=(), durable=False, clusters=None, audit=True):
        with self.serving(self.configuration(policies, durable, 1, clusters, audit)) as server:
            yield server

    @contextlib.contextmanager
    def serving(self, configuration):
        server, server.started_s = self.launch_gateway(configuration)
        try:
            yield server
        finally:
            code = stop(server.process)
            server.process.stdout.close()
        if code != 0:
            raise Failed(f"the gateway ended with {code}")

    def start_once(self, configuration):
        """Milliseconds to the ready line, and the memory a quarter of a second later, when nothing happens any more."""
        server, took = self.launch_gateway(configuration)
        try:
            time.sleep(0.25)
            return {"ms": took * 1000, **memory_of(server.process.pid)}
        finally:
            stop(server.process)
            server.process.stdout.close()

    def mock_once(self):
        """A mock's milliseconds to its first 200, and its memory a quarter of a second later."""
        port = free_port()
        request = signed_get(port, "/access-policies")
        began = time.monotonic()
        server, _ = self.launch(["mock", "--set", f"listen=127.0.0.1:{port}", "--set", "admin=127.0.0.1:0"])
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                client.sendall(request)
                answered = client.recv(65536).startswith(b"HTTP/1.1 200 ")
            took = time.monotonic() - began
            if not answered:
                raise Failed("the mock's first answer was no 200")
            time.sleep(0.25)
            return {"ms": took * 1000, **memory_of(server.process.pid)}
        finally:
            stop(server.process)
            server.process.stdout.close()

    def mock_filled(self, entries, clusters):
        """A mock's memory with that many entries, created through the API with a token each."""
        server, _ = self.launch(["mock", "--set", "listen=127.0.0.1:0", "--set", "admin=127.0.0.1:0"])
        try:
            self.load(server, "create", cluster="c", clusters=clusters, requests=entries, seconds=600, warmup=0)
            time.sleep(0.25)
            return memory_of(server.process.pid)
        finally:
            stop(server.process)
            server.process.stdout.close()

    # The peers

    @contextlib.contextmanager
    def nginx(self, reply, cpu=0, pair=None):
        """`return 200` of the body of `reply`, with one added header that makes the whole reply as long; over TLS with a
        pair of certificate and key."""
        head, body = reply.split("\r\n\r\n", 1)
        port = free_port()
        os.makedirs(self.path("nginx"), exist_ok=True)
        filler = self.filler(head, 163)
        secured = (f"ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]}; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; "
                   "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;") if pair else ""
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
        listen 127.0.0.1:{port}{" ssl" if pair else ""}; {secured}
        location / {{ default_type application/json; add_header X-Filler "{filler}"; return 200 '{quoted}'; }}
    }}
}}
""")
        with self.peer(["nginx", "-p", self.folder, "-e", "stderr", "-c", configuration], port, cpu) as process:
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

    @contextlib.contextmanager
    def moto(self):
        """moto's server with a cluster in it; installed once, at pinned versions."""
        port = free_port()
        folder = self.install_moto()
        log_path = self.path("moto.log")
        with open(log_path, "ab") as log:
            process = subprocess.Popen(on_cpu(0, [os.path.join(folder, "bin", "moto_server"), "-H", "127.0.0.1", "-p",
                                                  str(port)]), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for_port(process, port, 60)
            body = {"name": "my-cluster", "roleArn": "arn:aws:iam::123456789012:role/r",
                    "resourcesVpcConfig": {"subnetIds": ["subnet-1"]}}
            request = urllib.request.Request(f"http://127.0.0.1:{port}/clusters", json.dumps(body).encode(),
                                             {"Authorization": MOTO_AUTHORIZATION, "Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as reply:
                reply.read()
            yield Server(process, port)
        except OSError as problem:
            raise Failed(f"moto: {problem}") from None
        finally:
            stop(process)

    def install_moto(self):
        wanted = os.path.join(self.here, "moto-requirements.txt")
        with open(wanted, "rb") as file:
            name = hashlib.sha256(file.read()).hexdigest()[:16]
        folder = os.path.join(os.path.dirname(self.build), "bench", "moto-" + name)
        if not os.path.exists(os.path.join(folder, "complete")):
            shutil.rmtree(folder, ignore_errors=True)
            print("  installing moto ...", flush=True)
            self.run(["python3", "-m", "venv", folder], 120)
            self.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                      "--requirement", wanted], 600)
            with open(os.path.join(folder, "complete"), "w", encoding="ascii"):
                pass
        return folder

    def wrk_per_second(self, server, path, headers):
        """Requests per second of a server that closes its connections, which the load generator here doesn't follow."""
        command = [*(["taskset", "-c", "1"] if TWO_CPUS else []), "wrk", "-t", "1", "-c", "8", "-d", "5s"]
        for header in headers:
            command += ["-H", header]
        done = self.run([*command, f"http://127.0.0.1:{server.port}{path}"], 60)
        found = re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout)
        if not found or "Non-2xx" in done.stdout:
            raise Failed("wrk: " + done.stdout)
        return float(found[1])

    @staticmethod
    def filler(head, others):
        return "x" * max(1, len(head) - others)

    @staticmethod
    def children(pid):
        """Of a server that has begun to listen, whose workers may not be there yet."""
        deadline = time.monotonic() + 5
        while True:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                found = [int(word) for word in file.read().split()]
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(0.01)

    @contextlib.contextmanager
    def peer(self, command, port, cpu=0):
        if not shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise Failed(f"{command[0]} is not installed")
        environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
        with open(self.path(command[0] + ".log"), "ab") as log:
            process = subprocess.Popen(on_cpu(cpu, command), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       env=environment)
        try:
            wait_for_port(process, port)
            yield process
        except Failed as problem:
            with open(self.path(command[0] + ".log"), encoding="utf-8", errors="replace") as file:
                raise Failed(f"{problem}; {file.read()[-500:]}") from None
        finally:
            stop(process)

    @staticmethod
    def metrics(server):
        """What the admin listener shows, from sample to number."""
        with urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics", timeout=10) as reply:
            lines = reply.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    # The load

    def load(self, server, kind, **options):
        return self.lanes(server, {"kind": kind, **options})

    def lanes(self, server, *lanes):
        """The load of several kinds at once, a table of options for each; what isn't a lane's is the first one's."""
        command = [self.loadgen, "--port", str(server.port), "--cpu", "1" if TWO_CPUS else "0"]
        for pid in server.pids:
            command += ["--pid", str(pid)]
        for number, lane in enumerate(lanes):
            command += ["--and"] if number else []
            for name, value in lane.items():
                command += ["--" + name, str(value)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise Failed(problem) from None
        if done.returncode != 0:
            raise Failed(f"{lanes[0]['kind']}: {done.stdout}{done.stderr}")
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
        done = self.run(on_cpu(0, [os.path.join(self.build, "sigv4_bench")]), 120)
        print("  " + done.stdout.strip().replace("\n", "\n  "))
        found = re.search(r"describe ns=([0-9.]+)", done.stdout)
        if not found:
            raise Failed("sigv4_bench printed no time")
        return float(found[1])

    def hook_ns(self):
        """CPU time of a question, and of a round of a loop in Lua: counted, and as it would be without the budget."""
        done = self.run(on_cpu(0, [os.path.join(self.build, "hook_bench"), self.library]), 120)
        print("  " + done.stdout.strip().replace("\n", "\n  "))
        found = re.search(r"authorize ns=([0-9.]+) .*\nloop counted ns=([0-9.]+) plain ns=([0-9.]+)", done.stdout)
        if not found:
            raise Failed("hook_bench printed no times")
        return [float(number) for number in found.groups()]

    def page_ns(self, clusters, entries, *further):
        """CPU time of one page, without the HTTP around it."""
        command = on_cpu(0, [os.path.join(self.build, "pages_bench"), str(clusters), str(entries), "20000", *further])
        done = self.run(command, 600)
        print("  " + done.stdout.strip())
        return float(re.search(r" ns=([0-9.]+)", done.stdout)[1])

    def page_instructions(self, clusters, entries):
        """Instructions of 700 pages, counted by callgrind; filling the store isn't counted."""
        if not shutil.which("valgrind"):
            raise Failed("valgrind is not installed")
        done = self.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
                         os.path.join(self.build, "pages_bench"), str(clusters), str(entries), "100"], 1200)
        found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
        if not found or int(found[1]) == 0:
            raise Failed("callgrind counted nothing: " + done.stderr[-500:])
        return int(found[1])

    @staticmethod
    def run(command, timeout):
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
        except (OSError, subprocess.SubprocessError) as problem:
            raise Failed(problem) from None
