"""Checks deploy/kubernetes against Kubernetes' schemas and Pod Security Standards, and its command lines against the
program.

usage: manifests.py schemas|security|references|commands|indexes KUBERNETES [PROGRAM]

kubectl renders the base and each overlay. To test the checks, `schemas` and `security` also break valid documents, one
change at a time, and each change must be detected."""

import sys
from copy import deepcopy
from pathlib import Path

import kubernetes_validate

import pod_security
from command_lines import refused
from kustomize import containers, namespace, overlays, pod, render
from report import Report

# The oldest version with everything the manifests use (timeZone of a CronJob), and the newest with schemas.
OLDEST, NEWEST = "1.27", "1.37"
# Overlays that need a later one: this has backoffLimitPerIndex and podReplacementPolicy of a Job without a feature gate.
OLDEST_OF = {"shards": "1.29"}
HOST_PATH = {"textfile-host", "original"}


def invalid(document, version):
    try:
        # Without schemas of this version, the library falls back to older ones and returns their version.
        used = kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return error.message
    return None if used == version else f"no schemas of version {version}, only of {used}"


def schemas(rendered, report):
    for which, version_of in [("the oldest", lambda name: OLDEST_OF.get(name, OLDEST)), ("the newest", lambda _: NEWEST)]:
        wrong = [
            f"{name}: {document['kind']}: {fault}"
            for name, documents in rendered.items()
            for document in documents
            if (fault := invalid(document, version_of(name)))
        ]
        report.check(f"valid for {which} Kubernetes ({sum(map(len, rendered.values()))} documents)", wrong)
    unseen = []
    for name, documents in rendered.items():
        for document in documents:
            for change in (misspelt, mistyped):
                changed = deepcopy(document)
                if change(changed) and not invalid(changed, NEWEST):
                    unseen.append(f"{name}: {document['kind']} {change.__name__}")
    report.check("a misspelled key and a wrong type are rejected in each document", unseen)


def misspelt(document):
    (pod(document) or document)["nodeSelektor"] = {}
    return True


def mistyped(document):
    document["metadata"]["name"] = ["a", "list"]
    return True


def security(rendered, report):
    pods = {f"{name}: {document['kind']}": pod(document) for name, document in each_pod(rendered)}
    faults = {key: pod_security.faults(spec) for key, spec in pods.items()}
    expected = {key: [pod_security.HOST_PATH] if key.split(":")[0] in HOST_PATH else [] for key in pods}
    report.compare("pods are restricted, except for the hostPath of overlays that use the node's node_exporter", expected, faults)
    report.compare(
        "pod security level of the namespace",
        {name: "privileged" if name in HOST_PATH else "restricted" for name in rendered},
        {name: namespace(documents)["pod-security.kubernetes.io/enforce"] for name, documents in rendered.items()},
    )
    unseen = []
    for key, spec in pods.items():
        for what, change in pod_security.CHANGES.items():
            changed = deepcopy(spec)
            change(changed)
            if len(pod_security.faults(changed)) <= len(faults[key]):
                unseen.append(f"{key}: {what}")
    report.check(f"each of {len(pod_security.CHANGES)} changes that weaken a pod is detected", unseen)
    report.check(
        "pods have resource requests, a memory limit and a versioned image",
        [f"{key}: {fault}" for key, spec in pods.items() for fault in careless(spec)],
    )


def each_pod(rendered):
    return [(name, document) for name, documents in rendered.items() for document in documents if pod(document)]


def careless(spec):
    for container in containers(spec):
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
            yield f"{container['name']} has no resource requests or no memory limit"
        if container["image"].rpartition(":")[2] in ("latest", container["image"]):
            yield f"{container['image']} has no version"


