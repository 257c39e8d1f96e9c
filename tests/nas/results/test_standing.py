from nas.results.standing import standing, trial_standing
from nas.results.status import TrialStatus


def test_a_deeper_rung_comes_before_a_higher_score():
    assert standing(200, 0.3) > standing(100, 0.9)
    assert standing(200, 0.4) > standing(200, 0.3)


def test_a_trial_that_failed_or_has_no_score_has_no_standing():
    assert trial_standing(TrialStatus.PRUNED, 100, 0.5) == (100, 0.5)
    assert trial_standing(TrialStatus.RUNNING, 100, 0.5) == (100, 0.5)
    assert trial_standing(TrialStatus.FAILED, 100, 0.5) is None
    assert trial_standing(TrialStatus.RUNNING, None, None) is None
