"""The manifests of deploy/kubernetes, as far as they can be judged without a cluster: what kustomize makes of them is
checked against the schemas of Kubernetes and of KubeRay's RayCluster, and against what pods and product need of each
other."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from nas.setting_sources import OTHER_VARIABLES, secret_names
from nas.settings import Settings
from workers.cluster.node import node_environment

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUBERNETES = "1.31"
"""The version whose schemas are asked; fields of these manifests are older."""

STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
POD_TEMPLATE = {"type": "object", "required": ["spec"], "additionalProperties": False, "properties": {"spec": {}}}


def strict(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


RAY_CLUSTER = strict(
    ["rayVersion", "headGroupSpec", "workerGroupSpecs"],
    rayVersion={"type": "string"},
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=strict(
        [],
        version={"enum": ["v1", "v2"]},
        idleTimeoutSeconds={"type": "integer"},
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
        env={"type": "array"},
        securityContext={"type": "object"},
        resources={"type": "object"},
    ),
    gcsFaultToleranceOptions=strict(
        ["redisAddress"], redisAddress={"type": "string"}, redisPassword=strict(["valueFrom"], valueFrom={})
    ),
    headGroupSpec=strict(
        ["template", "rayStartParams"],
        serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        rayStartParams=STRINGS,
        template=POD_TEMPLATE,
    ),
    workerGroupSpecs={
        "type": "array",
        "items": strict(
            ["groupName", "template", "rayStartParams", "minReplicas", "maxReplicas"],
            groupName={"type": "string"},
            minReplicas={"type": "integer"},
            maxReplicas={"type": "integer"},
            rayStartParams=STRINGS,
            template=POD_TEMPLATE,
        ),
    },
)
"""The part of the `spec` of a RayCluster (ray.io/v1) that the manifests use. Pod templates are checked as pods.

Source: KubeRay, docs/reference/api.md.
"""


def kustomize() -> list[str]:
    """The command that builds a kustomization; none is a reason to skip."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    pytest.skip("neither kustomize nor kubectl is installed")


@pytest.fixture(scope="module", params=["example", "fault tolerant", "with a bucket"])
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `kubectl apply -k` sends for an installation, without the optional components, with one, and with all."""
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(FOLDER, folder)
    overlay = folder / "example" / "kustomization.yaml"
    text = overlay.read_text()
    assert "# components: [../gcs-fault-tolerance, ../bucket]" in text
    if request.param != "example":
        text = text.replace("# components:", "components:")
    if request.param == "fault tolerant":
        text = text.replace(", ../bucket]", "]")
    overlay.write_text(text)
    built = subprocess.run([*kustomize(), overlay.parent], check=True, capture_output=True, text=True)
    assert not built.stderr, built.stderr
    return list(yaml.safe_load_all(built.stdout))


def one(manifests: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    assert len(found) == 1, (kind, name)
    return found[0]


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The specs of all pods, by what they are."""
    ray = one(manifests, "RayCluster")["spec"]
    groups = {f"worker {group['groupName']}": group for group in ray["workerGroupSpecs"]}
    made = {"api": one(manifests, "Deployment")["spec"], "head": ray["headGroupSpec"]} | groups
    return {name: group["template"]["spec"] for name, group in made.items()}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    assert len(pod["containers"]) == 1
    return dict(pod["containers"][0])


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    return {variable["name"]: variable for variable in container(pod)["env"]}


def references(value: Any) -> Iterator[tuple[str, str, str | None]]:
    """(kind, name, key) of every Secret, ConfigMap and volume claim that is referred to anywhere below."""
    kinds = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in kinds:
                yield kinds[key], inner["name"], inner["key"]
            elif key == "persistentVolumeClaim":
                yield "PersistentVolumeClaim", inner["claimName"], None
            elif key in ("secret", "configMap"):
                for item in inner.get("items", [{"key": None}]):
                    yield key[0].upper() + key[1:], inner.get("secretName") or inner["name"], item["key"]
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_file_is_part_of_an_installation():
    named = {"kustomization.yaml"}
    for kustomization in FOLDER.rglob("kustomization.yaml"):
        content = yaml.safe_load(kustomization.read_text())
        files = [file for generator in content.get("configMapGenerator", []) for file in generator.get("files", [])]
        patches = [patch["path"] for patch in content.get("patches", []) if "path" in patch]
        for file in [*content.get("resources", []), *files, *patches]:
            assert (kustomization.parent / file).exists(), f"{kustomization} names {file}, which is not there"
            named |= {Path(file).name} - {"base"}
    assert {path.name for path in FOLDER.rglob("*.yaml")} == named


