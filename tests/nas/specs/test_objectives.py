import pytest
from pydantic import ValidationError

from nas.specs import BlackBoxSpec, DenseCellSpace, Goals, Nsga2Strategy, objective_text
from nas.strategies import CellSpace
from search_spaces.dense_cell.cost import cell_cost
from search_spaces.latency import Latency
from tests.builders import black_box_spec, dense_cell, measured, scenes_fidelity

LATENCY = Latency(
    what="head", median_ms=4.5, iqr_ms=0.25, runs=100, device="cpu", model="a processor", threads=1, torch="2"
)
FOUND = measured(100, 0.5, class_iou=(0.9, None, 0.1, 0.5), parameters=1000, multiply_adds=50_000, latency=LATENCY)


def test_values_by_hand():
    """Costs are negative, so that the greater value is always the better one."""
    goals = Goals.model_validate(
        {"objectives": ["worst_class_iou", "miou", {"class_iou": "road", "number": 3}, "parameters", "latency"]}
    )
    assert goals.values(FOUND) == (0.1, 0.5, 0.5, -1000.0, -4.5)
    assert goals.value(FOUND) == 0.1
    assert (goals.several, goals.measure_latency) == (True, True)
    assert [objective_text(one) for one in goals.objectives] == [
        "worst class's IoU",
        "mIoU",
        "IoU of road",
        "parameters",
        "latency",
    ]


@pytest.mark.parametrize("number", [None, 1, 4])
def test_a_class_that_is_not_there_has_no_value(number):
    goals = Goals.model_validate({"objectives": [{"class_iou": "sky", "number": number}]})
    assert goals.value(FOUND) is None
    assert not goals.admits(FOUND)


@pytest.mark.parametrize(
    ("constraints", "sentence"),
    [
        ({"parameters": {"max": 1000}, "multiply_adds": {"max": 50_000}, "latency": {"max": 4.5}}, None),
        ({"parameters": {"max": 999}}, "parameters 1,000 is beyond constraints.parameters.max, 999"),
        ({"multiply_adds": {"max": 49_999}}, "multiply_adds 50,000 is beyond constraints.multiply_adds.max, 49,999"),
        ({"latency": {"max": 4.4}}, "latency 4.5 ms is beyond constraints.latency.max, 4.4 ms"),
    ],
)
def test_constraints(constraints, sentence):
    goals = Goals.model_validate({"constraints": constraints})
    assert goals.beyond(1000, 50_000, 4.5) == sentence
    assert goals.admits(FOUND) is (sentence is None)


def test_what_is_not_measured_is_not_admitted():
    goals = Goals.model_validate({"constraints": {"latency": {"max": 5}}})
    assert goals.beyond(1000, 50_000) is None, "it may still be measured"
    assert not goals.admits(measured(100, 0.5))


def test_specs_without_objectives_keep_their_keys():
    """The dump of a spec of before has no field more, nor a name in its early stopping."""
    dumped = black_box_spec().model_dump(mode="json")
    assert not {"objectives", "constraints"} & set(dumped)
    assert dumped["early_stopping"] == {"reduction": 3.0}
    assert BlackBoxSpec.model_validate(dumped) == black_box_spec()
    spec = black_box_spec(objectives=("miou", "latency"), constraints={"parameters": {"max": 10**6}})
    again = spec.model_dump(mode="json")
    assert again["constraints"] == {"parameters": {"max": 10**6}}
    assert BlackBoxSpec.model_validate(again) == spec
    assert spec.key != black_box_spec().key


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"objectives": ["parameters"]}, "the first objective is parameters, which the smallest head has without any"),
        ({"objectives": ["miou", "miou"]}, "mIoU is named twice; name each objective once"),
        ({"objectives": []}, "at least 1 item"),
        ({"objectives": ["accuracy"]}, "Input should be 'miou'"),
        ({"strategy": {"name": "nsga2"}}, "strategy nsga2 looks for the Pareto set of several objectives, and mIoU is"),
        (
            {"objectives": ["miou", "latency"], "early_stopping": {"name": "median"}},
            "early_stopping median judges one objective",
        ),
        (
            {"constraints": {"parameters": {"max": 1000}}},
            "no cell of 5 branches is within constraints: the smallest has 4288 parameters and",
        ),
        ({"constraints": {"latency": {"max": 0}}}, "greater than 0"),
        ({"constraints": {"energy": {"max": 1}}}, "Extra inputs"),
        ({"early_stopping": {"name": "halving"}}, "does not match any of the expected tags: 'asha', 'median'"),
    ],
)
def test_mistakes_are_one_sentence(changes, sentence):
    fidelity = scenes_fidelity(100, backbone={"name": "mobilenet_v2", "width": 0.35}, head={"channels": 16})
    with pytest.raises(ValidationError) as caught:
        BlackBoxSpec.model_validate({"name": "a", "fidelity": fidelity, **changes})
    assert sentence in str(caught.value)


def test_a_cell_beyond_the_constraints_is_not_proposed():
    """The tighter of limit and constraint counts, for each number by itself."""
    fidelity = scenes_fidelity(100, backbone={"name": "mobilenet_v2", "width": 0.35}, head={"channels": 16})
    spec = black_box_spec(
        space=DenseCellSpace(limit={"parameters": 20_000}),
        fidelity=fidelity,
        constraints={"parameters": {"max": 40_000}, "multiply_adds": {"max": 3 * 10**6}},
    )
    bounded = spec.space_at(fidelity)
    assert isinstance(bounded, DenseCellSpace)
    space = CellSpace.at(bounded, fidelity)
    assert space.spec.limit is not None
    assert space.setting is not None
    assert (space.spec.limit.parameters, space.spec.limit.multiply_adds) == (20_000, 3 * 10**6)
    for number in range(50):
        cost = cell_cost(dense_cell(number), space.setting)
        assert space.admits(dense_cell(number)) is (cost.parameters <= 20_000 and cost.multiply_adds <= 3 * 10**6)


def test_cells_that_cannot_be_counted_are_proposed_and_judged_on_the_worker():
    spec = black_box_spec(space=DenseCellSpace(operators="extended"), constraints={"parameters": {"max": 40_000}})
    assert spec.space_at(spec.fidelity) is spec.space
    unknown = black_box_spec(
        fidelity=scenes_fidelity(100, backbone={"name": "timm:resnet18"}), constraints={"parameters": {"max": 40_000}}
    )
    assert unknown.space_at(unknown.fidelity) is unknown.space


def test_several_objectives_have_a_strategy():
    spec = black_box_spec(Nsga2Strategy(), objectives=("miou", "multiply_adds"))
    assert spec.goals.several
