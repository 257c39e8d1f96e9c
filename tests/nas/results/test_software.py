import importlib
import platform

import pytest

from nas.results.software import software_versions


def test_versions_are_those_of_this_process():
    versions = software_versions()
    assert versions["python"] == platform.python_version()
    assert versions["segnas"] not in ("", "source")


@pytest.mark.slow
def test_the_version_of_torch_is_that_of_the_torch_that_is_imported():
    assert software_versions()["torch"] == importlib.import_module("torch").__version__
