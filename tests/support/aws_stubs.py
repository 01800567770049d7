#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for those who hand out AWS credentials: STS, a container's agent, the machine's metadata service (IMDSv2).

Each checks what it is asked to the letter and answers 400 to anything else; what was wrong is in the log. Listens on
127.0.0.1, on ports that the kernel chooses, and prints one line of JSON: {"sts": URL, "container": URL, "imds": URL,
"eks": URL, "control": URL}. EKS describes clusters to whoever signs with
a key that was handed out and is good still. With --certificate and --key STS speaks TLS. Runs until it is ended.

  PUT  control/state   lays the members of a JSON object over the state (see STATE); null takes one away
  GET  control/log     {"exchanges": [{"who", "method", "path", "status", "problem", "form"}], "issued": N}
"""
import argparse
import datetime
import hashlib
import hmac
import http.server
import json
import re
import ssl
import threading
import urllib.parse

LOCK = threading.Lock()
STATE = {
    "lifetime": 3600,  # seconds that issued credentials last
    "keys": {},  # access key id -> [secret, token or null]: who may sign besides whom was issued a key
    "region": "us-west-2",  # that signatures must name
    "web_token": None,  # that AssumeRoleWithWebIdentity must bring
    "role": None,  # the ARN that must be asked for; null: any
    "session": None,  # the session name, likewise
    "form": {},  # further parameters of AssumeRole: exactly these
    "container_token": None,  # Authorization of the container's exchange; null: it must not be there
    "container_path": "/v1/credentials",
    "imds_role": "node-role",
    "sts_fail": None,  # {"status", "code", "message", "times"}: answered instead
    "container_fail": None,  # {"status", "times"}
    "imds_fail": None,
    "host": "127.0.0.1",  # that Host names
    "revoked": 0,  # how many of the keys issued first EKS doesn't take any more
    "same": False,  # the same key again and again
}
LOG = []
ISSUED = {}
ENDS = {}  # access key id -> when it ends; keys of STATE never do
IMDS_TOKEN = "AQAEstub-token=="


def issue():
    """A new key, known from here on."""
    number = len(ISSUED) if STATE["same"] and ISSUED else len(ISSUED) + 1
    key = f"ASIASTUB{number:08d}"
    ISSUED.setdefault(key, (f"secret/{number}+", f"token/{number}+="))
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=STATE["lifetime"])
    ENDS[key] = until.replace(microsecond=0)
    return key, *ISSUED[key], until.strftime("%Y-%m-%dT%H:%M:%SZ")


def failing(name):
    """What is to be answered instead, if anything; counts down."""
    fail = STATE[name]
    if not fail or fail.get("times") == 0:
        return None
    if "times" in fail:
        fail["times"] -= 1
    return fail


def secret_of(key):
    if key in ISSUED:
        return ISSUED[key]
    return tuple(STATE["keys"][key]) if key in STATE["keys"] else None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sign(secret, date, region, service, text):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def signature_problem(handler, body, service="sts"):
    """None, or what is wrong with the request's Signature Version 4."""
    headers = handler.headers
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/" + service + r"/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", headers.get("Authorization", ""))
    if not match:
        return "Authorization is missing or of another form"
    key, date, region, signed, signature = match.groups()
    known = secret_of(key)
    stamp = headers.get("X-Amz-Date", "")
    if known is None:
        return f"key {key} isn't known"
    if region != STATE["region"]:
        return f"signed for {region}"
    if headers.get("X-Amz-Security-Token") != known[1]:
        return "X-Amz-Security-Token isn't the key's"
    wanted = ("content-type;" if body else "") + "host;x-amz-date" + (";x-amz-security-token" if known[1] else "")
    if signed != wanted:
        return f"signed are {signed}, not {wanted}"
    now = datetime.datetime.now(datetime.timezone.utc)
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if stamp[:8] != date or abs((now - at).total_seconds()) > 300:
        return "X-Amz-Date isn't now"
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed.split(";"))
    canonical = f"{handler.command}\n{handler.path}\n\n{lines}\n{signed}\n{sha256(body)}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{date}/{region}/{service}/aws4_request\n{sha256(canonical.encode())}"
    if not hmac.compare_digest(sign(known[0], date, region, service, text), signature):
        return "the signature doesn't match"
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    send_error_type = None

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status, text, kind="application/json", **note):
        data = text.encode()
        LOG.append({"who": self.who, "method": self.command, "path": self.path, "status": status, **note})
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.send_error_type:
            self.send_header("x-amzn-ErrorType", self.send_error_type)
            self.send_error_type = None
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, problem):
        self.reply(400, problem, "text/plain", problem=problem)

    def common_problem(self):
        if self.headers.get("Host") != f"{STATE['host']}:{self.server.server_address[1]}":
            return "Host is " + str(self.headers.get("Host"))
        if not re.fullmatch(r"eksgate/\S+", self.headers.get("User-Agent", "")):
            return "User-Agent isn't eksgate's"
        return None

    def dispatch(self):
        with LOCK:
            body = self.body()
            problem = None if self.who == "control" else self.common_problem()
            if problem:
                self.refuse(problem)
            else:
                self.answer(body)

    do_GET = do_PUT = do_POST = dispatch


