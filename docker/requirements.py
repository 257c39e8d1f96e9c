"""Print the project's requirements with the named extras, one a line.

    requirements.py pyproject.toml api

The images install these before the sources are copied in, so that a changed source file does not install them again.
"""

import argparse
import tomllib
from collections.abc import Iterable
from pathlib import Path


def requirements(pyproject: Path, extras: Iterable[str]) -> list[str]:
    """Requirements of the project and of its extras as `pyproject.toml` writes them."""
    project = tomllib.loads(pyproject.read_text())["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(requirement for extra in extras for requirement in optional[extra])]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pyproject", type=Path)
    parser.add_argument("extras", nargs="*")
    arguments = parser.parse_args()
    print("\n".join(requirements(arguments.pyproject, arguments.extras)))
