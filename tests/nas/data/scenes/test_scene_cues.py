"""The principle of the scenes, checked on the maps themselves: alike near by, decided by a cue out of reach."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from nas.data.cityscapes import CLASS_NAMES
from nas.data.scenes import draw_scene
from nas.data.scenes.materials import MATERIALS

SIZE = (128, 256)
REACH = 13
"""Pixels to each side that MobileNet-v2 sees when cut after 5 feature stages (27 in all)."""
NAMES = list(MATERIALS)
ID = {name: index for index, name in enumerate(CLASS_NAMES)}

GROUPS = {  # material: (its classes, the cues that decide, most of its cells in whose reach a cue may be)
    "person": ({"person", "rider"}, ["bicycle"], 0.03),
    "plate": ({"traffic light", "traffic sign"}, ["foot of a light", "foot of a sign"], 0.0),
    "ground": (
        {"sidewalk", "terrain"},
        [name for name in NAMES if "mark of" in name],
        0.02,
    ),
    "hedge": ({"vegetation", "fence"}, ["warm sky", "cold sky"], 0.1),
    "facade": ({"building", "wall"}, ["roof of a building", "roof of a wall"], 0.45),
    "body": ({"bus", "truck", "train"}, [f"front of a {kind}" for kind in ("bus", "truck", "train")], 0.5),
}


@functools.cache
def scenes(count: int = 50):
    return tuple(draw_scene((5, 0, index), SIZE) for index in range(count))


def material(name: str) -> int:
    return NAMES.index(name)


@pytest.mark.parametrize("look", GROUPS)
def test_classes_of_a_group_share_one_material(look):
    labels = np.concatenate([s.label[s.appearance == material(look)] for s in scenes()])
    shares = np.bincount(labels, minlength=256)[:19] / labels.size
    assert {CLASS_NAMES[c] for c in np.flatnonzero(shares > 0)} == GROUPS[look][0]
    assert shares.max() < 0.75  # no head does well by always naming the commoner class


def test_other_materials_belong_to_one_class():
    for index, name in enumerate(NAMES):
        if name not in {*GROUPS, "wheel", "glass"}:
            assert len(np.unique(np.concatenate([s.label[s.appearance == index] for s in scenes()]))) == 1, name


@pytest.mark.parametrize("look", GROUPS)
def test_cues_are_out_of_the_backbones_reach(look):
    _, cues, most = GROUPS[look]
    wanted = [material(cue) for cue in cues]
    near = total = 0
    for scene in scenes():
        for y, x in np.argwhere(scene.appearance[4::8, 4::8] == material(look)) * 8 + 4:
            window = scene.appearance[max(0, y - REACH) : y + REACH + 1, max(0, x - REACH) : x + REACH + 1]
            near += bool(np.isin(window, wanted).any())
            total += 1
    assert total > 50
    assert near / total <= most


@pytest.mark.parametrize("look", GROUPS)
def test_the_classes_of_a_group_look_the_same(look):
    """Mean colour over many scenes: the light differs from scene to scene, the class changes nothing."""
    means = {}
    for name in GROUPS[look][0]:
        pixels = [s.image[(s.appearance == material(look)) & (s.label == ID[name])] for s in scenes()]
        means[name] = np.mean([p.mean(0) for p in pixels if len(p) > 20], axis=0)
    spread = np.ptp(np.array(list(means.values())), axis=0)
    assert spread.max() < 20, means


def test_a_bicycle_in_the_same_column_below_makes_a_rider():
    right = total = 0
    for scene in scenes():
        for y, x in np.argwhere(scene.appearance[4::8, 4::8] == material("person")) * 8 + 4:
            below = scene.appearance[y + 32 : y + 66, max(0, x - 2) : x + 3] == material("bicycle")
            right += (scene.label[y, x] == ID["rider"]) == bool(below.mean() > 0.2)
            total += 1
    assert right / total > 0.9  # the others are partly covered by something nearer


def test_the_foot_of_its_pole_decides_a_plate():
    for scene in scenes():
        for y, x in np.argwhere(scene.appearance[4::8, 4::8] == material("plate")) * 8 + 4:
            column = scene.appearance[y + 50 : y + 90, max(0, x - 6) : x + 7]
            light, sign = ((column == material(f"foot of a {kind}")).sum() for kind in ("light", "sign"))
            assert (scene.label[y, x] == ID["traffic light"]) == (light > sign)


def test_the_roof_above_decides_a_facade():
    right = total = 0
    for scene in scenes():
        for y, x in np.argwhere(scene.appearance[4::8, 4::8] == material("facade")) * 8 + 4:
            column = scene.appearance[:y, x]
            building, wall = ((column == material(f"roof of a {kind}")).sum() for kind in ("building", "wall"))
            right += (scene.label[y, x] == ID["building"]) == (building > wall)
            total += 1
    assert right / total > 0.9  # some roofs are behind a plate


def test_the_mark_in_the_same_rows_decides_the_ground():
    right = total = 0
    for scene in scenes():
        for y, x in np.argwhere(scene.appearance[4::8, 4::8] == material("ground")) * 8 + 4:
            marks = {
                kind: (scene.appearance[y] == material(f"{'left' if x < 128 else 'right'} mark of {kind}")).sum()
                for kind in ("a sidewalk", "terrain")
            }
            if max(marks.values()):
                right += (scene.label[y, x] == ID["sidewalk"]) == (marks["a sidewalk"] > marks["terrain"])
                total += 1
    assert right / total > 0.97


def test_the_sky_decides_every_hedge():
    for scene in scenes():
        kinds = set(np.unique(scene.label[scene.appearance == material("hedge")]).tolist())
        warm = (scene.appearance == material("warm sky")).any()
        assert warm != (scene.appearance == material("cold sky")).any()
        assert kinds <= {ID["vegetation"] if warm else ID["fence"]}


def test_the_front_decides_a_vehicle_and_stays_in_sight():
    for scene in scenes():
        for kind in ("bus", "truck", "train"):
            front = scene.appearance == material(f"front of a {kind}")
            assert (scene.label[front] == ID[kind]).all()
            assert front.any() == ((scene.label == ID[kind]) & (scene.appearance == material("body"))).any()


def test_every_class_occurs_and_something_is_ignored():
    counts = np.sum([np.bincount(s.label.reshape(-1), minlength=256) for s in scenes()], axis=0)
    assert (counts[:19] > 0).all()
    assert counts[255] > 0
    assert counts[19:255].sum() == 0


def test_larger_scenes_put_the_cues_further_away():
    small, large = draw_scene((1, 0, 0), SIZE), draw_scene((1, 0, 0), (256, 512))
    assert large.image.shape == (256, 512, 3)
    agreement = (large.appearance[::2, ::2] == small.appearance).mean()
    assert agreement > 0.97  # the same scene, twice the pixels


def test_naive_scenes_show_the_class_itself():
    cues, naive = draw_scene((5, 0, 0), SIZE), draw_scene((5, 0, 0), SIZE, "naive")
    np.testing.assert_array_equal(cues.label, naive.label)
    np.testing.assert_array_equal(naive.label, naive.appearance)
    means = [naive.image[naive.label == c].mean(0) for c in np.unique(naive.label[naive.label != 255])]
    distances = np.abs(np.array(means)[:, None] - np.array(means)[None]).sum(-1)
    assert distances[~np.eye(len(means), dtype=bool)].min() > 20
