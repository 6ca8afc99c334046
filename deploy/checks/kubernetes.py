"""Kubernetes manifests: rendered, each against the schema of its kind, and against each other.

ScaledObject, PodMonitor and other kinds that clusters add are checked by rules of our own alone.
"""

import re
import shutil
import sys

import kubernetes_validate
import yaml

from . import images, tools
from .documents import DEPLOY, StrictLoader, read_all

VERSIONS = ["1.30", "1.33"]
# What a worker that hangs may take beyond its drain (WorkerCommand).
BEYOND_DRAIN = 40
# Keys of kinds that clusters add, with what must be there.
ADDED = {
    "ScaledObject": ("keda.sh/v1alpha1", {"scaleTargetRef", "triggers"}),
    "PodMonitor": ("monitoring.coreos.com/v1", {"selector", "podMetricsEndpoints"}),
}


def render(folder):
    fine, output = tools.run("kubectl", "kustomize", DEPLOY / "kubernetes" / folder)
    if not fine:
        raise RuntimeError(output)
    return list(yaml.load_all(output, StrictLoader))


def unrendered():
    print("note: without kubectl the manifests are checked one by one, not rendered", file=sys.stderr)
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        for item in read_all(path):
            if item["kind"] not in ("Kustomization", "Component"):
                yield from (f"{path.name}: {problem}" for problem in [*form(item), *pods(item)])


def failures():
    if shutil.which("kubectl") is None:
        yield from unrendered()
        return
    for folder in ("base", "overlays/example"):
        try:
            objects = render(folder)
        except RuntimeError as error:
            yield f"{folder}: {error}"
            continue
        for item in objects:
            name = f"{folder}: {item['kind']} {item['metadata']['name']}"
            yield from (f"{name}: {problem}" for problem in form(item))
            yield from (f"{name}: {problem}" for problem in pods(item))
        yield from (f"{folder}: {problem}" for problem in together(objects))


def form(item):
    if item["kind"] in ADDED:
        version, keys = ADDED[item["kind"]]
        if item["apiVersion"] != version or not keys <= set(item["spec"]):
            yield f"must be {version} with {sorted(keys)}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {'/'.join(map(str, error.path))}: {error.message}"


def template(item):
    """The pod template of a workload, or None."""
    spec = item.get("spec", {})
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec.get("template") if item["kind"] in ("Deployment", "Job", "CronJob") else None


def pods(item):
    """Kubernetes' "restricted" standard, and what else every pod here keeps to."""
    pod = (template(item) or {}).get("spec")
    if pod is None:
        return
    context = pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or context.get("runAsUser") != 10001:
        yield "must run as user 10001"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "needs the seccomp profile RuntimeDefault"
    if pod.get("automountServiceAccountToken") is not False:
        yield "must mount no token"
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{container['name']}: privileges must be dropped"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']}: the root file system must be read-only"
        if not {"requests", "limits"} <= set(container.get("resources", {})):
            yield f"{container['name']}: requests and limits are missing"
        yield from (f"{container['name']}: {problem}" for problem in [images.problem(container["image"])] if problem)
        for variable in container.get("env", []):
            if re.search("CACHE|PASSWORD|SECRET|PROPERTY", variable["name"]) and "value" in variable:
                yield f"{variable['name']} must come from a Secret"


def together(objects):
    named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    if any(kind == "Secret" for kind, _ in named):
        yield "holds a Secret: only references belong here"
    worker = named["Deployment", "focus-worker"]
    pod = worker["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    labels = worker["spec"]["template"]["metadata"]["labels"]
    settings = [source["configMapRef"]["name"] for source in container["envFrom"]]
    drain = 30
    for name in settings:
        if ("ConfigMap", name) not in named:
            yield f"the worker reads ConfigMap {name}, which is not there"
        else:
            drain = int(named["ConfigMap", name]["data"].get("FOCUS_DRAIN_TIMEOUT", drain))
    if pod["terminationGracePeriodSeconds"] <= drain + BEYOND_DRAIN:
        yield f"terminationGracePeriodSeconds must be more than {drain} + {BEYOND_DRAIN}"
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        if container[probe]["httpGet"]["path"] != path:
            yield f"{probe} must ask {path}"
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    if not mounts["model"].get("readOnly"):
        yield "the model must be mounted read-only"
    for volume in pod["volumes"]:
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and ("PersistentVolumeClaim", claim) not in named:
            yield f"the worker mounts {claim}, which is not there"
    for item in objects:
        selector = item.get("spec", {}).get("selector" if item["kind"] != "NetworkPolicy" else "podSelector")
        if item["kind"] in ("PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
            if not selector["matchLabels"].items() <= labels.items():
                yield f"{item['kind']} {item['metadata']['name']} selects no worker"
    scaled = named.get(("ScaledObject", "focus-worker"))
    if scaled:
        if ("Deployment", scaled["spec"]["scaleTargetRef"]["name"]) not in named:
            yield "the ScaledObject scales nothing"
        if "replicas" in worker["spec"]:
            yield "the Deployment must leave its replicas to KEDA"
        data = named["ConfigMap", settings[0]]["data"]
        for trigger in scaled["spec"]["triggers"]:
            if not all(isinstance(value, str) for value in trigger["metadata"].values()):
                yield "a trigger's metadata must be strings"
            if trigger["metadata"]["bootstrapServers"] != data["FOCUS_BROKERS"]:
                yield "the ScaledObject and the worker name different brokers"
            if trigger["metadata"]["consumerGroup"] != data.get("FOCUS_GROUP", "focus"):
                yield "the ScaledObject and the worker name different groups"
