"""Fidelities that a request gives by name: the one that a calibration recommends, or one of its proxies."""

from __future__ import annotations

from nas.kinds.protocol import refused_fidelity
from nas.kinds.registry import kind_of
from nas.specs import Fidelity
from nas.store import NotFoundError, Store


def named_fidelity(name: str, store: Store) -> Fidelity:
    """Look up a fidelity by name.

    Args:
        name: `CALIBRATION_ID` for the fidelity that the calibration recommends, or `CALIBRATION_ID/PROXY` for one of
            its proxies.
        store: Holds the calibration.

    Raises:
        InputError: There is no such calibration or proxy, or the calibration recommends none.
    """
    search_id, _, proxy = name.partition("/")
    try:
        search = store.get_search(search_id)
    except NotFoundError:
        raise refused_fidelity(f"there is no calibration {search_id!r}") from None
    fidelity: Fidelity = kind_of(search.spec).named_fidelity(search, proxy or None, store)
    return fidelity
