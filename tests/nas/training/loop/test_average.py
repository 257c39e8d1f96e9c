import torch
from torch import nn

from nas.training.loop.average import WeightAverage


def values(model):
    return [value.clone() for value in model.state_dict().values()]


def test_against_a_recurrence_in_python():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    average = WeightAverage(model, 0.8)
    assert all(torch.equal(a, b) for a, b in zip(values(average.model), values(model), strict=True))
    expected = [value.double() for value in values(model)]
    for update in range(1, 61):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        model(torch.randn(4, 2, 3, 3))  # moves the running statistics and counts a batch
        average.update(model)
        decay = min(0.8, update / (update + 9))  # 0.8 from update 36 on
        expected = [decay * e + (1 - decay) * v.double() for e, v in zip(expected, values(model), strict=True)]
    *floats, counted = values(average.model)
    assert counted == 60
    for value, reference in zip(floats, expected, strict=False):
        assert torch.allclose(value.double(), reference, atol=1e-5)
    assert not torch.allclose(floats[0], values(model)[0], atol=1e-2)


def test_write_to_gives_the_average_away_and_keeps_it():
    model = nn.Linear(2, 2)
    average = WeightAverage(model, 0.5)
    before = values(model)
    nn.init.zeros_(model.weight)
    average.write_to(model)
    assert all(torch.equal(a, b) for a, b in zip(values(model), before, strict=True))
    nn.init.ones_(model.weight)
    assert torch.equal(values(average.model)[0], before[0])


def test_the_average_is_not_trained_and_not_in_training_mode():
    average = WeightAverage(nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)), 0.9)
    assert not average.model.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
