"""Modules that exist because their file exists, in a package and in folders that the environment names."""

import os

import pytest

from bench import discovery


@pytest.fixture
def folders(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    (inside / "first.py").write_text('"""The first.\n\nMore of it."""\n')
    (inside / "_shared.py").write_text("")
    (outside / "second.py").write_text("")
    return inside, outside


def test_public_modules_of_a_package_and_of_the_folders_in_the_environment_are_found(folders, monkeypatch):
    inside, outside = folders
    monkeypatch.setenv("PUSHBENCH_EXAMPLES", f"{outside}{os.pathsep}")
    assert discovery.names(discovery.extended([str(inside)], "PUSHBENCH_EXAMPLES")) == ["first", "second"]


def test_without_the_variable_only_the_package_is_searched(folders, monkeypatch):
    monkeypatch.delenv("PUSHBENCH_EXAMPLES", raising=False)
    assert discovery.names(discovery.extended([str(folders[0])], "PUSHBENCH_EXAMPLES")) == ["first"]


def test_a_name_that_two_folders_claim_is_an_error_that_names_both(folders):
    (folders[1] / "first.py").write_text("")
    with pytest.raises(discovery.DiscoveryError, match=r"first\.py is in .*inside and .*outside"):
        discovery.names(map(str, folders))


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(tmp_path):
    with pytest.raises(discovery.DiscoveryError, match="nowhere is not a folder"):
        discovery.names([str(tmp_path / "nowhere")])


def test_the_description_of_a_file_is_the_first_line_of_its_docstring_or_its_name(folders):
    path = list(map(str, folders))
    assert discovery.description(discovery.file_of(path, "first")) == "The first."
    assert discovery.description(discovery.file_of(path, "second")) == "second"


def test_the_file_of_an_unknown_module_is_a_lookup_error(folders):
    with pytest.raises(LookupError, match=r"there is no file third\.py"):
        discovery.file_of(map(str, folders), "third")


def test_names_are_read_from_a_literal_and_anything_else_is_an_error_that_names_the_file(folders):
    file = folders[0] / "first.py"
    assert discovery.names_in(file, "PARAMETERS") == frozenset()
    file.write_text('PARAMETERS = ("hold_s", "rate_hz")\n')
    assert discovery.names_in(file, "PARAMETERS") == {"hold_s", "rate_hz"}
    for text in ("PARAMETERS = made()\n", "PARAMETERS = 5\n"):
        file.write_text(text)
        with pytest.raises(discovery.DiscoveryError, match=r"first\.py: PARAMETERS must be"):
            discovery.names_in(file, "PARAMETERS")
    file.write_text("PARAMETERS = (\n")
    with pytest.raises(discovery.DiscoveryError, match=r"first\.py cannot be read"):
        discovery.names_in(file, "PARAMETERS")
