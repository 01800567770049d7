# SPDX-License-Identifier: Apache-2.0
"""Signs requests with AWS Signature Version 4, written apart from the gateway's own code."""
import hashlib
import hmac
import time
import urllib.parse

REGION = "us-west-2"
SERVICE = "eks"


def escape(text):
    """One label of a path: everything but unreserved characters escaped."""
    return urllib.parse.quote(text, safe="-_.~")


class Signer:
    """One caller's key. Keeps the day's signing key and the second's date."""

    def __init__(self, key_id, secret):
        self.key_id = key_id
        self.secret = secret
        self.day = self.day_key = None

    def _key(self, day):
        if day != self.day:
            key = ("AWS4" + self.secret).encode()
            for part in (day, REGION, SERVICE, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self.day, self.day_key = day, key
        return self.day_key

    def headers(self, method, host, path, query, body):
        """The headers of a request. `path` is as it goes over the wire, `query` its members sorted and escaped."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        day = stamp[:8]
        canonical = "\n".join((method, urllib.parse.quote(path, safe="/-_.~"), query, f"host:{host}", f"x-amz-date:{stamp}",
                               "", "host;x-amz-date", hashlib.sha256(body).hexdigest()))
        scope = f"{day}/{REGION}/{SERVICE}/aws4_request"
        to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signature = hmac.new(self._key(day), to_sign.encode(), "sha256").hexdigest()
        return {
            "Host": host,
            "X-Amz-Date": stamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, "
                             f"SignedHeaders=host;x-amz-date, Signature={signature}",
        }
