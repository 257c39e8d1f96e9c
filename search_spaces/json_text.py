"""JSON as RFC 8259 defines it, and not more: finite numbers, each key once, bounded depth."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MOST_DIGITS = 4300
"""Of an integer; Python converts no more, since that takes time quadratic in their number."""


def parse_json(text: str) -> Any:
    """Parse JSON.

    Args:
        text: The JSON text.

    Raises:
        json.JSONDecodeError: The text is no JSON, or has NaN, a number beyond all bounds, a key twice in one object, or
            too deep a nesting; its `msg` says what, and its position where that is known.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        reason = "it is nested too deeply"
    except _RefusedError as error:
        reason = str(error)
    except ValueError:  # Python's limit on digits
        reason = f"a number has too many digits, more than {MOST_DIGITS}"
    raise json.JSONDecodeError(reason, "", 0)


class _RefusedError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _RefusedError(f"the key {_short(twice)!r} stands in one object twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedError(f"{_short(text)} is too large to be a finite number")
    return number


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
