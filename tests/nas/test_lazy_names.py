"""`import nas` is cheap; the builders come when asked for."""

import importlib
import subprocess
import sys

import pytest

import nas


@pytest.mark.slow
def test_import_needs_no_torch():
    code = "import sys, nas; nas.build_head.__name__ if len(sys.argv) > 1 else None; print('torch' in sys.modules)"
    for arguments, expected in (([], "False"), (["now"], "True")):
        done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == expected


@pytest.mark.slow
def test_names_are_the_builders():
    documents = importlib.import_module("nas.models.documents")
    assert (nas.build_head, nas.build_network) == (documents.build_head, documents.build_network)
    assert nas.load_network is importlib.import_module("nas.training.load").load_network
    assert set(nas.__all__) <= set(dir(nas))


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = nas.nonsense
