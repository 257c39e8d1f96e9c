"""What the scripts must not know; no browser is needed to see it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from api.app import STATIC
from nas.kinds.registry import kinds

SCRIPTS = sorted(Path(STATIC).glob("*.js"))


def test_the_page_knows_no_kind_of_search():
    names = re.compile("|".join((*kinds(), r"\bkind\s*===")))
    assert len(SCRIPTS) > 5
    assert {script.name: found for script in SCRIPTS if (found := names.findall(script.read_text()))} == {}


def test_the_page_names_no_operator():
    assert not [script.name for script in SCRIPTS if re.search(r"sep_3x3|atrous|H\(l|H\[l", script.read_text())]


def test_the_plot_library_says_what_it_is():
    folder = Path(STATIC) / "uplot"
    package = json.loads((folder / "package.json").read_text())
    assert f"(v{package['version']})" in (folder / "uPlot.iife.min.js").read_text()[:200]
    assert (package["name"], package["license"]) == ("uplot", "MIT")
    assert "The MIT License" in (folder / "LICENSE").read_text()
    docs = Path(__file__).parents[3] / "docs" / "reference" / "rest.md"
    assert f"uPlot](https://github.com/leeoniya/uPlot) {package['version']} (MIT licence)" in docs.read_text()
    index = (Path(STATIC) / "index.html").read_text()
    assert index.index("uPlot.iife.min.js") < index.index("app.js"), "the charts take it as a global when they load"
