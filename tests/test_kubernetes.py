"""The manifests of deploy/kubernetes: of the types that Kubernetes has, and of the server as its code is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from lightkube.codecs import from_dict
from prometheus_client.parser import text_string_to_metric_families

from server.config.arguments import server_parser
from server.config.options import Options, parse_options
from server.config.settings import unknown_variables
from server.core.app import STOP_S
from server.core.drives import MAX_SIMULATORS
from server.net.serving import END_LIMIT_S
from server.web.access import OPEN_PATHS, Access
from tests.live_server import LiveServer

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
TOKEN = "a-token-of-twenty-chars"
Manifest = dict[str, Any]
MANIFESTS: list[Manifest] = [
    manifest for file in sorted(FOLDER.glob("*.yaml")) for manifest in yaml.safe_load_all(file.read_text())
]
BUILT_IN = [manifest for manifest in MANIFESTS if not manifest["apiVersion"].startswith("keda.sh/")]


def the(kind: str) -> Manifest:
    """The only manifest of this kind."""
    (manifest,) = (manifest for manifest in MANIFESTS if manifest["kind"] == kind)
    return manifest


POD = the("Deployment")["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
ENVIRONMENT = {variable["name"]: variable.get("value", TOKEN) for variable in CONTAINER["env"]}


def options() -> Options:
    """The server's options in a pod."""
    entry = re.search(r'^ENTRYPOINT \["python", "server/drive.py", (.+)\]$', dockerfile(), re.MULTILINE)
    assert entry is not None
    return parse_options([*entry[1].replace('"', "").split(", "), *CONTAINER["args"]], ENVIRONMENT)


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize(
    "manifest", BUILT_IN, ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}"
)
def test_every_field_is_one_of_kubernetes_and_of_its_type(manifest):
    typed = from_dict(manifest)  # msgspec checks types and required fields, and leaves unknown fields out
    assert typed.to_dict() == manifest


def test_a_wrong_field_a_wrong_type_and_a_missing_field_are_noticed():
    misspelt = {**the("PodDisruptionBudget"), "spec": {"maxUnavailble": 1}}
    assert from_dict(misspelt).to_dict() != misspelt
    for spec in ({"ports": 4567}, {"ports": [{"name": "drive"}]}):
        with pytest.raises(ValueError, match=r"Expected|missing"):
            from_dict({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec})


def test_the_container_is_the_dockerfiles_and_starts_with_its_settings():
    stage = CONTAINER["image"].rpartition(":")[2]
    assert re.search(rf"^FROM base AS {stage}$", dockerfile(), re.MULTILINE)
    assert f"--uid {POD['spec']['securityContext']['runAsUser']} " in dockerfile()
    assert CONTAINER["args"] == re.findall(r'^CMD \["(.+)"\]$', dockerfile(), re.MULTILINE)
    in_pod = options()
    assert in_pod.host == "0.0.0.0"
    assert in_pod.token == TOKEN
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == in_pod.port
    assert f"EXPOSE {in_pod.port}\n" in dockerfile()


def test_every_variable_is_a_setting_of_the_server():
    _, settings = server_parser()
    assert unknown_variables(ENVIRONMENT, settings) == []
    assert all(name.startswith("DRIVE_") for name in ENVIRONMENT)


def test_a_pod_has_time_to_drain_to_brake_and_to_close_its_files():
    drain = options().drain
    grace = POD["spec"]["terminationGracePeriodSeconds"]
    assert drain > 0
    assert drain + STOP_S + END_LIMIT_S < grace <= 600, "Kubernetes' cluster autoscaler waits no longer"
    scaling = the("ScaledObject")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert scaling["scaleDown"]["stabilizationWindowSeconds"] > grace


def test_services_budget_policy_and_autoscaler_mean_these_pods():
    labels = POD["metadata"]["labels"]
    (port,) = CONTAINER["ports"]
    assert the("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    policy = the("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert [entry["port"] for rule in policy["ingress"] for entry in rule["ports"]] == [port["name"]]
    services = [manifest["spec"] for manifest in MANIFESTS if manifest["kind"] == "Service"]
    assert [service.get("sessionAffinity") for service in services] == ["ClientIP", None]
    for service in services:
        assert service["selector"] == labels
        assert service["ports"] == [{"name": "drive", "port": port["containerPort"], "targetPort": port["name"]}]
    assert the("ScaledObject")["spec"]["scaleTargetRef"]["name"] == the("Deployment")["metadata"]["name"]


def test_the_token_comes_from_one_secret():
    (variable,) = (variable for variable in CONTAINER["env"] if variable["name"] == "DRIVE_TOKEN")
    (target,) = the("TriggerAuthentication")["spec"]["secretTargetRef"]
    secret = {"name": target["name"], "key": target["key"]}
    assert variable["valueFrom"]["secretKeyRef"] == secret
    command = (ROOT / "docs" / "kubernetes.md").read_text()
    assert f"kubectl create secret generic {secret['name']} --from-literal={secret['key']}=" in command


def test_the_server_answers_the_probes_and_the_autoscaler_as_they_ask():
    (trigger,) = the("ScaledObject")["spec"]["triggers"]
    question = trigger["metadata"]
    url = urlsplit(question["url"])
    assert url.hostname is not None
    assert url.hostname.split(".")[0] in {m["metadata"]["name"] for m in MANIFESTS if m["kind"] == "Service"}
    assert url.hostname.count(".") == 2, "KEDA takes the namespace from between two dots"
    assert url.port == options().port
    probes = [CONTAINER[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")]
    assert {probe["path"] for probe in probes} == set(OPEN_PATHS)
    assert {probe["port"] for probe in probes} == {port["name"] for port in CONTAINER["ports"]}
    server = LiveServer(access=Access(TOKEN))
    try:
        for probe in probes:
            assert server.get(probe["path"], Host="10.1.2.3:4567").status == 200
        assert server.get(url.path, Host="10.1.2.3:4567").status == 401
        answer = server.get(url.path, Host="10.1.2.3:4567", Authorization=f"Bearer {TOKEN}")
    finally:
        server.close()
    samples = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }
    assert samples[question["valueLocation"]] == ({}, 0.0)
    assert 0 < float(question["targetValue"]) <= MAX_SIMULATORS / 2
