"""Each kind of search ends with the command that fits it, which exists."""

from __future__ import annotations

from nas.cli.app import PANELS


def test_the_command_fits_the_kind(service, every_kind):
    def command(kind: str) -> str:
        return service.http.get(f"/v1/searches/{every_kind[kind]}").json()["next_command"]

    ids = every_kind
    assert command("black_box") == f"segnas export {ids['black_box']} -o best.json"
    assert command("auto_deeplab") == f"segnas export {ids['auto_deeplab']} -o best.json"
    assert command("calibration") == f"segnas calibration {ids['calibration']}"
    assert command("reference") == f"segnas heads {ids['reference']}"
    assert command("full_scale") == f"segnas rank {ids['black_box']} --full-scale {ids['full_scale']}"
    known = {name for commands in PANELS.values() for name in commands}
    assert {command(kind).split()[1] for kind in ids} <= known


def test_before_there_is_anything_there_is_no_command(service):
    waiting = service.search(running=False)
    assert service.http.get(f"/v1/searches/{waiting}").json()["next_command"] is None
