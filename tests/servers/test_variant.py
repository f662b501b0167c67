"""What a variant declares, and what is read from it."""

import importlib

import pytest

import servers
from servers import Capability, Technique, Variant


def test_a_probe_names_the_missing_package():
    assert servers.package("flask_sse")() is None
    assert "nonexistent_package" in (servers.package("nonexistent_package")() or "")


def test_the_first_reason_counts():
    variant = Variant(label="L", technique=Technique.SSE, client="", wire={}, command=("true",),
                      needs=(lambda: None, lambda: "first", lambda: "second"))  # fmt: skip
    assert servers.unavailable(variant) == "first"


def test_versions_are_those_of_the_installed_distributions():
    variant = Variant(label="L", technique=Technique.SSE, client="", wire={}, command=("true",),
                      runs_on=("flask", "nonexistent-package"))  # fmt: skip
    assert list(servers.versions(variant)) == ["python", "flask"]


def test_a_variant_has_either_serve_or_command():
    with pytest.raises(ValueError, match="either"):
        Variant(label="L", technique=Technique.SSE, client="", wire={})


@pytest.mark.parametrize(
    "interval", ["", "+15", "1_5", " 15", "15 ", "fifteen", "-1", "1e1", "nan", "\u0661", "\u00b2"]
)
def test_the_interval_of_heartbeats_is_plain_digits(interval):
    with pytest.raises(ValueError, match=r"L: wire.* is a number of seconds"):
        Variant(label="L", technique=Technique.SSE, client="", wire={"heartbeat_s": interval}, command=("true",))


def test_declared_limits_are_one_sentence():
    variant = servers.load("flask_sse")
    assert variant.limits_in_words == "Declared limits: does not deliver an empty text; removes a leading space."
    assert servers.load("sse").limits_in_words == ""


@pytest.mark.parametrize("name", servers.names(hidden=True))
def test_every_variant_declares_what_the_bench_uses(name):
    variant = servers.load(name)
    assert variant.label
    assert servers.description(name).endswith(".")
    assert variant.client
    assert variant.technique is not Technique.UNKNOWN
    assert set(servers.versions(variant)) == {"python", *variant.runs_on}
    if not variant.product and not variant.hidden:
        assert variant.capabilities == {Capability.RESUME}


PRODUCTS = [name for name in servers.names(hidden=True) if servers.load(name).product]


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_option_set_on_a_product_is_in_its_docstring(name):
    docstring = importlib.import_module(f"servers.{name}").__doc__
    for option in servers.load(name).options:
        assert option.removeprefix("own redis ") in docstring
