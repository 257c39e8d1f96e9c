"""Every kind of search is known by name, and nothing but its own file asks which kind a search is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nas.kinds.registry import kind_of, kinds
from nas.specs import AutoDeepLabSpec, BlackBoxSpec, CalibrationSpec, FullScaleSpec, ReferenceSpec
from nas.specs.search import stored_specs

ROOT = Path(__file__).parents[3]
SPECS = {"AutoDeepLabSpec", "BlackBoxSpec", "CalibrationSpec", "FullScaleSpec", "ReferenceSpec"}
NAMES = {"auto_deeplab", "black_box", "calibration", "full_scale", "reference"}
MAY_ASK = ("nas/kinds/", "nas/specs/", "api/openapi/examples.py")
"""A kind itself, what specs a row may hold, and the example bodies of routes."""


def test_the_built_in_kinds_have_the_names_of_their_specs():
    assert list(kinds()) == ["black_box", "auto_deeplab", "reference", "full_scale", "calibration", "confirmation"]
    assert [kind.spec for kind in kinds().values()] == list(stored_specs())
    assert {name for name, kind in kinds().items() if not kind.requested} == {
        "full_scale",
        "calibration",
        "confirmation",
    }


@pytest.mark.parametrize("spec", [AutoDeepLabSpec, BlackBoxSpec, CalibrationSpec, FullScaleSpec, ReferenceSpec])
def test_a_kind_knows_its_own_specs_only(spec):
    (owner,) = [kind for kind in kinds().values() if kind.own(spec.model_construct(name="x")) is not None]
    assert owner is kind_of(spec.model_construct(name="x"))
    assert owner.spec is spec


def questions(tree: ast.AST) -> list[tuple[int, set[str]]]:
    """(line, names) of each place that asks which kind a search is: by the class of its spec, or by a kind's name."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, classes]):
                names = {name.id for name in ast.walk(classes) if isinstance(name, ast.Name)}
                asked = names & SPECS
            case ast.MatchClass(cls=ast.Name(id=name)):
                asked = {name} & SPECS
            case ast.Compare(left=left, comparators=others):
                texts = {part.value for part in (left, *others) if isinstance(part, ast.Constant)}
                about_kind = any("kind" in ast.unparse(part) for part in (left, *others))
                asked = {str(text) for text in texts} & NAMES if about_kind else set()
            case ast.Dict(keys=keys):
                asked = {str(key.value) for key in keys if isinstance(key, ast.Constant)} & NAMES
                asked = asked if len(asked) > 1 else set()
            case _:
                asked = set()
        if asked:
            found.append((getattr(node, "lineno", node.cls.lineno if isinstance(node, ast.MatchClass) else 0), asked))
    return found


@pytest.mark.parametrize(
    "code",
    [
        "isinstance(spec, BlackBoxSpec)",
        "isinstance(search.spec, (AutoDeepLabSpec, int))",
        "match spec:\n    case FullScaleSpec(): pass",
        "search.kind == 'calibration'",
        "panels = {'reference': 1, 'auto_deeplab': 2}",
    ],
)
def test_a_question_is_found(code):
    assert questions(ast.parse(code))


def test_nobody_else_asks_which_kind_a_search_is():
    """A new kind is a new file: nowhere is a list of kinds that it would be missing from."""
    asked = {
        f"{path.relative_to(ROOT)}:{line}": what
        for package in ("api", "nas", "search_spaces", "workers")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(MAY_ASK)
        for line, what in questions(ast.parse(path.read_text()))
        if "architecture.kind" not in path.read_text().splitlines()[line - 1]
    }
    assert asked == {}
