# SPDX-License-Identifier: Apache-2.0
"""The rows of forwarding: a DescribeCluster that is verified, asked of one hook, signed anew and forwarded, against proxies
that only forward it, all to the same upstream: nginx with a constant reply, on the load generator's CPU."""
import contextlib
import json
import os
import statistics

import servers


def gateway_configuration(lab, upstream):
    lab.write("proxy-keys.json", json.dumps({"Version": 1, "Keys": [{
        "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "Arn": "arn:aws:iam::012345678910:user/bench"}]}))
    return lab.write("proxy.lua", f"""return {{
    listen = {{ "127.0.0.1:0" }}, workers = 1, data = {servers.lua_text(lab.folder)}, keys = "proxy-keys.json",
    region = "us-west-2", access_entries = "upstream",
    upstream = {{ endpoint = "http://127.0.0.1:{upstream.port}", credentials = "caller" }},
    policies = {{ {servers.lua_text(os.path.join(lab.here, "reader.lua"))} }},
    policy = {{ library = {servers.lua_text(lab.library)} }}, http = {{ idle_timeout = 600 }},
}}
""")


@contextlib.contextmanager
def haproxy(lab, upstream):
    port = servers.free_port()
    configuration = lab.write("haproxy-proxy.cfg", f"""global
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    http-reuse always
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server up 127.0.0.1:{upstream.port}
""")
    with lab.peer(["haproxy", "-db", "-f", configuration], port) as process:
        yield servers.Server(process, port)


@contextlib.contextmanager
def nginx(lab, upstream):
    port = servers.free_port()
    os.makedirs(lab.path("nginx-proxy"), exist_ok=True)
    configuration = lab.write("nginx-proxy.conf", f"""daemon off;
worker_processes 1;
pid {lab.path("nginx-proxy.pid")};
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {lab.path("nginx-proxy/a")}; proxy_temp_path {lab.path("nginx-proxy/b")};
    fastcgi_temp_path {lab.path("nginx-proxy/c")}; uwsgi_temp_path {lab.path("nginx-proxy/d")};
    scgi_temp_path {lab.path("nginx-proxy/e")};
    upstream back {{ server 127.0.0.1:{upstream.port}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
""")
    with lab.peer(["nginx", "-p", lab.folder, "-e", "stderr", "-c", configuration], port) as process:
        yield servers.Server(process, port, lab.children(process.pid))


def proxy(lab, table, rounds, seconds):
    with lab.gateway("reply") as standalone:
        reply = lab.shown(standalone, "cluster")
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(lab.nginx(reply, cpu=1))
        gateway = stack.enter_context(lab.serving(gateway_configuration(lab, upstream)))
        peers = {"HAProxy": stack.enter_context(haproxy(lab, upstream)),
                 "nginx proxy_pass": stack.enter_context(nginx(lab, upstream))}
        spent = {name: [] for name in ["eksgate", *peers]}
        for number in range(rounds):
            for name, server in [("eksgate", gateway), *peers.items()]:
                result = lab.load(server, "cluster", seconds=seconds)
                spent[name].append(result["cpu_ns_per_request"] / 1000)
                print(f"  proxied describe cluster round {number + 1}: {name} {spent[name][-1]:.2f} us "
                      f"({result['requests'] / result['seconds']:.0f}/s, p50 {result['p50_us']} us, p99 {result['p99_us']} "
                      "us)", flush=True)
    for name in peers:
        ratio = statistics.median(mine / theirs for mine, theirs in zip(spent["eksgate"], spent[name]))
        table.add(f"CPU per proxied DescribeCluster, verified, 1 hook, signed anew / {name}", ratio, 1.25, "x")
    table.inform("  eksgate, " + ", ".join(peers) + " (median)",
                 ", ".join(f"{statistics.median(spent[name]):.2f} us" for name in spent))
