"""The settings and sweeps of a request, and the messages of refusals."""

import pytest

from bench import scenarios
from bench.planning.plan import PROFILES
from bench.planning.request import Refused, Request, settle
from bench.planning.settings import Sweep, changes, sweeps


def test_settings_are_read_as_literals_where_they_are_literals():
    assert changes(["a=1", "b=2.5", "c=[1, 2]", "d=plain", "e=x=y"]) == {
        "a": 1, "b": 2.5, "c": [1, 2], "d": "plain", "e": "x=y",
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["subscribers", "=3", ""])
def test_a_setting_without_name_or_value_is_refused(setting):
    with pytest.raises(ValueError, match="NAME=VALUE"):
        changes([setting])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(profile="qiuck"), "did you mean 'quick'"),
        (Request(variants=("web_socket",)), "did you mean 'websocket'"),
        (Request(scenarios=("brodcast",)), "did you mean 'broadcast'"),
        (Request(changes=("subscriber=3",)), "did you mean 'subscribers'"),
        (Request(changes=("subscribers=many",)), "takes int"),
        (Request(changes=("subscribers",)), "NAME=VALUE"),
        (Request(scenarios=("calibration",)), "python -m bench calibrate"),
        (Request(sweeps=("rate=1,2",)), "did you mean 'rate_hz'"),
        (Request(sweeps=("brodcast.rate_hz=1",)), "did you mean 'broadcast'"),
        (Request(sweeps=("rate_hz=fast",)), "rate_hz takes float"),
        (Request(sweeps=("rate_hz=fast 5",)), "takes .SCENARIO.*NAME=VALUE"),
        (Request(sweeps=("slow=nome",), scenarios=("slow_reader",)), "did you mean 'none'"),
        (Request(sweeps=("rate_hz=0",)), "rate_hz takes 0.001"),
        (Request(sweeps=("subscribers=1.5",)), "takes int"),
        (Request(sweeps=("steps=[1],[2]",)), "is a list and cannot be swept"),
        (Request(changes=("path=fragmnts",)), "path takes no 'fragmnts'; did you mean 'fragments'"),
        (Request(scenarios=("echo",), changes=("path=resets",)), "no path can reset"),
        (Request(scenarios=("outage",), variants=("sse",)), "sse has no broker; try -v flask_sse"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_with_what_to_type_instead(request_, message):
    with pytest.raises(Refused, match=message):
        settle(request_)


def test_a_change_applies_to_every_scenario_that_has_the_parameter():
    settled = settle(Request(scenarios=("broadcast", "idle"), changes=("poll_interval_s=1", "subscribers=7")))
    assert settled.parameters["broadcast"]["poll_interval_s"] == 1.0
    assert settled.parameters["idle"]["poll_interval_s"] == 1.0
    assert settled.parameters["broadcast"]["subscribers"] == 7
    assert "subscribers" not in settled.parameters["idle"]


def test_the_scenario_of_the_instrument_cannot_be_chosen():
    assert "calibration" in scenarios.names(hidden=True)
    assert "calibration" not in scenarios.names()
    assert "calibration" not in settle(Request()).scenarios
    assert not {"null", "calibration"} & set(settle(Request()).variants)


def test_an_injection_is_one_of_the_table():
    calibration = scenarios.load("calibration")
    assert calibration.settled("quick", {"injected": "freeze"})["injected"] == "freeze"
    for wrong in ("storm", 5):
        with pytest.raises(ValueError, match="injected takes"):
            calibration.settled("quick", {"injected": wrong})


@pytest.mark.parametrize("name", scenarios.names(hidden=True))
def test_every_scenario_declares_what_a_trial_needs(name):
    scenario = scenarios.load(name)
    settled = scenario.settled("standard", {})
    assert {"measure_s", "payload_bytes", "poll_interval_s", "hold_s"} <= set(settled)
    assert scenario.subscribers(settled) > 0
    assert scenario.description.startswith(name.capitalize().replace("_", " "))
    for profile in PROFILES:
        assert set(scenario.settled(profile, {})) == set(settled)


@pytest.mark.parametrize(
    "change",
    ["rate_hz=0", "rate_hz=-1", "rate_hz=1e999", "measure_s=0", "warm_up_s=-1", "payload_bytes=10",
     "payload_bytes=2000000", "poll_interval_s=0", "hold_s=1000", "subscribers=0", "steps=[]", "steps=[5,5]",
     "steps=[10,5]", "steps=[0]", "steps=['a']", "steps=[True,5]", "steps=[1.5,3]", "steps=[[1],2]", "steps=True",
     "subscribers=True", "measure_s=True", f"rate_hz={10**400}", "subscribers={[]:1}", "rate_hz=nan",
     "subscribers=" + "(" * 500, "subscribers=" + "-" * 100_000 + "1"],
)  # fmt: skip
def test_a_parameter_out_of_bounds_is_refused_before_anything_is_started(change):
    with pytest.raises(Refused, match="takes"):
        settle(Request(changes=(change,)))


@pytest.mark.parametrize(
    ("scenario", "changes", "message"),
    [("restart", ("restart_after_s=9",), "must be over within"), ("slow_reader", ("slow_after_s=60",), "must be over"),
     ("outage", ("measure_s=8",), "outage_after_s=1"), ("broadcast", ("path=resets", "measure_s=1.5"), "at least 2"),
     ("lossy", ("path=stalls", "measure_s=1.4"), "at least 1.5")],
)  # fmt: skip
def test_settings_that_would_fail_after_the_measured_part_are_refused(scenario, changes, message):
    with pytest.raises(Refused, match=message):
        settle(Request(scenarios=(scenario,), changes=changes))


def test_a_point_is_checked_together_with_the_other_settings():
    arguments = {"scenarios": ("outage",), "sweeps": ("stopped_s=20",)}
    settle(Request(changes=("measure_s=30",), **arguments))
    with pytest.raises(Refused, match="must be over within"):
        settle(Request(**arguments))


def test_a_sweep_names_a_parameter_and_its_values_and_perhaps_a_scenario():
    assert sweeps(["slow_reader.slow=none"]) == [Sweep("slow_reader", "slow", ("none",))]
    assert sweeps(["rate_hz=1,2.5", "echo.subscribers=7"]) == [
        Sweep("", "rate_hz", (1, 2.5)),
        Sweep("echo", "subscribers", (7,)),
    ]


@pytest.mark.parametrize("setting", ["rate_hz", "rate_hz=", "=1,2", ".=1", "rate_hz=a b"])
def test_a_sweep_without_name_or_values_is_refused(setting):
    with pytest.raises(ValueError, match="NAME=VALUE"):
        sweeps([setting])


def points(*sweeps, profile="standard", scenarios=("broadcast", "echo", "idle")):
    settled = settle(Request(profile=profile, variants=("polling", "sse"), scenarios=scenarios, sweeps=sweeps))
    return [(one.scenario, one.variant, one.parameter, one.value) for one in settled.points(("polling", "sse"))]


def test_a_sweep_concerns_every_scenario_that_has_the_parameter_or_the_one_that_is_named():
    assert points("broadcast.rate_hz=5") == [("broadcast", name, "rate_hz", 5.0) for name in ("polling", "sse")]
    assert {(scenario, value) for scenario, _, _, value in points("payload_bytes=200,300")} == {
        (scenario, value) for scenario in ("broadcast", "echo", "idle") for value in (200, 300)
    }


def test_the_value_of_the_cell_itself_is_no_point():
    assert {value for *_, value in points("broadcast.rate_hz=20,40,40")} == {40.0}


def test_only_variants_whose_client_uses_a_parameter_are_swept_over_it():
    assert points("broadcast.poll_interval_s=1") == [("broadcast", "polling", "poll_interval_s", 1.0)]


def test_the_full_profile_has_the_declared_sweeps_unless_others_are_requested():
    assert {name for _, _, name, _ in points(profile="full")} >= {"subscribers", "rate_hz", "payload_bytes"}
    assert {name for _, _, name, _ in points("rate_hz=3", profile="full")} == {"rate_hz"}
    assert points() == []


def test_every_declared_sweep_can_be_measured():
    for name in scenarios.names():
        scenario = scenarios.load(name)
        for parameter in scenario.parameters:
            for value in parameter.sweep:
                assert scenario.settled("full", {parameter.name: value})[parameter.name] == value


def test_a_scenario_is_part_of_its_smallest_profile_and_of_the_larger_ones():
    assert {"burst", "chat"} & set(settle(Request(profile="standard")).scenarios) == set()
    assert {"burst", "chat", "broadcast"} <= set(settle(Request(profile="full")).scenarios)
    assert set(settle(Request(scenarios=("chat",))).scenarios) == {"chat"}


def test_a_scenario_that_needs_a_broker_names_the_variants_without_one_and_leaves_them_out(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    settled = settle(
        Request(scenarios=("broadcast", "outage"), variants=("sse", "flask_sse"), sweeps=("outage='KILL'",))
    )
    assert settled.excluded("outage") == {"sse": "has no broker"}
    assert settled.excluded("broadcast") == {}
    assert settled.cells(("sse", "flask_sse")) == [
        ("broadcast", "sse"), ("broadcast", "flask_sse"), ("outage", "flask_sse"),
    ]  # fmt: skip
    assert [one.variant for one in settled.points(("sse", "flask_sse"))] == ["flask_sse"]
    assert settled.idle == {}
    assert settle(Request(scenarios=("outage",))).idle["sse"] == "no part in outage: has no broker"


def test_a_broker_that_the_user_runs_is_not_stopped(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(
        Refused, match=r"flask_sse uses the Redis of REDIS_URL, which the bench must not stop; there is none here"
    ):
        settle(Request(scenarios=("outage",), variants=("flask_sse",)))
