"""Variants are found because their file exists, and never vanish silently."""

import importlib
import sys
from pathlib import Path

import pytest

import servers
from servers import _variant
from servers._variant import Capability, Technique, Variant

DECLARED = '''"""The first line.

More.
"""
from servers._variant import Technique, Variant
VARIANT = Variant(label="L", technique=Technique.SSE, client="sse", wire={}, command=("true",), hidden=%s)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A further folder in which variants are found."""
    monkeypatch.setattr(servers, "__path__", [*servers.__path__, str(tmp_path)])
    before = set(sys.modules)
    _variant.load.cache_clear()
    yield tmp_path
    _variant.load.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("servers."):
            del sys.modules[name]


def test_the_listing_of_the_folder_is_the_list_of_variants():
    files = {path.stem for path in Path(servers.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert _variant.names(hidden=True) == sorted(files)
    assert {"polling", "long_polling", "sse", "websocket", "flask_sse", "flask_socketio"} < files


def test_a_new_file_is_a_new_variant(folder):
    (folder / "another.py").write_text(DECLARED % False)
    assert "another" in _variant.names()
    assert _variant.load("another").label == "L"
    assert _variant.description("another") == "The first line."


def test_a_hidden_variant_is_listed_only_when_asked_for(folder):
    (folder / "another.py").write_text(DECLARED % True)
    assert "another" not in _variant.names()
    assert "another" in _variant.names(hidden=True)


def test_a_variant_whose_package_is_missing_is_there_with_the_reason(folder):
    (folder / "another.py").write_text('"""Needs much."""\nimport a_package_that_is_not_installed\n')
    assert "another" in _variant.names()
    variant = _variant.load("another")
    assert variant.technique is Technique.UNKNOWN
    assert "a_package_that_is_not_installed" in (_variant.unavailable(variant) or "")
    assert _variant.description("another") == "Needs much."


def test_a_fault_in_a_variant_is_not_taken_for_a_missing_package(folder):
    (folder / "another.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        _variant.load("another")


@pytest.mark.parametrize(("wrong", "near"), [("web_socket", "websocket"), ("sses", "sse"), ("flask-sse", "flask_sse")])
def test_a_wrong_name_gets_the_nearest_one(wrong, near):
    with pytest.raises(LookupError, match=f"did you mean '{near}'"):
        _variant.load(wrong)


@pytest.mark.parametrize("name", ["_broker", "../servers/sse", "sse.py", ""])
def test_only_a_public_file_is_a_variant(name):
    with pytest.raises(LookupError):
        _variant.load(name)


def test_a_probe_names_the_package_that_is_missing():
    assert _variant.package("flask_sse")() is None
    assert "nonexistent_package" in (_variant.package("nonexistent_package")() or "")


def test_the_first_reason_counts():
    variant = Variant(label="L", technique=Technique.SSE, client="", wire={}, command=("true",),
                      needs=(lambda: None, lambda: "first", lambda: "second"))  # fmt: skip
    assert _variant.unavailable(variant) == "first"


def test_versions_are_those_of_what_is_installed():
    variant = Variant(label="L", technique=Technique.SSE, client="", wire={}, command=("true",),
                      runs_on=("flask", "nonexistent-package"))  # fmt: skip
    assert list(_variant.versions(variant)) == ["python", "flask"]


def test_a_variant_serves_or_is_a_command():
    with pytest.raises(ValueError, match="either"):
        Variant(label="L", technique=Technique.SSE, client="", wire={})


@pytest.mark.parametrize("name", _variant.names(hidden=True))
def test_every_variant_declares_what_others_rely_on(name):
    variant = _variant.load(name)
    assert variant.label
    assert _variant.description(name).endswith(".")
    assert variant.client
    assert variant.technique is not Technique.UNKNOWN
    assert set(_variant.versions(variant)) == {"python", *variant.runs_on}
    if not variant.product and not variant.hidden:
        assert variant.capabilities == {Capability.RESUME}


PRODUCTS = [name for name in _variant.names(hidden=True) if _variant.load(name).product]


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_option_set_on_a_product_is_in_its_docstring(name):
    docstring = importlib.import_module(f"servers.{name}").__doc__
    for option in _variant.load(name).options:
        assert option.removeprefix("own redis ") in docstring
