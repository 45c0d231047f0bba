"""Runs the command lines of a pod with its settings, each file at the path where the pod mounts it. No server listens
at the URL, so a valid command line ends with exit code 1; an invalid one ends with 2."""

import base64
import subprocess
import tempfile
from pathlib import Path

from kustomize import containers

NOBODY = "http://127.0.0.1:9"
SECONDS = 3


def refused(spec, documents, program, more=(), indexed=False):
    """(command line, error or None) of each container; `more` is appended to the command line."""
    for container in containers(spec):
        if container["name"] != "etcd-heatmap":
            continue
        with tempfile.TemporaryDirectory() as folder:
            volumes = {mount["mountPath"]: f"{folder}/{mount['name']}" for mount in container["volumeMounts"]}
            fill(container, spec, documents, folder, volumes)
            environment = {entry["name"]: moved(entry["value"], volumes) for entry in container.get("env", [])}
            # Kubernetes sets this only in the pods of an Indexed Job.
            environment |= {"JOB_COMPLETION_INDEX": "0"} if indexed else {}
            for arguments in command_lines(container):
                line = [program, *(moved(argument, volumes) for argument in arguments), *more]
                yield arguments, failure(line, environment | {"ETCD_HEATMAP_URL": NOBODY}, folder)


def command_lines(container):
    assert "command" not in container, "the image's entry point is the program"
    yield container["args"]
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if kind in container:
            program, *arguments = container[kind]["exec"]["command"]
            assert program == "/usr/bin/etcd-heatmap", program
            yield arguments


def fill(container, spec, documents, folder, volumes):
    contents = {(document["kind"], document["metadata"]["name"]): document.get("data") for document in documents}
    for volume in spec["volumes"]:
        place = Path(folder, volume["name"])
        place.mkdir()
        files = {}
        if "configMap" in volume:
            files = {name: text.encode() for name, text in contents["ConfigMap", volume["configMap"]["name"]].items()}
        if "secret" in volume:
            secret = contents["Secret", volume["secret"]["secretName"]]
            files = {name: base64.b64decode(text) for name, text in secret.items()}
        for name, content in files.items():
            (place / name).write_text(moved(content.decode(), volumes))


def moved(text, volumes):
    for path, place in volumes.items():
        text = text.replace(path, place)
    return text


def failure(line, environment, folder):
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(line, env=environment, cwd=folder, text=True, **streams)
    try:
        _, said = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        # With --every the program keeps running although the server is down.
        process.terminate()
        _, said = process.communicate()
        understood = any(argument.startswith("--every") for argument in line) and process.returncode == 0
    else:
        # The command line is valid: it failed on the missing server, the missing file of a probe, or missing shards.
        absent = ".prom" if "--check-health" in line else "holds no shards" if "merge" in line else NOBODY
        understood = process.returncode == 1 and absent in said
    return None if understood else f"exit code {process.returncode}: {said}"
