import platform

import torch

from nas.results.software import software_versions


def test_versions_are_those_of_this_process():
    versions = software_versions()
    assert versions["python"] == platform.python_version()
    assert versions["torch"] == torch.__version__
    assert versions["segnas"] not in ("", "source")
