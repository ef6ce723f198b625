"""The files for clusters agree with the program: options, ports, paths, figures, times."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from typer.main import get_command

from tests.voicecli.serve.conftest import TOKEN
from voicecli.cli import app
from voicecli.profile import load_profile
from voicecli.serve.app import CallRoutes
from voicecli.serve.metrics import Metrics
from voicecli.serve.plan import Request, plan_server

DEPLOY = Path(__file__).parents[3] / "docs" / "deploy"


@pytest.fixture(scope="module")
def manifests():
    found = list(yaml.safe_load_all((DEPLOY / "voicecli.yaml").read_text()))
    assert all({"apiVersion", "kind", "metadata"} <= set(f) for f in found)
    return {found["kind"]: found for found in found}


@pytest.fixture(scope="module")
def dockerfile():
    """Each instruction and its text, with continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


@pytest.fixture
def options(manifests, dockerfile):
    """What `voicecli serve` makes of the image's entry point and the pod's arguments."""
    entry = yaml.safe_load(dict(dockerfile)["ENTRYPOINT"])
    assert entry[:2] == ["voicecli", "serve"]
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    command = get_command(app).commands["serve"]
    context = command.make_context("serve", [*entry[2:], *container["args"]])
    return SimpleNamespace(**context.params)


def test_the_pods_arguments_make_a_server(options, monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)  # the manifest's only secret
    plan = plan_server(Request(options.host, options.port, options.operators, options.public_url))
    assert plan.settings.operators == ("0.0.0.0", 9090)  # noqa: S104 - in the pod's network
    assert options.log_json
    assert not options.record


def test_the_agent_of_the_config_map_is_a_profile(manifests, options, tmp_path):
    ((name, text),) = manifests["ConfigMap"]["data"].items()
    assert options.profile == f"/etc/voicecli/{name}"
    (tmp_path / name).write_text(text)
    assert load_profile(str(tmp_path / name)).llm.name == "openai_compatible"


def test_ports_and_paths_exist(manifests, options, monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    settings = plan_server(Request(operators=options.operators, host=options.host)).settings
    routes = CallRoutes(settings, None, Metrics())
    ours = {route.path for route in routes.operators_app().routes}
    theirs = {route.path for route in routes.app().routes}
    pod = manifests["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": options.port, "operators": 9090}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == "operators"
        assert asked["path"] in ours
    scraped = pod["metadata"]["annotations"]
    assert scraped["prometheus.io/port"] == "9090"
    assert scraped["prometheus.io/path"] in ours
    (service,) = manifests["Service"]["spec"]["ports"]  # operators stay inside
    assert service["targetPort"] == "http"
    (rule,) = manifests["Ingress"]["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == theirs
    assert f"https://{rule['host']}" == options.public_url


def test_a_pod_has_the_time_to_let_its_calls_end(manifests, options):
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > pause + options.drain_timeout
    proxy = manifests["Ingress"]["metadata"]["annotations"]
    assert int(proxy["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > options.max_duration


def test_the_autoscaler_watches_a_figure_that_there_is(manifests, options):
    scaler = manifests["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"]
    (metric,) = scaler["metrics"]
    assert f"\n{metric['pods']['metric']['name']} " in Metrics().page().decode()
    assert int(metric["pods"]["target"]["averageValue"]) < options.max_calls


def test_labels_select_the_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels


def test_the_image_is_built_by_the_makefile_and_not_run_as_root(dockerfile):
    root = DEPLOY.parents[1]
    steps = [shlex.split(text) for instruction, text in dockerfile if instruction == "RUN"]
    assert any(step[:2] == ["make", "install"] for step in steps)
    assert "\ninstall:" in (root / "Makefile").read_text()
    assert dict(dockerfile)["USER"] == "voicecli"
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert ".venv" in ignored  # else the Makefile would find everything installed
    built_with = dict(text.split("=", 1) for i, text in dockerfile if i == "ENV")["CMAKE_ARGS"]
    makefile = (root / "Makefile").read_text().split("CMAKE_ARGS ?= ")[1].splitlines()[0]
    assert set(makefile.split()) <= set(built_with.strip('"').split())
