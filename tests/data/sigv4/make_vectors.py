#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vector folders beside it; README.md says what they hold.

The signatures are computed here, apart from the C code, and compared with the
published ones (PUBLISHED, first 16 digits). With botocore importable, the
vectors of the folder "eks" are made by botocore itself. Run it again after
adding a row; the tests read only the folders.
"""
import hashlib
import hmac
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TIME = "20150830T123600Z"
EMPTY = hashlib.sha256(b"").hexdigest()
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
SHORT_TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
LONG_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
    "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)


def encode(data, keep=b""):
    return "".join(chr(b) if b in UNRESERVED + keep else "%%%02X" % b for b in data)


def unescape(data):
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), data)


def canonical_path(path, normalize):
    if normalize:
        kept = []
        for part in path.split(b"/"):
            if part == b"..":
                kept[-1:] = []
            elif part not in (b"", b"."):
                kept.append(part)
        tail = b"/" if kept and path.endswith(b"/") else b""
        path = b"/" + b"/".join(kept) + tail
    return encode(path, b"/")


def canonical_query(query):
    pairs = []
    for piece in query.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((encode(unescape(name)), encode(unescape(value))))
    return "&".join("%s=%s" % pair for pair in sorted(pairs) if pair[0] != "X-Amz-Signature")


def canonical_headers(headers, names):
    lines = []
    for name in names:
        values = [" ".join(v.split()) for n, v in headers if n.lower() == name]
        lines.append("%s:%s\n" % (name, ",".join(values)))
    return "".join(lines)


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(case, headers, query, names):
    """The canonical request, the string to sign and the signature of one case."""
    canonical = "\n".join([
        case["method"], canonical_path(case["path"], case["normalize"]), canonical_query(query),
        canonical_headers(headers, names), ";".join(names), hashlib.sha256(case["body"]).hexdigest()])
    scope = "%s/%s/%s/aws4_request" % (case["time"][:8], case["region"], case["service"])
    to_sign = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (case["time"], scope, hashlib.sha256(canonical.encode()).hexdigest())
    key = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        key = mac(key, part)
    return canonical, to_sign, mac(key, to_sign).hex(), scope


def write(folder, case, target, headers, result, verdict, token):
    canonical, to_sign, signature = result
    path = os.path.join(HERE, folder)
    os.makedirs(path)
    head = "".join("%s:%s\n" % pair for pair in headers).encode()
    request = case["method"].encode() + b" " + target + b" HTTP/1.1\n" + head + b"\n" + case["body"]
    expect = "verdict %s\nid %s\nsecret %s\n%sregion %s\nservice %s\ntime %s\n" % (
        verdict, case["id"], SECRET, "token %s\n" % token if token else "", case["region"], case["service"], case["time"])
    for name, content in (("request", request), ("canonical-request", canonical.encode()),
                          ("string-to-sign", to_sign.encode()), ("signature", signature.encode()),
                          ("expect", expect.encode())):
        with open(os.path.join(path, name), "wb") as out:
            out.write(content)


def header_form(suite, case):
    headers = list(case["headers"])
    unsigned = []
    if case["sign_body"]:
        headers.append(("x-amz-content-sha256", hashlib.sha256(case["body"]).hexdigest()))
    headers.append(("X-Amz-Date", case["time"]))
    if case["token"]:
        (unsigned if case["omit_token"] else headers).append(("X-Amz-Security-Token", case["token"]))
    names = sorted({name.lower() for name, _ in headers})
    canonical, to_sign, signature, scope = sign(case, headers, case["query"], names)
    headers.append(("Authorization", "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        case["id"], scope, ";".join(names), signature)))
    target = case["path"] + (b"?" + case["query"] if case["query"] else b"")
    check_published(case["name"], "header", signature)
    write("%s/%s/header" % (suite, case["name"]), case, target, headers + unsigned,
          (canonical, to_sign, signature), case["verdict"], case["token"])


def query_form(suite, case):
    names = sorted({name.lower() for name, _ in case["headers"]})
    scope = "%s/%s/%s/aws4_request" % (case["time"][:8], case["region"], case["service"])
    params = [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", case["id"] + "/" + scope),
              ("X-Amz-Date", case["time"]), ("X-Amz-SignedHeaders", ";".join(names)),
              ("X-Amz-Expires", str(case["expires"]))]
    late = []
    if case["token"]:
        (late if case["omit_token"] else params).append(("X-Amz-Security-Token", case["token"]))
    def joined(pairs):
        return "&".join("%s=%s" % (n, encode(v.encode())) for n, v in pairs).encode()
    query = b"&".join(filter(None, [case["query"], joined(params)]))
    canonical, to_sign, signature, _ = sign(case, case["headers"], query, names)
    check_published(case["name"], "query", signature)
    target = case["path"] + b"?" + query + b"&" + joined([("X-Amz-Signature", signature)] + late)
    verdict = "reject" if case["omit_token"] else case["verdict"]
    write("%s/%s/query" % (suite, case["name"]), case, target, case["headers"], (canonical, to_sign, signature),
          verdict, case["token"])


def make(name, method="GET", path=b"/", query=b"", headers=(), body=b"", verdict="accept", **more):
    case = dict(name=name, method=method, path=path, query=query, body=body, verdict=verdict, normalize=True,
                headers=[("Host", "example.amazonaws.com")] + list(headers), sign_body=False, token=None,
                omit_token=False, id="AKIDEXAMPLE", region="us-east-1", service="service", time=TIME, expires=3600)
    case.update(more)
    return case


def official():
    def header(*values):
        return [("My-Header1", v) for v in values]
    unreserved = b"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    form = b"Param1=value1"
    yield make("get-header-key-duplicate", headers=header("value2", "value2", "value1"))
    yield make("get-header-value-order", headers=header("value4", "value1", "value3", "value2"))
    yield make("get-header-value-multiline", headers=header("value1\n  value2\n     value3"), verdict="library")
    yield make("get-header-value-trim", headers=[("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')])
    for name, path in (("get-relative", b"/example/.."), ("get-relative-relative", b"/example1/example2/../.."),
                       ("get-slash", b"//"), ("get-slash-dot-slash", b"/./"),
                       ("get-slash-pointless-dot", b"/./example"), ("get-slashes", b"//example//"),
                       ("get-space", b"/example space/")):
        space = name == "get-space"
        yield make(name + "-normalized", path=path, verdict="library" if space else "accept")
        yield make(name + "-unnormalized", path=path, normalize=False, verdict="library" if space else "reject")
    yield make("get-unreserved", path=b"/" + unreserved)
    yield make("get-utf8", path="/\u1234".encode(), verdict="library")
    yield make("get-vanilla")
    yield make("get-vanilla-query")
    yield make("get-vanilla-empty-query-key", query=form)
    yield make("get-vanilla-query-order-encoded", query=b"Param-3=Value3&Param=Value2&%E1%88%B4=Value1")
    yield make("get-vanilla-query-order-key-case", query=b"Param2=value2&Param1=value1")
    yield make("get-vanilla-query-unreserved", query=unreserved + b"=" + unreserved)
    yield make("get-vanilla-utf8-query", query="\u1234=bar".encode(), verdict="library")
    yield make("get-vanilla-with-session-token", token=SHORT_TOKEN)
    yield make("post-header-key-case", "POST")
    yield make("post-header-key-sort", "POST", headers=header("value1"))
    yield make("post-header-value-case", "POST", headers=header("VALUE1"))
    yield make("post-sts-header-before", "POST", token=LONG_TOKEN)
    yield make("post-sts-header-after", "POST", token=LONG_TOKEN, omit_token=True, verdict="policy")
    yield make("post-vanilla", "POST")
    yield make("post-vanilla-query", "POST", query=form)
    yield make("post-vanilla-empty-query-value", "POST", query=form)
    for name, kind in (("", ""), ("-parameters", "; charset=utf-8")):
        yield make("post-x-www-form-urlencoded" + name, "POST", body=form, sign_body=True, headers=[
            ("Content-Type", "application/x-www-form-urlencoded" + kind), ("Content-Length", "13")])


def others():
    yield make("get-vanilla-query-order-key", query=b"Param1=value2&Param1=Value1")
    yield make("get-vanilla-query-order-value", query=b"Param1=value2&Param1=value1")
    lambda_arn = b"arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun"
    case = make("double-url-encode", "POST", b"/2015-03-31/functions/" + lambda_arn + b"/invocations",
                region="us-east-2", service="lambda", time="20210511T154045Z")
    case["headers"] = [("Host", "lambda.us-east-2.amazonaws.com")]
    yield case


def blind_spots():
    """What the official vectors can't see: each folder names the mistake that it catches."""
    arn = b"/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role"
    def eks(name, **more):
        return make(name, service="eks", **more)
    yield eks("path-decoded-before-encoding", path=arn)
    yield eks("path-lower-case-escapes", path=arn.replace(b"%3A", b"%3a").replace(b"%2F", b"%2f"))
    yield eks("path-raw-colons", path=b"/tags/arn:aws:eks:us-east-1:111122223333:cluster")
    yield eks("path-encoded-dot-segment", path=b"/a/%2e%2e/b")
    yield eks("query-plus-is-plus", query=b"nextToken=a+b%2Bc%20d")
    yield eks("query-case-sensitive-order", query=b"b=1&B=2&a=3&A=4")
    yield eks("query-sorted-by-value-too", query=b"k=b&k=a&k=a%20b&k=%C3%A9")
    yield eks("query-every-repeated-value-counts", query=b"tagKeys=one&tagKeys=two&tagKeys=one")
    yield eks("query-bare-name", query=b"b&a=&c=1")
    yield eks("query-encoded-name-order", query=b"a%2Db=1&a=2&a-=3&%61=0")
    yield eks("query-other-spellings", query=b"a=%7e%41%2f/:@!$'()*,;%2a&&b==c")
    yield eks("body-hash-in-header", method="POST", path=b"/clusters/prod/access-entries", sign_body=True,
              body=b'{"principalArn":"arn:aws:iam::111122223333:role/my-role"}',
              headers=[("Content-Type", "application/json")])
    yield eks("header-inner-tab", headers=[("My-Header1", "a \t b")])
    yield eks("header-empty-value", headers=[("My-Header1", "")])


