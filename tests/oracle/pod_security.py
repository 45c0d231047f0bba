"""The Pod Security Standard "restricted", including "baseline", for Linux, from the Kubernetes documentation
(Concepts, Security, Pod Security Standards). Also requires a read-only root filesystem and no API token, which the
standard does not."""

from kustomize import containers

HOST_PATH = "volume textfile: hostPath"
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
PROFILES = {"RuntimeDefault", "Localhost"}


def faults(spec):
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    of_pod = spec.get("securityContext", {})
    found += [f"sysctl {sysctl['name']}" for sysctl in of_pod.get("sysctls", []) if sysctl["name"] not in SYSCTLS]
    found += contained("pod", of_pod)
    if spec.get("automountServiceAccountToken", True):
        found.append("automountServiceAccountToken")
    for volume in spec.get("volumes", []):
        found += [f"volume {volume['name']}: {kind}" for kind in sorted(volume.keys() - VOLUMES - {"name"})]
    for container in containers(spec):
        found += of_container(container, of_pod)
    return found


def of_container(container, of_pod):
    context, name = container.get("securityContext", {}), container["name"]
    # A container's setting takes precedence over its pod's.
    merged = {key: of_pod.get(key) for key in ("runAsNonRoot", "runAsUser", "seccompProfile")} | context
    found = list(contained(name, context))
    if merged["runAsNonRoot"] is not True:
        found.append(f"{name}: runAsNonRoot")
    if merged["runAsUser"] == 0:
        found.append(f"{name}: runAsUser")
    if (merged["seccompProfile"] or {}).get("type") not in PROFILES:
        found.append(f"{name}: seccompProfile")
    if context.get("allowPrivilegeEscalation") is not False:
        found.append(f"{name}: allowPrivilegeEscalation")
    if context.get("privileged"):
        found.append(f"{name}: privileged")
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        found.append(f"{name}: capabilities")
    if context.get("procMount", "Default") != "Default":
        found.append(f"{name}: procMount")
    if context.get("readOnlyRootFilesystem") is not True:
        found.append(f"{name}: readOnlyRootFilesystem")
    if any(port.get("hostPort") for port in container.get("ports", [])):
        found.append(f"{name}: hostPort")
    return found + [f"{name}: host of a probe" for asked in handlers(container) if asked.get("host")]


def contained(name, context):
    """Checks the settings that may be in the securityContext of a pod or of a container."""
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield f"{name}: seLinuxOptions"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in PROFILES:
        yield f"{name}: appArmorProfile"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name}: hostProcess"


def handlers(container):
    probes = [container.get(f"{kind}Probe", {}) for kind in ("liveness", "readiness", "startup")]
    for handler in probes + list(container.get("lifecycle", {}).values()):
        yield from (handler[kind] for kind in ("httpGet", "tcpSocket") if kind in handler)


def in_pod(**changed):
    return lambda spec: spec["securityContext"].update(changed)


def in_container(**changed):
    return lambda spec: spec["containers"][0]["securityContext"].update(changed)


def volume(**source):
    return lambda spec: spec["volumes"].append({"name": "more", **source})


# Each change breaks one of the rules above.
CHANGES = {
    "host's network": lambda spec: spec.update(hostNetwork=True),
    "host's processes": lambda spec: spec.update(hostPID=True),
    "host's IPC": lambda spec: spec.update(hostIPC=True),
    "token": lambda spec: spec.pop("automountServiceAccountToken"),
    "root": in_pod(runAsUser=0),
    "root in a container": in_container(runAsUser=0),
    "any user": lambda spec: spec["securityContext"].pop("runAsNonRoot"),
    "any user in a container": in_container(runAsNonRoot=False),
    "no seccomp": lambda spec: spec["securityContext"].pop("seccompProfile"),
    "no seccomp in a container": in_container(seccompProfile={"type": "Unconfined"}),
    "sysctl": in_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "SELinux": in_pod(seLinuxOptions={"type": "spc_t"}),
    "SELinux's user": in_container(seLinuxOptions={"user": "system_u"}),
    "AppArmor": in_container(appArmorProfile={"type": "Unconfined"}),
    "host's process": in_pod(windowsOptions={"hostProcess": True}),
    "escalation": lambda spec: spec["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
    "privileged": in_container(privileged=True),
    "a capability": in_container(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "capabilities that stay": in_container(capabilities={"drop": ["NET_RAW"]}),
    "proc": in_container(procMount="Unmasked"),
    "a root that is written": in_container(readOnlyRootFilesystem=False),
    "hostPath": volume(hostPath={"path": "/"}),
    "NFS": volume(nfs={"server": "s", "path": "/"}),
    "port of the host": lambda spec: spec["containers"][0].update(ports=[{"containerPort": 1, "hostPort": 1}]),
    "probe elsewhere": lambda spec: spec["containers"][0].update(readinessProbe={"httpGet": {"port": 1, "host": "h"}}),
    "lifecycle elsewhere": lambda spec: spec["containers"][0].update(
        lifecycle={"preStop": {"tcpSocket": {"port": 1, "host": "h"}}}
    ),
    "a container that begins": lambda spec: spec.update(initContainers=[{"name": "first", "image": "i"}]),
}
