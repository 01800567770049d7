#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service that policies ask, which answers well or in every other way, as the path says.

  endpoint_stub.py [CERTIFICATE KEY ...]

Listens on 127.0.0.1, once in plain and once more with TLS for each pair of files; prints {"plain": URL, "tls": [URL, ...]}
and runs until it is ended. Below any prefix:

  /allow, /deny     {"result": true}, {"result": false}
  /echo             {"method", "path", "fields", "body", "connection"}: what came, and on which connection
  /status/N         that status, {"status": N}
  /wait/MS          {"result": true} after so many milliseconds
  /hang             nothing
  /half             half of a reply, then nothing
  /drip             a byte of the body every 20 ms
  /cut, /reset      half of a reply, or nothing, then the connection ends, or is reset
  /big/N            a body of N bytes; /chunks/N the same in chunks; /endless chunks without end
  /redirect         302 to /allow
  /broken           says that it is JSON and isn't; /text: a text; /nonsense: no HTTP; /twice: two lengths; /early: 100 first
  /_log             {"requests": ["METHOD PATH"], "last": [the last ten, as /echo], "connections": N, "waiting": N}
"""
import asyncio
import json
import ssl
import sys

SEEN = {"requests": [], "last": [], "connections": 0, "waiting": 0}


def message(status, body, kind="application/json"):
    return (f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def as_json(value, status=200):
    return message(status, json.dumps(value).encode())


async def read_request(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    fields = [line.split(": ", 1) for line in head[1:] if line]
    length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
    return method, path, fields, (await reader.readexactly(length)).decode("latin-1")


async def drip(writer):
    writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def chunks(writer, left):
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    while left > 0:
        size = min(left, 1000)
        writer.write(b"%x\r\n" % size + b"x" * size + b"\r\n")
        await writer.drain()
        left -= size
    writer.write(b"0\r\n\r\n")


HALF = message(200, b'{"result": true}')[:-4]
FIXED = {
    "allow": as_json({"result": True}),
    "deny": as_json({"result": False}),
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /allow\r\nContent-Length: 0\r\n\r\n",
    "broken": message(200, b'{"result": tru'),
    "text": message(200, b"yes", "text/plain"),
    "nonsense": b"220 mail.example ESMTP\r\n\r\n",
    "twice": b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "early": b"HTTP/1.1 100 Continue\r\n\r\n" + as_json({"result": True}),
    "half": HALF,
    "cut": HALF,
    "reset": b"",
    "hang": b"",
}


async def answer(reader, writer, words, asked):
    """False: the connection ends."""
    word = words[-2] if len(words) > 1 and words[-1].isdigit() else words[-1]
    number = int(words[-1]) if words[-1].isdigit() else 0
    if word == "echo":
        writer.write(as_json(asked))
    elif word == "_log":
        writer.write(as_json(SEEN))
    elif word == "status":
        writer.write(as_json({"status": number}, number))
    elif word == "wait":
        await asyncio.sleep(number / 1000)
        writer.write(FIXED["allow"])
    elif word == "big":
        writer.write(message(200, b"x" * number, "text/plain"))
    elif word in ("chunks", "endless"):
        await chunks(writer, number or 1 << 60)
    elif word == "drip":
        await drip(writer)
    else:
        writer.write(FIXED.get(word) if word in FIXED else as_json({"message": "no such path"}, 404))
    await writer.drain()
    if word in ("hang", "half"):
        await reader.read(1)
        return False
    if word == "reset":
        writer.transport.abort()
    return word not in ("cut", "reset")


async def serve(reader, writer):
    SEEN["connections"] += 1
    connection = SEEN["connections"]
    try:
        goes_on = True
        while goes_on:
            method, path, fields, body = await read_request(reader)
            words = path.split("?")[0].strip("/").split("/")
            asked = {"method": method, "path": path, "fields": fields, "body": body, "connection": connection}
            if words[-1] != "_log":
                SEEN["requests"].append(f"{method} {path}")
                SEEN["last"] = SEEN["last"][-9:] + [asked]
            SEEN["waiting"] += 1
            try:
                goes_on = await answer(reader, writer, words, asked)
            finally:
                SEEN["waiting"] -= 1
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)]
    for i in range(1, len(sys.argv), 2):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[i], sys.argv[i + 1])
        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    print(json.dumps({"plain": f"http://127.0.0.1:{ports[0]}", "tls": [f"https://127.0.0.1:{port}" for port in ports[1:]]}),
          flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