def eks_rows():
    """(name, id, method, path, query, headers, body, token, published signature)."""
    base = "eks.us-east-1.amazonaws.com"
    body = (b'{"principalArn": "arn:aws:iam::111122223333:role/my-role", "kubernetesGroups": ["g"], '
            b'"clientRequestToken": "00000000-0000-0000-0000-000000000000"}')
    return [
        ("e1-describe-access-entry", "AKIDEXAMPLE", "GET",
         "/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role", base, {}, b"", None,
         "1e4fcb0bd084b4c1"),
        ("e3-create-access-entry", "AKIDEXAMPLE", "POST", "/clusters/prod/access-entries", base,
         {"Content-Type": "application/json"}, body, None, "47c8fcb105da76dd"),
        ("e7-session-token", "ASIDEXAMPLE", "GET", "/clusters/prod", base, {}, b"", "TOKENexample/+==",
         "e65f6cbfd0a95ac4"),
        ("e9-host-with-port", "AKIDEXAMPLE", "GET", "/clusters/prod", "gw.example:8443", {}, b"", None,
         "7abbcd9eaabf5883"),
    ]


def eks_cases():
    for name, key, method, path, host, headers, body, token, published in eks_rows():
        case = make(name, method, path.encode(), body=body, service="eks", id=key, token=token)
        case["headers"] = [("Host", host)] + list(headers.items())
        PUBLISHED[(name, "header")] = published
        yield case


