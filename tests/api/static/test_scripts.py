"""What the scripts must not know; no browser is needed to see it."""

from __future__ import annotations

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
