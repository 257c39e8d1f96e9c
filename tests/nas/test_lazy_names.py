"""`import nas` is cheap; the builders come when asked for."""

import subprocess
import sys

import pytest

import nas
from nas.models.heads.build import build_head
from nas.models.networks import build_network


@pytest.mark.slow
def test_import_needs_no_torch():
    code = "import sys, nas; nas.build_head.__name__ if len(sys.argv) > 1 else None; print('torch' in sys.modules)"
    for arguments, expected in (([], "False"), (["now"], "True")):
        done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == expected


def test_names_are_the_builders():
    assert nas.build_head is build_head
    assert nas.build_network is build_network
    assert set(nas.__all__) <= set(dir(nas))


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = nas.nonsense
