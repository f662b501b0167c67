"""What a person may change, and what they are told when it cannot be."""

import pytest

from bench import scenarios
from bench.request import Refused, Request, preflight, settle
from bench.settings import changes


def test_settings_are_read_as_literals_where_they_are_literals():
    assert changes(["a=1", "b=2.5", "c=[1, 2]", "d=plain", "e=x=y"]) == {
        "a": 1, "b": 2.5, "c": [1, 2], "d": "plain", "e": "x=y",
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["subscribers", "=3", ""])
def test_a_setting_without_name_or_value_is_refused(setting):
    with pytest.raises(ValueError, match="NAME=VALUE"):
        changes([setting])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(profile="qiuck"), "did you mean 'quick'"),
        (Request(variants=("web_socket",)), "did you mean 'websocket'"),
        (Request(scenarios=("brodcast",)), "did you mean 'broadcast'"),
        (Request(changes=("subscriber=3",)), "did you mean 'subscribers'"),
        (Request(changes=("subscribers=many",)), "takes int"),
        (Request(changes=("subscribers",)), "NAME=VALUE"),
        (Request(scenarios=("calibration",)), "python -m bench calibrate"),
    ],
)
def test_a_request_that_cannot_be_met_says_what_to_type_instead(request_, said):
    with pytest.raises(Refused, match=said):
        settle(request_)


def test_a_change_applies_to_every_scenario_that_has_the_parameter():
    settled = settle(Request(scenarios=("broadcast", "idle"), changes=("poll_interval_s=1", "subscribers=7")))
    assert settled.parameters["broadcast"]["poll_interval_s"] == 1.0
    assert settled.parameters["idle"]["poll_interval_s"] == 1.0
    assert settled.parameters["broadcast"]["subscribers"] == 7
    assert "subscribers" not in settled.parameters["idle"]


def test_more_subscribers_than_open_files_are_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda wanted: 1024)
    with pytest.raises(Refused, match=r"10256 open files.*limit is 1024"):
        preflight(settle(Request(scenarios=("broadcast",), changes=("subscribers=5000",))), tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_any_load(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot write"):
        preflight(settle(Request(scenarios=("idle",))), tmp_path / "file" / "results")


def test_what_serves_the_instrument_is_not_among_what_is_chosen():
    assert "calibration" in scenarios.names(hidden=True)
    assert "calibration" not in scenarios.names()
    assert "calibration" not in settle(Request()).scenarios
    assert not {"null", "calibration"} & set(settle(Request()).variants)


def test_a_plant_is_one_of_the_table():
    calibration = scenarios.load("calibration")
    assert calibration.settled("quick", {"plant": "freeze"})["plant"] == "freeze"
    for wrong in ("storm", 5):
        with pytest.raises(ValueError, match="plant takes"):
            calibration.settled("quick", {"plant": wrong})


@pytest.mark.parametrize("name", scenarios.names(hidden=True))
def test_every_scenario_declares_what_a_trial_needs(name):
    scenario = scenarios.load(name)
    settled = scenario.settled("standard", {})
    assert {"measure_s", "payload_bytes", "poll_interval_s", "hold_s"} <= set(settled)
    assert ("steps" in settled) != ("subscribers" in settled)
    assert scenario.description.startswith(name.capitalize())
    for profile in scenario.profiles:
        assert set(scenario.settled(profile, {})) == set(settled)


@pytest.mark.parametrize(
    "change",
    ["rate_hz=0", "rate_hz=-1", "rate_hz=1e999", "measure_s=0", "warm_up_s=-1", "payload_bytes=10",
     "payload_bytes=2000000", "poll_interval_s=0", "hold_s=1000", "subscribers=0", "steps=[]", "steps=[5,5]",
     "steps=[10,5]", "steps=[0]", "steps=['a']"],
)  # fmt: skip
def test_a_parameter_out_of_bounds_is_refused_before_anything_is_started(change):
    with pytest.raises(Refused, match="takes"):
        settle(Request(changes=(change,)))
