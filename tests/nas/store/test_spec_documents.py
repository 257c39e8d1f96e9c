"""Specs as documents: read once, and again when a row holds another."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nas.store.spec_documents import dump_spec, read_spec
from tests.builders import black_box_spec


def test_a_document_is_validated_once_and_again_when_it_changes():
    short, long = (dump_spec(black_box_spec(trials=trials)) for trials in (10, 20))
    spec = read_spec("s0", short)
    assert spec == black_box_spec(trials=10)
    assert read_spec("s0", dict(short)) is spec
    assert read_spec("s0", long).planned == 20
    assert read_spec("s0", short).planned == 10
    assert read_spec("s1", long).planned == 20


def test_a_broken_document_is_refused_each_time():
    broken = {**dump_spec(black_box_spec()), "trials": "many"}
    for _ in range(2):
        with pytest.raises(ValidationError):
            read_spec("s2", broken)
