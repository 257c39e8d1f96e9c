from nas.formatting import cost, counted, duration, elapsed, interval, score, worth_text


def test_durations():
    assert [duration(s) for s in (None, 2.345, 65, 600, 7200, 200_000)] == [
        "",
        "2.3 s",
        "65 s",
        "10.0 min",
        "2.0 h",
        "2 days",
    ]


def test_a_clock_that_was_set_back_gives_no_negative_time():
    assert [elapsed(s) for s in (2.345, 0.0, -86_400.0)] == ["2.3 s", "0.0 s", None]


def test_the_cost_of_a_training_free_score_is_in_milliseconds():
    assert [cost(s) for s in (None, 0.0123, 0.9, 0.95, 2.345)] == ["", "12 ms", "900 ms", "0.9 s", "2.3 s"]


def test_scores_and_intervals():
    assert (score(None), score(0.62134), score(0)) == ("", "0.6213", "0.0000")
    assert interval(-0.125, 0.9) == "-0.12 to 0.90"


def test_one_is_called_otherwise_than_several():
    assert [counted(count, "thread") for count in (0, 1, 2, 1200)] == [
        "0 threads",
        "1 thread",
        "2 threads",
        "1,200 threads",
    ]
    assert [counted(count, "class", "classes") for count in (1, 19)] == ["1 class", "19 classes"]


def test_what_a_trial_is_worth_begins_with_the_objective():
    assert worth_text("mIoU", 0.5, 0.5) == "0.5000 mIoU"
    assert worth_text("IoU of car", 0.51, 0.62134) == "0.5100 IoU of car, 0.6213 mIoU"
    assert worth_text("IoU of car", None, 0.62134) == "0.6213 mIoU", "an older service did not say"
