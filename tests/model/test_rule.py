"""The rule is data that checks itself."""
import numpy as np
import ohmlearn as ol
import pytest


def test_defaults_are_those_of_the_published_runs():
    rule = ol.Rule()
    assert (rule.nudge, rule.prefactor, rule.floor, rule.floor_mode, rule.ceiling, rule.frozen) == (
        1e-3, 1.0, 1e-6, "relax", None, None)


def test_numbers_become_floats_and_masks_are_frozen():
    mask = np.array([True, False])
    rule = ol.Rule(nudge=np.float32(0.5), prefactor=1, ceiling=np.int64(3), frozen=mask)
    assert [type(value) for value in (rule.nudge, rule.prefactor, rule.ceiling)] == [float] * 3
    mask[0] = False
    np.testing.assert_array_equal(rule.frozen, [True, False])
    with pytest.raises(ValueError, match="read-only"):
        rule.frozen[0] = False
    with pytest.raises(AttributeError):
        rule.nudge = 1.0


def test_frozen_must_fit_the_network():
    net = ol.Network.grid(3)
    ol.Rule(frozen=[True, False]).check(net)
    ol.Rule().check(net)
    with pytest.raises(ValueError, match="frozen has 3 entries, but the network has 2 edges"):
        ol.Rule(frozen=[True, False, True]).check(net)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"nudge": -1}, "nudge must be finite and >= 0, not -1"),
    ({"nudge": np.nan}, "nudge must be finite"),
    ({"prefactor": np.inf}, "prefactor must be finite"),
    ({"prefactor": "1"}, "prefactor must be a number, not '1'"),
    ({"nudge": True}, "nudge must be a number, not True"),
    ({"floor": 0}, "floor must be > 0.*1e-6 is usual"),
    ({"floor": None}, "floor must be a number, not None"),
    ({"floor_mode": "project"}, "'relax' or 'clip', not 'project'"),
    ({"floor_rate": 0}, "floor_rate must be > 0"),
    ({"ceiling": 1e-7}, "ceiling 1e-07 must be above the floor 1e-06"),
    ({"ceiling": np.nan}, "ceiling must be finite"),
    ({"frozen": [0, 3]}, r"boolean mask, .* not int64 of shape \(2,\); .*np\.isin"),
    ({"frozen": [[True]]}, "boolean mask"),
])
def test_bad_rules(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ol.Rule(**arguments)


def test_clip_needs_no_rate():
    assert ol.Rule(floor_mode="clip", floor_rate=0).floor_rate == 0


def test_the_old_name_of_a_fraction_works_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"GradientFlow\(share=...\) is now fraction=..."):
        old = ol.rules.GradientFlow(share=0.2)
    assert old.fraction == 0.2
    with pytest.raises(ValueError, match="fraction must lie between 0 and 1, not 2"):
        ol.rules.GradientFlow(fraction=2.0)