def test_every_manifest_is_what_kubernetes_takes(manifests):
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for manifest in manifests:
        if manifest["kind"] != "RayCluster":
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    for name, spec in pods(manifests).items():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name.replace(" ", "-")}, "spec": spec}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_ray_cluster_is_what_kuberay_takes(manifests):
    cluster = one(manifests, "RayCluster")
    assert cluster["apiVersion"] == "ray.io/v1"
    jsonschema.validate(cluster["spec"], RAY_CLUSTER)


def test_the_ray_of_the_images_is_the_one_that_is_named(manifests):
    pins = (FOLDER.parents[1] / "constraints.txt").read_text().splitlines()
    assert f"ray=={one(manifests, 'RayCluster')['spec']['rayVersion']}" in pins


def test_what_is_referred_to_is_there(manifests):
    made = {(m["kind"], m["metadata"]["name"]): m.get("data", {}) for m in manifests}
    secrets = {"segnas_token", "ray_auth_token", "postgres_password"}  # files of docker/make-env.sh
    if "gcsFaultToleranceOptions" in one(manifests, "RayCluster")["spec"]:
        secrets.add("redis_password")
    used = set()
    for kind, name, key in references(manifests):
        if kind == "Secret":
            assert name == "segnas"
            used.add(key)
        else:
            assert key is None or key in made[kind, name], (kind, name, key)
    assert used - {None} == secrets - {"segnas_token"}  # that one is a file of the whole secret
    for pod in pods(manifests).values():
        mounted = {mount["name"] for mount in container(pod)["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert {m["metadata"]["namespace"] for m in manifests} == {"segnas"}


def test_variables_are_settings(manifests):
    known = {f"SEGNAS_{name.upper()}" for name in Settings.model_fields} | set(OTHER_VARIABLES)
    known |= {f"SEGNAS_{name.upper()}_FILE" for name in secret_names(Settings)}
    for pod in pods(manifests).values():
        assert {name for name in variables(pod) if name.startswith("SEGNAS_")} <= known
        assert not set(variables(pod)) & set(node_environment()), "the image has these"
        # A service called segnas-api would put SEGNAS_API_... beside them, which are refused.
        assert pod["enableServiceLinks"] is False


def test_the_configuration_file_is_one(manifests, tmp_path):
    (tmp_path / "config.yaml").write_text(one(manifests, "ConfigMap")["data"]["config.yaml"])
    url = one(manifests, "ConfigMap")["data"]["database_url"]
    settings = Settings(home=tmp_path, database_url=url, database_password="p@s/s#")
    assert settings.store_url.startswith("postgresql+psycopg://segnas:p%40s%2Fs%23@")


def test_ray_asks_for_the_token_everywhere(manifests):
    autoscaler = one(manifests, "RayCluster")["spec"]["autoscalerOptions"]["env"]
    token = {"secretKeyRef": {"name": "segnas", "key": "ray_auth_token"}}
    for env in [autoscaler, *(container(pod)["env"] for name, pod in pods(manifests).items() if name != "api")]:
        assert {"name": "RAY_AUTH_MODE", "value": "token"} in env
        assert {"name": "RAY_AUTH_TOKEN", "valueFrom": token} in env


def test_only_service_and_head_reach_the_database(manifests):
    with_url = {name for name, pod in pods(manifests).items() if "SEGNAS_DATABASE_URL" in variables(pod)}
    with_password = {name for name, pod in pods(manifests).items() if "SEGNAS_DATABASE_PASSWORD_FILE" in variables(pod)}
    assert with_url == with_password == {"api", "head"}
    allowed = set()
    for policy in (m for m in manifests if m["kind"] == "NetworkPolicy"):
        ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [])}
        if 5432 in ports:
            allowed.add(policy["metadata"]["name"])
    assert allowed == {"segnas-api", "segnas-ray-head"}


