"""What a driver says of its stages: in the record at once, in its log at each tenth."""

from __future__ import annotations

import logging

from tests.builders import black_box_spec
from workers.driver.record import DriverRecord


def test_each_tenth_of_a_stage_is_in_the_log(store, caplog):
    search, _ = store.create_search(black_box_spec())
    driver = DriverRecord(store, search, store.begin_driver(search.id))
    driver.start()
    with caplog.at_level(logging.INFO, "segnas.driver"):
        for done in (0, 1, 9, 10, 11, 55, 100):
            driver.show("features", done, 100)
        driver.show("trials", 0, 12)
    stage = store.get_search(search.id).stage
    assert (stage.name, stage.done, stage.total) == ("trials", 0, 12)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "features: 0 of 100",
        "features: 10 of 100",
        "features: 55 of 100",
        "features: 100 of 100",
        "trials: 0 of 12",
    ]
