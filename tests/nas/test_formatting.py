from nas.formatting import cost, duration, interval, score


def test_durations():
    assert [duration(s) for s in (None, 2.345, 65, 600, 7200, 200_000)] == [
        "",
        "2.3 s",
        "65 s",
        "10.0 min",
        "2.0 h",
        "2 days",
    ]


def test_the_cost_of_a_training_free_score_is_in_milliseconds():
    assert [cost(s) for s in (None, 0.0123, 0.9, 0.95, 2.345)] == ["", "12 ms", "900 ms", "0.9 s", "2.3 s"]


def test_scores_and_intervals():
    assert (score(None), score(0.62134), score(0)) == ("", "0.6213", "0.0000")
    assert interval(-0.125, 0.9) == "-0.12 to 0.90"
