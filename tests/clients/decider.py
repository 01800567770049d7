# SPDX-License-Identifier: Apache-2.0
"""What answers lua/policies/opa_delegate.lua in place of Open Policy Agent: allows what is asked as its page says."""
import http.server
import json


class Decider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        known = self.path == "/v1/data/eksgate/allow" and asked["caller"]["verified"] and asked["operation"]
        body = json.dumps({"result": {"allow": True}} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Decider)
server.daemon_threads = True
print(f"ready http://127.0.0.1:{server.server_address[1]}/v1/data", flush=True)
server.serve_forever()
