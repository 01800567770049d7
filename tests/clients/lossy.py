# SPDX-License-Identifier: Apache-2.0
"""A network that loses replies, and an EKS that is busy: lossy.py HOST:PORT forwards requests to a gateway, as they were
signed. The reply to a POST is dropped, and the connection with it, when that very request came for the first time; the retry
goes through. Reads of what has `throttled` or `unavailable` in its name are answered 429 and 503 the first time, those of a
cluster with `slow` in its name say three times that it is still being made. Prints `ready URL`."""
import collections
import http.client
import http.server
import re
import sys
import threading

GATEWAY = sys.argv[1]
BUSY = {"throttled": (429, "ThrottlingException"), "unavailable": (503, "ServiceUnavailableException")}
seen = collections.Counter()
lock = threading.Lock()


def times(request):
    with lock:
        seen[request] += 1
        return seen[request]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def ask(self, body):
        gateway = http.client.HTTPConnection(GATEWAY, timeout=30)
        gateway.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            gateway.putheader(name, value)
        gateway.endheaders(body)
        reply = gateway.getresponse()
        answer = reply.read()
        gateway.close()
        return reply.status, reply.getheaders(), answer

    def is_busy(self):
        for word, (status, code) in BUSY.items():
            if self.command == "GET" and word in self.path and times(self.path) == 1:
                self.answer(status, [("x-amzn-ErrorType", code), ("Retry-After", "1"), ("Content-Type", "application/json"),
                                     ("x-amzn-RequestId", "11111111-2222-4333-8444-555555555555")],
                            b'{"message":"Come back later."}')
                return True
        return False

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.is_busy():
            return
        status, headers, answer = self.ask(body)
        # Signatures and dates differ between tries; the path and the body, with its token, don't.
        if self.command == "POST" and times((self.path, body)) == 1:
            self.close_connection = True
            return
        if self.command == "GET" and re.fullmatch("/clusters/[^/]*slow", self.path) and times(self.path) <= 3:
            answer = answer.replace(b'"status":"ACTIVE"', b'"status":"CREATING"')
        self.answer(status, headers, answer)

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = forward

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
