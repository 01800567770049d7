# SPDX-License-Identifier: Apache-2.0
"""What TLS costs, against nginx with the same certificate (P-256), cipher and curve: full handshakes, and requests over
connections that are kept. What a server can do per second is told from the CPU time that it takes, one worker each."""
import json
import os

import servers


def certificate(lab):
    """A throw-away authority and its certificate, as packaging/run --tls makes them."""
    folder = lab.path("tls")
    lab.run([os.path.join(os.path.dirname(lab.library), "packaging", "make-certificate"), folder], 60)
    return os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")


def handshakes(lab, server, seconds):
    pids = [str(pid) for pid in server.pids]
    cpu = "1" if servers.TWO_CPUS else "0"
    return json.loads(lab.run([os.path.join(lab.build, "handshakes"), str(server.port), str(seconds), cpu, *pids], 600).stdout)


def tls(lab, table, rounds, seconds, alternate):
    pair = certificate(lab)
    listen = f"{{ address = \"127.0.0.1:0\", certificate = {servers.lua_text(pair[0])}, key = {servers.lua_text(pair[1])} }}"
    principal = "arn:aws:iam::012345678910:role/bench/my-role-0"
    with lab.serving(lab.configuration(listen=listen)) as gateway:
        lab.load(gateway, "create", tls=1, connections=1, count=1, warmup=0, requests=1, prefix="my-role")
        reply = lab.shown(gateway, "describe", tls=1, principal=principal)
        with lab.nginx(reply, pair=pair) as nginx:
            shaken = alternate(rounds, lambda _: handshakes(lab, gateway, seconds), lambda _: handshakes(lab, nginx, seconds),
                               "handshake")
            kept = alternate(rounds, *[lambda _, s=server: lab.load(s, "describe", tls=1, seconds=seconds, principal=principal)
                                       for server in (gateway, nginx)], "describe over TLS")
    for what, (ratio, mine, theirs), bar in (("full TLS 1.3 handshakes per second / nginx", shaken, 0.9),
                                             ("signed Describe per second over kept TLS / nginx return 200", kept, 0.8)):
        table.add(what, 1 / ratio, bar, "x", True)
        table.inform("  eksgate, nginx (median CPU of one)", f"{mine:.2f} us, {theirs:.2f} us")
