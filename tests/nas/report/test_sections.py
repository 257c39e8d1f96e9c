"""What a report gives to be saved as a file."""

from __future__ import annotations

import json

from nas.report.sections import LINE, _json_text
from search_spaces import PUBLISHED_CELL


def test_json_to_be_saved_has_short_things_on_one_line():
    content = {
        "name": "a",
        "heads": [PUBLISHED_CELL.model_dump(mode="json"), {"name": "aspp", "rates": [6, 12]}],
        "e": {},
    }
    text = _json_text(content)
    assert json.loads(text) == content
    lines = text.splitlines()
    assert max(map(len, lines)) <= LINE + 20
    assert '    {"name": "aspp", "rates": [6, 12]}' in lines
    assert len(lines) < 25, "as JSON with an indentation of two it had 80"
    assert _json_text([1, 2]) == "[1, 2]"
