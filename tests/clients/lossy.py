# SPDX-License-Identifier: Apache-2.0
"""A network that loses replies: lossy.py HOST:PORT forwards requests to a gateway, as they were signed. The reply to a POST
is dropped, and the connection with it, when that very request came for the first time; the retry goes through. Prints
`ready URL`."""
import http.client
import http.server
import sys
import threading

GATEWAY = sys.argv[1]
seen = set()
lock = threading.Lock()


def is_first(request):
    with lock:
        first = request not in seen
        seen.add(request)
    return first


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        gateway = http.client.HTTPConnection(GATEWAY, timeout=30)
        gateway.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            gateway.putheader(name, value)
        gateway.endheaders(body)
        reply = gateway.getresponse()
        answer = reply.read()
        gateway.close()
        # Signatures and dates differ between tries; the path and the body, with its token, don't.
        if self.command == "POST" and is_first((self.path, body)):
            self.close_connection = True
            return
        self.send_response_only(reply.status, reply.reason)
        for name, value in reply.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_DELETE = forward

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
