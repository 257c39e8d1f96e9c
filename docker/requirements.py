"""Print the project's requirements with the named extras, one a line.

    requirements.py --without ray pyproject.toml server

The images install these before the sources are copied in, so that a changed source file does not install them again.
"""

import argparse
import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path


def requirements(pyproject: Path, extras: Iterable[str], without: Collection[str] = ()) -> list[str]:
    """Requirements of the project and of its extras as `pyproject.toml` writes them, but for the packages `without`."""
    project = tomllib.loads(pyproject.read_text())["project"]
    optional = project["optional-dependencies"]
    found = [*project["dependencies"], *(requirement for extra in extras for requirement in optional[extra])]
    return [requirement for requirement in found if _package(requirement) not in without]


def _package(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return name[0].lower()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pyproject", type=Path)
    parser.add_argument("extras", nargs="*")
    parser.add_argument("--without", action="append", default=[], metavar="PACKAGE")
    arguments = parser.parse_args()
    print("\n".join(requirements(arguments.pyproject, arguments.extras, arguments.without)))
