"""`segnas export --onnx`: the best head of a search as a file to be timed."""

from __future__ import annotations

import pytest

from nas.results.status import TrialStatus

pytestmark = pytest.mark.slow  # imports torch


def test_the_best_head_as_onnx(segnas, service, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    search = service.search(name="exported")
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    code, out, err = segnas("export", search, "--onnx", tmp_path / "head.onnx")
    assert (code, err) == (0, "")
    assert out == f"wrote {tmp_path / 'head.onnx'}, with initial weights; `segnas retrain --onnx` trains the network\n"
    session = onnxruntime.InferenceSession(tmp_path / "head.onnx", providers=["CPUExecutionProvider"])
    assert [(given.name, given.shape[1]) for given in session.get_inputs()] == [("features_16", 320)]
    assert session.get_modelmeta().custom_metadata_map["search"] == search
    code, _, err = segnas("export", search, "--onnx", tmp_path / "x.onnx", "--format", "deeplab")
    assert code == 2
    assert "--onnx writes no JSON" in err
