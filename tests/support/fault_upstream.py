#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An upstream that goes wrong on demand. `fault_upstream.py FOLDER` listens on ports of the kernel's choice, makes
certificates in FOLDER, prints one line of JSON with its URLs and serves until it is ended.

The name of the cluster in a request's path says what happens to it:

  ok             200, and a body that repeats method, path and body of the request
  close          the same, and the connection closes behind it
  chunked        the same, chunked
  once-N         the connection ends before a byte of the reply if it has served a request before; else ok
  cut-N          the reply's first N bytes, then the connection's end
  stall-N        the reply's first N bytes, then nothing
  reset          a reset in the place of a reply
  reset-N        the reply's first N bytes, then a reset
  two            two replies at once
  long, short    a Content-Length that is one too large, one too small
  interim        a 100 Continue that nobody asked for in front
  nolength       a reply without a length
  huge           a length of 2^40
  garbage        what is no HTTP
  status-S       an error of that status, in EKS's form
  bare-S         a reply of that status, an HTML page
  large-N        a body of N bytes that tell their place, "0000000\n0000001\n...", over again after 8 MB
  half-N         the same, but the connection ends after half of them
  surplus-N      the same, and a byte too many in the end

`proxy` is a proxy for CONNECT that wants me:s3cret and takes every name for this machine.

GET /_log answers with every request so far, by cluster: how often, and on which connection; GET /_reply with the length of
the reply that cut and stall cut up."""
import base64
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

LOG = []
LOCK = threading.Lock()
STALLED = []
LINES = []


def reply_of(method, path, body, framing="length", extra=""):
    """What `ok` answers."""
    text = json.dumps({"method": method, "path": path, "body": body}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-amzn-RequestId: {len(LOG):08d}\r\n{extra}"
    if framing == "chunked":
        pieces = [text[i:i + 7] for i in range(0, len(text), 7)] + [b""]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks
    length = {"length": len(text), "long": len(text) + 1, "short": len(text) - 1, "huge": 1 << 40}.get(framing)
    return (head + (f"Content-Length: {length}\r\n" if length is not None else "") + "\r\n").encode() + text


def error_of(status, bare):
    """An error, as EKS or as some other server writes it."""
    kind, text = "text/html", b"<html>no</html>"
    fields = ""
    if not bare:
        kind = "application/json"
        name = {429: "ThrottlingException", 500: "ServerException"}.get(status, "ServiceUnavailableException")
        fields = f"x-amzn-ErrorType: {name}\r\n"
        text = json.dumps({"message": f"fault {status}"}).encode()
    head = f"HTTP/1.1 {status} Fault\r\nContent-Type: {kind}\r\n{fields}Content-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def large_of(length, more=b""):
    """A reply whose body shows where a part of it is from."""
    if not LINES:
        LINES.append(b"".join(b"%07d\n" % i for i in range(1000000)))
    lines = LINES[0] * (length // len(LINES[0]) + 1)
    return (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-amzn-RequestId: large\r\nContent-Length: %d\r\n\r\n%s" %
            (length, lines[:length] + more))


def reset(conn):
    """Ends the connection with a reset, whatever waits unread."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def cluster_of(path):
    parts = path.split("?")[0].split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "clusters" else ""