def check_with_botocore():
    """The same requests signed by botocore must have the published signatures."""
    try:
        import datetime
        import botocore.auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        print("botocore is not installed: its signatures are not compared again", file=sys.stderr)
        return
    instant = datetime.datetime(2015, 8, 30, 12, 36, 0)
    botocore.auth.get_current_datetime = lambda *_, **__: instant
    for name, key, method, path, host, headers, body, token, published in eks_rows():
        request = AWSRequest(method=method, url="http://%s%s" % (host, path) if ":" in host else
                             "https://%s%s" % (host, path), headers=headers, data=body)
        botocore.auth.SigV4Auth(Credentials(key, SECRET, token), "eks", "us-east-1").add_auth(request)
        got = request.headers["Authorization"].rpartition("Signature=")[2]
        if not got.startswith(published):
            sys.exit("botocore disagrees about %s: %s" % (name, got))


def check_published(name, form, signature):
    published = PUBLISHED.get((name, form))
    if published is not None and not signature.startswith(published):
        sys.exit("%s (%s form): computed %s, published %s" % (name, form, signature, published))


VANILLA = "5fa00fa31553b73e"
PUBLISHED = {
    ("get-header-key-duplicate", "header"): "c9d5ea9f3f72853a",
    ("get-header-value-order", "header"): "08c7e5a9acfcfeb3",
    ("get-header-value-trim", "header"): "acc3ed3afb60bb29",
    ("get-relative-normalized", "header"): VANILLA,
    ("get-relative-relative-normalized", "header"): VANILLA,
    ("get-slash-normalized", "header"): VANILLA,
    ("get-slash-dot-slash-normalized", "header"): VANILLA,
    ("get-slash-pointless-dot-normalized", "header"): "ef75d96142cf21ed",
    ("get-slashes-normalized", "header"): "9a624bd73a37c9a3",
    ("get-space-normalized", "header"): "6524875832003255",
    ("get-relative-unnormalized", "header"): "eca7ead57bb5aa5c",
    ("get-relative-relative-unnormalized", "header"): "dc33e0856fd4baca",
    ("get-slash-unnormalized", "header"): "c88bcd3d312d7507",
    ("get-slash-dot-slash-unnormalized", "header"): "68714168e6557f8f",
    ("get-slash-pointless-dot-unnormalized", "header"): "beb03f223f7deae4",
    ("get-slashes-unnormalized", "header"): "87cca117541a147f",
    ("get-space-unnormalized", "header"): "6524875832003255",
    ("get-unreserved", "header"): "07ef7494c76fa485",
    ("get-utf8", "header"): "8318018e0b0f223a",
    ("get-vanilla", "header"): VANILLA,
    ("get-vanilla-query", "header"): VANILLA,
    ("get-vanilla-empty-query-key", "header"): "a67d582fa61cc504",
    ("get-vanilla-query-order-encoded", "header"): "371d3713e185cc33",
    ("get-vanilla-query-order-key-case", "header"): "b97d918cfa904a5b",
    ("get-vanilla-query-unreserved", "header"): "9c3e54bfcdf0b197",
    ("get-vanilla-utf8-query", "header"): "2cdec8eed098649f",
    ("get-vanilla-with-session-token", "header"): "07ec1639c89043aa",
    ("post-header-key-case", "header"): "5da7c1a2acd57cee",
    ("post-header-key-sort", "header"): "c5410059b04c1ee0",
    ("post-header-value-case", "header"): "cdbc9802e29d2942",
    ("post-sts-header-before", "header"): "85d96828115b5dc0",
    ("post-sts-header-after", "header"): "5da7c1a2acd57cee",
    ("post-vanilla", "header"): "5da7c1a2acd57cee",
    ("post-vanilla-query", "header"): "28038455d6de14ea",
    ("post-vanilla-empty-query-value", "header"): "28038455d6de14ea",
    ("post-x-www-form-urlencoded", "header"): "d3875051da386907",
    ("post-x-www-form-urlencoded-parameters", "header"): "328d1b9eaadca9f5",
    ("get-vanilla-query", "query"): "e93c787ed7f371d5",
    ("get-header-value-trim", "query"): "e7bb0fd515e125e1",
    ("get-header-key-duplicate", "query"): "3349ee0b81b4b589",
    ("get-header-value-multiline", "header"): "cfd34249e4b1c8d6",
    ("get-header-value-multiline", "query"): "e6f5def831211aca",
    ("get-utf8", "query"): "10eae3f14a260bd3",
    ("get-vanilla-query-order-encoded", "query"): "c5f1848ceec943ac",
    ("get-vanilla-with-session-token", "query"): "7ff2b50b376cb4d1",
    ("get-relative-unnormalized", "query"): "cbcb213b928a077e",
    ("get-slashes-normalized", "query"): "c1834e8fb0307243",
    ("get-vanilla-utf8-query", "query"): "0bdd809b1519ac4f",
    ("get-space-normalized", "query"): "7a1f416954786484",
    ("get-header-value-order", "query"): "313720e71ca6202f",
    ("get-vanilla-query-unreserved", "query"): "8e76a88a7433637b",
    ("get-vanilla-query-order-key-case", "query"): "86012e2c9ad4d773",
    ("post-header-value-case", "query"): "0698bc9e4f7f9139",
    ("get-vanilla-query-order-key", "header"): "eedbc4e2",
    ("get-vanilla-query-order-value", "header"): "5772eed6",
    ("e10-presigned", "query"): "e39097ebc0710cf9",
    ("double-url-encode", "header"): "4b93abbcc68be32b",
}


def main():
    for suite in ("official", "older", "eks", "blind-spots"):
        shutil.rmtree(os.path.join(HERE, suite), ignore_errors=True)
    for case in official():
        header_form("official", case)
        query_form("official", case)
    for case in others():
        header_form("older", case)
    for case in eks_cases():
        header_form("eks", case)
    presigned = make("e10-presigned", path=b"/clusters/prod", service="eks", expires=60)
    presigned["headers"] = [("Host", "eks.us-east-1.amazonaws.com")]
    query_form("eks", presigned)
    for case in blind_spots():
        header_form("blind-spots", case)
        query_form("blind-spots", case)
    check_with_botocore()


if __name__ == "__main__":
    main()
