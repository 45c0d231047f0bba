"""An API server of Kubernetes with one Job, for kubectl: `job/shards` runs, and then gets the conditions of one that ended.

usage: job_api.py --port PORT --ends Complete|Failed --after SECONDS
"""

import argparse
import http.server
import json
import sys
import time
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--ends", choices=["Complete", "Failed"], required=True)
parser.add_argument("--after", type=float, required=True)
options = parser.parse_args()
start = time.monotonic()

JOBS = "/apis/batch/v1/namespaces/etcd-heatmap/jobs"
# The order of a Job since Kubernetes 1.31: the first condition says how it is going to end, the second that it has ended.
FIRST = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
RESOURCES = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "batch",
                "versions": [{"groupVersion": "batch/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "batch/v1", "version": "v1"},
            }
        ],
    },
    "/apis/batch/v1": {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "batch/v1",
        "resources": [
            {
                "name": "jobs",
                "singularName": "job",
                "namespaced": True,
                "kind": "Job",
                "verbs": ["get", "list", "watch"],
            }
        ],
    },
}


def job():
    """The Job as it is now."""
    has_ended = time.monotonic() - start > options.after
    conditions = [{"type": kind, "status": "True"} for kind in (FIRST[options.ends], options.ends) if has_ended]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "shards", "namespace": "etcd-heatmap", "uid": "1", "resourceVersion": "1"},
        "status": {"conditions": conditions} if conditions else {"active": 4},
    }


class Api(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if "watch" in query:
            return self.watch(float(query.get("timeoutSeconds", ["60"])[0]))
        if url.path == JOBS:
            jobs = {"kind": "JobList", "apiVersion": "batch/v1", "metadata": {"resourceVersion": "1"}, "items": [job()]}
            return self.answer(200, jobs)
        if url.path == f"{JOBS}/shards":
            return self.answer(200, job())
        if url.path in RESOURCES:
            return self.answer(200, RESOURCES[url.path])
        self.answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})

    def watch(self, seconds):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        until = time.monotonic() + min(seconds, 60)
        had = None
        while time.monotonic() < until:
            now = job()
            if now != had:
                self.wfile.write(json.dumps({"type": "MODIFIED", "object": now}).encode() + b"\n")
                self.wfile.flush()
                had = now
            time.sleep(0.1)

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


sys.exit(http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Api).serve_forever())