class Connection(threading.Thread):
    """Serves one connection, request by request."""

    count = 0

    def __init__(self, conn):
        super().__init__(daemon=True)
        self.conn = conn
        self.buffer = b""
        self.served = 0
        with LOCK:
            Connection.count += 1
            self.number = Connection.count

    def run(self):
        try:
            while self.serve_one():
                self.served += 1
        except (OSError, ValueError):
            pass
        finally:
            if self.conn not in STALLED:
                self.conn.close()

    def fill(self):
        piece = self.conn.recv(65536)
        if not piece:
            raise OSError("ended")
        self.buffer += piece

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(fields.get("content-length", "0"))
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        method, path, _ = lines[0].split(" ")
        return method, path, body.decode("latin-1")

    def serve_one(self):
        method, path, body = self.read_request()
        if path == "/_log":
            with LOCK:
                return self.answer(json.dumps(LOG).encode())
        if path == "/_reply":
            return self.answer(json.dumps(len(reply_of("GET", "/clusters/stall-10", ""))).encode())
        cluster = cluster_of(path)
        with LOCK:
            LOG.append({"cluster": cluster, "method": method, "path": path, "body": body, "connection": self.number})
            entry = LOG[-1]
        try:
            return self.act(cluster, method, path, body)
        except OSError:
            entry["refused"] = True  # the reply, by a peer that is gone
            raise

    def answer(self, text):
        self.conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" %
                          (len(text), text))
        return True

    def act(self, cluster, method, path, body):
        """True: the connection goes on."""
        name, _, number = cluster.partition("-")
        whole = reply_of(method, path, body)
        plain = {
            "close": lambda: reply_of(method, path, body, extra="Connection: close\r\n"),
            "two": lambda: whole + whole,
            "interim": lambda: b"HTTP/1.1 100 Continue\r\n\r\n" + whole,
            "garbage": lambda: b"220 smtp.example ESMTP\r\n",
            "status": lambda: error_of(int(number), False),
            "bare": lambda: error_of(int(number), True),
            "large": lambda: large_of(int(number)),
            "half": lambda: large_of(int(number))[:int(number) // 2],
            "surplus": lambda: large_of(int(number), b"!"),
        }
        if name in plain:
            self.conn.sendall(plain[name]())
            return name in ("status", "bare", "large")
        if name in ("chunked", "long", "short", "nolength", "huge"):
            self.conn.sendall(reply_of(method, path, body, framing=name))
            return name == "chunked"
        if name in ("cut", "stall", "reset"):
            return self.break_off(name, whole[:int(number or 0)])
        if name == "once" and self.served > 0:
            return False
        self.conn.sendall(whole)
        return True

    def break_off(self, name, part):
        if part:
            self.conn.sendall(part)
        if name == "stall":
            STALLED.append(self.conn)
        elif name == "reset":
            if part:
                time.sleep(0.05)
            reset(self.conn)
        return False


def pipe(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass
    finally:
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def tunnel(conn):
    """One connection of the proxy."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = conn.recv(1)
        if not piece:
            return
        text += piece
    authority = text.split(b" ")[1].decode()
    login = base64.b64encode(b"me:s3cret")
    allowed = b"\r\nProxy-Authorization: Basic " + login + b"\r\n" in text
    with LOCK:
        LOG.append({"cluster": "", "method": text.split(b" ")[0].decode(), "path": authority, "allowed": allowed})
    if not allowed:
        conn.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        conn.close()
        return
    far = socket.create_connection(("127.0.0.1", int(authority.rsplit(":", 1)[1])))
    conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pipe, args=(far, conn), daemon=True).start()
    pipe(conn, far)


def serve_proxy():
    listener = listen()

    def accept():
        while True:
            threading.Thread(target=tunnel, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def listen():
    """A listening socket on loopback."""
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    one.listen(1024)
    return one


def url(scheme, listener):
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


def accept_all(listener, context):
    """Every connection gets a thread, the handshake too."""
    while True:
        conn, _ = listener.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=begin, args=(conn, context), daemon=True).start()


def begin(conn, context):
    try:
        if context is not None:
            conn = context.wrap_socket(conn, server_side=True)
        Connection(conn).start()
    except OSError:
        conn.close()


def serve(context=None):
    """Serves in the background; the listener."""
    listener = listen()
    threading.Thread(target=accept_all, args=(listener, context), daemon=True).start()
    return listener


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_key(folder, name, *words):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-subj", f"/CN={name}", *words)


def make_context(folder, name, names, authority, days):
    """A server's side of TLS with a certificate of its own."""
    make_key(folder, name, "-out", f"{name}.csr", "-addext", f"subjectAltName={names}")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-days", str(days), "-copy_extensions", "copyall", "-out", f"{name}.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key"))
    return context


def serve_tls(folder):
    """Listeners with one good certificate and several bad ones."""
    for authority in ("ca", "stranger"):
        make_key(folder, authority, "-x509", "-days", "2", "-out", f"{authority}.pem")
    here = "IP:127.0.0.1,DNS:localhost"
    specs = {
        "good": (here, "ca", 2),
        "expired": (here, "ca", -1),
        "wrong_name": ("DNS:eks.example", "ca", 2),
        "unknown_ca": (here, "stranger", 2),
    }
    return {name: serve(make_context(folder, name, *spec)) for name, spec in specs.items()}


def main():
    folder = sys.argv[1]
    silent = listen()  # connections are accepted by the kernel, and nobody says a word
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    plain = serve()
    urls = {name: url("https", listener) for name, listener in serve_tls(folder).items()}
    urls.update(proxy=url("http", serve_proxy()), plain=url("http", plain), slow=url("https", silent), silent=url("http", silent),
                refused=url("http", refused), ca=os.path.join(folder, "ca.pem"))
    print(json.dumps(urls), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
