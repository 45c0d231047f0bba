"""A gateway like that of Amazon Managed Service for Prometheus: botocore recomputes the signature of each request as it
arrived, and a request with another one is answered with 403.

Prints a line of JSON for each request. Requests with an Action are those to AWS's security token service: they
are verified too, and moto answers them; the keys that it gives are taken from then on.

usage: sigv4_gateway.py --port PORT --behind PORT --key ID:SECRET[:TOKEN]… [--sts PORT] [--busy N]
"""

import argparse
import datetime
import hashlib
import http.client
import http.server
import json
import re
import sys
import threading
import urllib.parse
import xml.etree.ElementTree as ET

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
REGION = "eu-test-1"
# A request is signed when it is sent, also when it is sent again.
MAX_AGE = datetime.timedelta(seconds=4)

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--behind", type=int, required=True)
parser.add_argument("--key", action="append", default=[])
parser.add_argument("--sts", type=int)
parser.add_argument("--busy", type=int, default=0, help="answer this many queries with 503 and Retry-After first")
options = parser.parse_args()
keys = {}
for key in options.key:
    name, secret, *token = key.split(":")
    keys[name] = (secret, token[0] if token else None)
lock = threading.Lock()


def fault(method, target, headers, body, service):
    """What is wrong with the signature of a request, or None."""
    match = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if not match:
        return "Missing Authentication Token"
    name, day, region, for_service, signed, signature = match.groups()
    if name not in keys:
        return "The security token included in the request is invalid."
    if (region, for_service) != (REGION, service):
        return f"Credential should be scoped to {REGION}/{service}, not {region}/{for_service}"
    secret, token = keys[name]
    if headers.get("X-Amz-Security-Token") != token:
        return "The security token included in the request is invalid: another session token"
    stamp = headers.get("X-Amz-Date", "")
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if stamp[:8] != day or abs(datetime.datetime.now(datetime.timezone.utc) - at) > MAX_AGE:
        return f"Signature expired: {stamp}"
    signed = signed.split(";")
    must = {"host"} | {header.lower() for header in headers if header.lower().startswith("x-amz-")}
    if not must <= set(signed) or signed != sorted(signed):
        return f"not signed: {sorted(must - set(signed))} of {signed}"
    if headers.get("X-Amz-Content-SHA256") != hashlib.sha256(body).hexdigest():
        return "The body has another hash"
    request = AWSRequest(method=method, url=f"http://{headers['Host']}{target}", data=body)
    for header in signed:
        request.headers[header] = headers[header]
    request.context["timestamp"] = stamp
    auth = SigV4Auth(Credentials(name, secret, token), service, region)
    canonical = auth.canonical_request(request)
    if auth.signature(auth.string_to_sign(request, canonical), request) != signature:
        # AWS repeats the canonical request too, with the session token in it.
        return f"The request signature we calculated does not match. The Canonical String should have been '{canonical}'"
    return None


class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.take("GET")

    def do_POST(self):
        self.take("POST")

    def take(self, method):
        if self.path == "/ready":
            return self.answer(200, [], b"")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        form = urllib.parse.parse_qs(body.decode("latin-1")) if self.path == "/" else {}
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        action = (form.get("Action") or query.get("Action") or [None])[0]
        # A web identity is proof enough: that request is not signed.
        is_unsigned = action == "AssumeRoleWithWebIdentity"
        wrong = None if is_unsigned else fault(method, self.path, self.headers, body, "sts" if action else "aps")
        name = (AUTHORIZATION.match(self.headers.get("Authorization", "")) or [None, None])[1]
        seen = {"method": method, "path": self.path, "action": action, "key": name, "wrong": wrong}
        seen["external_id"] = form.get("ExternalId", [None])[0]
        with lock:
            print(json.dumps(seen), flush=True)
            is_busy = not wrong and not action and "query" in self.path and options.busy > 0
            options.busy -= is_busy
        if wrong:
            kind = "application/x-amz-json-1.1"
            return self.answer(403, [("Content-Type", kind)], json.dumps({"message": wrong}).encode())
        if is_busy:
            return self.answer(503, [("Retry-After", "6")], b"")
        if self.path.startswith("/old/"):
            return self.answer(307, [("Location", self.path.replace("/old/", "/new~1/", 1))], b"")
        if action:
            return self.give_keys(method, body)
        self.forward(options.behind, method, self.path[self.path.index("/api/") :], body)

    def forward(self, port, method, path, body):
        server = http.client.HTTPConnection("127.0.0.1", port)
        kept = ("content-type", "content-encoding", "accept-encoding", "accept", "x-prometheus-remote-read-version")
        server.request(method, path, body, {name: value for name, value in self.headers.items() if name.lower() in kept})
        response = server.getresponse()
        body = response.read()
        headers = [(name, value) for name, value in response.getheaders() if name.lower().startswith("content-")]
        self.answer(response.status, headers, body)
        return response.status, body

    def give_keys(self, method, body):
        server = http.client.HTTPConnection("127.0.0.1", options.sts)
        # moto finds the service by the signature, or by the action in the body.
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if "Authorization" in self.headers:
            headers["Authorization"] = self.headers["Authorization"]
        server.request(method, "/", body or urllib.parse.urlsplit(self.path).query, headers)
        response = server.getresponse()
        body = response.read()
        given = {element.tag.rpartition("}")[2]: element.text for element in ET.fromstring(body).iter()}
        if "AccessKeyId" in given:
            keys[given["AccessKeyId"]] = (given["SecretAccessKey"], given["SessionToken"])
        self.answer(response.status, [("Content-Type", "text/xml")], body)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


sys.exit(http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Gateway).serve_forever())
