import pytest
from pydantic import ValidationError

from search_spaces.reference_head import ReferenceHead


def test_the_papers_values_are_the_defaults():
    assert ReferenceHead(name="aspp").rates == (6, 12, 18)
    assert ReferenceHead(name="aspp").bins == ()
    assert ReferenceHead(name="ppm").bins == (1, 2, 3, 6)
    assert (ReferenceHead(name="conv1x1").rates, ReferenceHead(name="conv1x1").bins) == ((), ())


def test_values_can_be_given():
    assert ReferenceHead(name="aspp", rates=(2, 4)).rates == (2, 4)
    assert ReferenceHead(name="ppm", bins=(1,)).bins == (1,)


def test_keys_tell_heads_apart():
    heads = [ReferenceHead(name="conv1x1"), ReferenceHead(name="aspp"), ReferenceHead(name="ppm")]
    heads.append(ReferenceHead(name="aspp", rates=(1, 2)))
    assert len({head.key for head in heads}) == 4
    assert ReferenceHead(name="aspp").key == ReferenceHead(name="aspp", rates=(6, 12, 18)).key


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "ppm", "rates": [6]}, "rates belong to aspp, not to ppm; leave them out"),
        ({"name": "conv1x1", "bins": [1]}, "bins belong to ppm, not to conv1x1"),
        ({"name": "aspp", "rates": []}, "aspp needs at least one of its rates"),
        ({"name": "aspp", "rates": [0]}, "greater than or equal to 1"),
        ({"name": "fcn"}, "'conv1x1', 'aspp' or 'ppm'"),
        ({"name": ["aspp"]}, "'conv1x1', 'aspp' or 'ppm'"),
        ([], "dictionary"),
    ],
)
def test_a_wrong_head_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ReferenceHead.model_validate(data)