def references(rendered, report):
    for name, documents in rendered.items():
        known = {(document["kind"], document["metadata"]["name"]) for document in documents}
        policies = [document["spec"] for document in documents if document["kind"] == "NetworkPolicy"]
        wrong = []
        for document in filter(pod, documents):
            spec = pod(document)
            wrong += [f"{kind} {to} does not exist" for kind, to in named_by(spec) if (kind, to) not in known]
            mounted = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
            wrong += sorted({volume["name"] for volume in spec["volumes"]} ^ mounted)
            labels = labels_of(document)
            fenced = [policy for policy in policies if policy["podSelector"]["matchLabels"].items() <= labels.items()]
            if {kind for policy in fenced for kind in policy["policyTypes"]} != {"Ingress", "Egress"}:
                wrong.append(f"no NetworkPolicy selects {document['metadata']['name']}")
            rules = [rule for policy in fenced for rule in policy.get("egress", [])]
            wrong += [f"egress is too broad: {rule}" for rule in rules if not narrow(rule)]
        report.check(f"{name}: what its pods refer to exists, and they reach only Prometheus and DNS", wrong)


def labels_of(document):
    template = document
    while "spec" in template and "containers" not in template["spec"]:
        template = template["spec"].get("jobTemplate") or template["spec"]["template"]
    return template["metadata"]["labels"]


def named_by(spec):
    for volume in spec["volumes"]:
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def narrow(rule):
    ports = {port["port"] for port in rule.get("ports", [])}
    peers = all({"namespaceSelector", "podSelector"} <= peer.keys() for peer in rule.get("to", [{}]))
    return peers and ports in ({9090}, {53})


def commands(rendered, report, program):
    tried, unseen = [], []
    for name, document in each_pod(rendered):
        indexed = document["spec"].get("completionMode") == "Indexed"
        lines = refused(pod(document), rendered[name], program, indexed=indexed)
        tried += [(f"{name}: {' '.join(arguments)}", said) for arguments, said in lines]
        changed = refused(pod(document), rendered[name], program, ["--no-such-flag"], indexed)
        unseen += [f"{name}: {' '.join(arguments)}" for arguments, said in changed if not said]
    wrong = [f"{line}: {said}" for line, said in tried if said]
    report.check(f"the program accepts the command lines ({len(tried)})", wrong)
    report.check("the program rejects each of them with an unknown flag added", unseen)
    report.check("each overlay has a command line, and live writers have a probe", missing(rendered, [line for line, _ in tried]))


def missing(rendered, lines):
    for name in rendered.keys() - {"base"}:
        own = [line for line in lines if line.startswith(f"{name}: ")]
        writes = any("--every" in line for line in own)
        if not own or writes != any("--check-health" in line for line in own):
            yield f"{name}: {own}"


def indexes(rendered, report):
    """An Indexed Job has as many completions as shards, and retries each shard alone."""
    wrong, seen = [], 0
    for name, document in each_pod(rendered):
        (line,) = [container["args"] for container in containers(pod(document)) if container["name"] == "etcd-heatmap"]
        counts = [argument.removeprefix("--shard=index/") for argument in line if argument.startswith("--shard=")]
        spec = document["spec"]
        if not counts and spec.get("completionMode") != "Indexed":
            continue
        seen += 1
        known = (spec.get("completionMode"), [str(spec.get("completions"))], "backoffLimitPerIndex" in spec)
        if known != ("Indexed", counts, True):
            wrong.append(f"{name}: {line} in {spec}")
    report.check("an Indexed Job has as many completions as its shards, each with retries of its own", wrong)
    report.compare("Indexed Jobs", {"Indexed Jobs": 1}, {"Indexed Jobs": seen})


CHECKS = {"indexes": indexes, "schemas": schemas, "security": security, "references": references, "commands": commands}


def main():
    what, folder, *program = sys.argv[1:]
    rendered = {path.name: render(path) for path in overlays(Path(folder))}
    report = Report()
    CHECKS[what](rendered, report, *program)
    report.close()


if __name__ == "__main__":
    main()
