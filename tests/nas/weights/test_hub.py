"""The hub's own cache stands in for the hub: huggingface_hub finds a network there without a connection."""

import pytest

from nas.specs import BackboneSpec
from nas.weights.hub import hub_folder, hub_name


def test_the_hub_must_be_allowed():
    with pytest.raises(ValueError, match=r"^facebook/dinov2-small is on the hub, .* put `hub: true` into"):
        hub_folder("facebook/dinov2-small", allowed=False)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "hf:facebook/dinov2-small"}, "facebook/dinov2-small"),
        ({"name": "hf:mine"}, None),
        ({"name": "timm:resnet50.a1_in1k", "weights": "hub"}, "timm/resnet50.a1_in1k"),
        ({"name": "timm:resnet50.a1_in1k"}, None),
        ({"name": "resnet50", "weights": "hub"}, None),
    ],
)
def test_which_backbones_come_from_the_hub(fields, name):
    assert hub_name(BackboneSpec(**fields)) == name


def test_a_network_in_the_hubs_cache_and_one_that_is_not(tmp_path, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = tmp_path / "models--org--net" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--org--net" / "refs").mkdir()
    (tmp_path / "models--org--net" / "refs" / "main").write_text("0" * 40)
    assert hub_folder("org/net", allowed=True).samefile(snapshot)
    with pytest.raises(ValueError, match=r"^org/other cannot be fetched from the hub: "):
        hub_folder("org/other", allowed=True)