def test_ray_is_reached_by_its_own_pods_and_the_service_alone(manifests):
    peers: dict[str, set[str]] = {"segnas-ray": set(), "segnas-ray-head": set()}
    for name, found in peers.items():
        for rule in one(manifests, "NetworkPolicy", name)["spec"]["ingress"]:
            assert rule["from"], "a rule without `from` lets everybody in"
            for peer in rule["from"]:
                labels = peer["podSelector"]["matchLabels"]
                assert "namespaceSelector" not in peer
                found.add(labels.get("ray.io/cluster") or labels["app.kubernetes.io/component"])
    assert peers == {"segnas-ray": {"segnas-ray"}, "segnas-ray-head": {"api"}}
    cluster = one(manifests, "RayCluster")["metadata"]["name"]
    assert variables(pods(manifests)["api"])["SEGNAS_RAY_DASHBOARD"]["value"] == f"http://{cluster}-head-svc:8265"


def test_pools_begin_empty_and_the_head_trains_nothing(manifests):
    ray = one(manifests, "RayCluster")["spec"]
    assert ray["enableInTreeAutoscaling"] is True
    assert ray["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in ray["workerGroupSpecs"]:
        assert group["minReplicas"] == 0 < group["maxReplicas"]
        assert "replicas" not in group, "applying the manifests again would end the workers that the autoscaler started"
        limits = container(group["template"]["spec"])["resources"]["limits"]
        assert {"cpu", "memory"} <= set(limits), "the autoscaler takes a worker's size from its limits"
    assert container(pods(manifests)["worker gpu"])["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_nodes_and_nodes_alone_get_into_the_bucket(manifests):
    given = {name: container(pod).get("envFrom", []) for name, pod in pods(manifests).items()}
    with_bucket = any(m["metadata"]["name"] == "segnas-ray-bucket" for m in manifests)
    sources = [{"secretRef": {"name": "segnas-storage"}}] if with_bucket else []
    assert given == {"api": [], "head": sources, "worker cpu": sources, "worker gpu": sources}
    if with_bucket:
        policy = one(manifests, "NetworkPolicy", "segnas-ray-bucket")["spec"]
        assert policy["podSelector"]["matchLabels"] == {"ray.io/cluster": "segnas-ray"}
        assert policy["egress"] == [{"ports": [{"protocol": "TCP", "port": 443}]}]


def test_probes_call_what_the_image_has(manifests):
    for name, pod in pods(manifests).items():
        for probe in ("readinessProbe", "livenessProbe"):
            asked = container(pod)[probe]
            if name == "api":
                assert asked["httpGet"]["path"] == {"readinessProbe": "/readyz", "livenessProbe": "/healthz"}[probe]
            else:
                assert asked["exec"]["command"][:4] == ["python", "-P", "-m", "workers.cluster.probe"]
        if name != "api":
            assert pod["terminationGracePeriodSeconds"] == 45


def test_what_nodes_write_to_under_compose_they_can_write_to_here(manifests):
    compose = yaml.safe_load((FOLDER.parents[1] / "docker-compose.yml").read_text())["services"]
    for name, service in {
        "api": "api",
        "head": "ray-head",
        "worker cpu": "ray-worker",
        "worker gpu": "ray-worker",
    }.items():
        pod = pods(manifests)[name]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        writable = {m["mountPath"] for m in container(pod)["volumeMounts"] if "emptyDir" in volumes[m["name"]]}
        assert {mount.split(":")[0] for mount in compose[service]["tmpfs"]} <= writable, name


def test_whoever_is_in_the_cluster_may_ask_the_service_for_its_metrics(manifests):
    (rule,) = one(manifests, "NetworkPolicy", "segnas-api")["spec"]["ingress"]
    assert rule == {"ports": [{"protocol": "TCP", "port": 8000}]}
    (port,) = one(manifests, "Service")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8000, "http")
    assert "SEGNAS_TOKEN_FILE" in variables(pods(manifests)["api"]), "it asks everybody for a token"


def test_pods_are_confined(manifests):
    for name, pod in pods(manifests).items():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 1000
        confined = container(pod)["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert pod.get("automountServiceAccountToken", True) is (name == "head"), (
            "the autoscaler needs it beside the head"
        )
        assert "/tmp" in {mount["mountPath"] for mount in container(pod)["volumeMounts"]}