class Sts(Handler):
    who = "sts"

    def form_problem(self, form, web):
        wanted = {"Action", "Version", "RoleArn", "RoleSessionName"} | ({"WebIdentityToken"} if web else set(STATE["form"]))
        if set(form) != wanted:
            return f"the form has {sorted(form)}"
        if form["Version"] != "2011-06-15":
            return "Version is another"
        for name, value in STATE["form"].items():
            if not web and form[name] != value:
                return f"{name} is {form[name]}"
        if STATE["role"] and form["RoleArn"] != STATE["role"]:
            return "RoleArn is " + form["RoleArn"]
        if STATE["session"] and form["RoleSessionName"] != STATE["session"]:
            return "RoleSessionName is " + form["RoleSessionName"]
        if web and form["WebIdentityToken"] != STATE["web_token"]:
            return "WebIdentityToken is another"
        return None

    def problem(self, body, form, pairs):
        web = form.get("Action") == "AssumeRoleWithWebIdentity"
        if self.command != "POST" or self.path != "/":
            return "not POST /"
        if not (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
            return "Content-Type is another"
        if form.get("Action") not in ("AssumeRole", "AssumeRoleWithWebIdentity") or len(form) != len(pairs):
            return "no such Action, or a parameter comes twice"
        found = self.form_problem(form, web)
        if found:
            return found
        if web:
            return "Authorization is there" if "Authorization" in self.headers else None
        return signature_problem(self, body)

    def answer(self, body):
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
        form = dict(pairs)
        note = {name: value for name, value in form.items() if name != "WebIdentityToken"}
        problem = self.problem(body, form, pairs)
        if problem:
            self.error(400, "StubRefused", problem, problem=problem, form=note)
            return
        fail = failing("sts_fail")
        if fail:
            self.error(fail["status"], fail["code"], fail.get("message", "as told"), form=note)
            return
        key, secret, token, until = issue()
        action = form["Action"]
        self.reply(200, f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <{action}Result>\n'
                   f"    <AssumedRoleUser><Arn>{form['RoleArn']}</Arn></AssumedRoleUser>\n"
                   f"    <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
                   f"<SessionToken>{token}</SessionToken><Expiration>{until}</Expiration></Credentials>\n"
                   f"  </{action}Result>\n</{action}Response>\n", "text/xml", form=note)

    def error(self, status, code, message, **note):
        self.reply(status, f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
                   "</Error><RequestId>r</RequestId></ErrorResponse>", "text/xml", **note)


class Container(Handler):
    who = "container"

    def answer(self, body):
        if self.command != "GET" or self.path != STATE["container_path"] or body:
            self.refuse("not GET " + STATE["container_path"])
        elif self.headers.get("Authorization") != STATE["container_token"]:
            self.refuse("Authorization is another")
        elif self.headers.get("Accept") != "application/json":
            self.refuse("Accept is another")
        else:
            fail = failing("container_fail")
            if fail:
                self.reply(fail["status"], '{"code":"Stub","message":"as told"}')
                return
            key, secret, token, until = issue()
            self.reply(200, json.dumps({"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": until,
                                        "AccountId": "012345678910"}))


class Imds(Handler):
    who = "imds"
    path_of_roles = "/latest/meta-data/iam/security-credentials/"

    def answer(self, body):
        fail = failing("imds_fail")
        if fail:
            self.reply(fail["status"], "", "text/plain")
        elif self.command == "PUT":
            self.answer_token(body)
        elif self.headers.get("x-aws-ec2-metadata-token") != IMDS_TOKEN:
            self.reply(401, "", "text/plain", problem="no token, or another")
        elif self.command == "GET" and self.path == self.path_of_roles:
            self.reply(200, STATE["imds_role"], "text/plain")
        elif self.command == "GET" and self.path == self.path_of_roles + STATE["imds_role"]:
            key, secret, token, until = issue()
            self.reply(200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key,
                                        "SecretAccessKey": secret, "Token": token, "Expiration": until}))
        else:
            self.refuse("no such path")

    def answer_token(self, body):
        if self.path != "/latest/api/token" or body or self.headers.get("Content-Length") != "0":
            self.refuse("not PUT /latest/api/token without a body")
        elif self.headers.get("x-aws-ec2-metadata-token-ttl-seconds") != "21600":
            self.refuse("the token's time is another")
        else:
            self.reply(200, IMDS_TOKEN, "text/plain")


class Eks(Handler):
    """Describes any cluster to whoever signs with a key that hasn't ended; the answer names the key."""
    who = "eks"

    def common_problem(self):
        return None

    def answer(self, body):
        problem = signature_problem(self, body, "eks")
        key = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
        ended = key in ENDS and ENDS[key] <= datetime.datetime.now(datetime.timezone.utc)
        if problem:
            self.reply(403, json.dumps({"message": problem}), problem=problem)
        elif ended or (key in ISSUED and int(key[8:]) <= STATE["revoked"]):
            self.send_error_type = "ExpiredTokenException"
            self.reply(403, '{"message":"The security token included in the request is expired"}')
        else:
            self.reply(200, json.dumps({"cluster": {"name": self.path.split("/")[-1], "roleArn": key}}))


class Control(Handler):
    who = "control"

    def answer(self, body):
        if self.command == "PUT" and self.path == "/state":
            STATE.update(json.loads(body))
            LOG.clear()
            text = "{}"
        else:
            text = json.dumps({"exchanges": LOG, "issued": len(ISSUED)})
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that went away, or didn't trust the certificate."""


def serve(handler, certificate=None, key=None):
    server = Server(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    urls = {"sts": serve(Sts, options.certificate, options.key), "container": serve(Container), "imds": serve(Imds),
            "eks": serve(Eks), "control": serve(Control)}
    print(json.dumps(urls), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
