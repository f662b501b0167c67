"""Variants are listed by their files: in the package, in folders, by a path, in installed packages."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import servers
from servers import Technique, VariantError, _catalogue
from tests.servers._process import ROOT, WITHIN_S, launch

DECLARED = '''"""The first line.

More.
"""
from servers import Technique, Variant
VARIANT = Variant(label="L", technique=Technique.SSE, client="sse", wire={}, command=("true",), hidden=%s)
'''


@pytest.fixture(autouse=True)
def forget():
    """Removes what a test has added to the catalogue and to the imported modules."""
    before = set(sys.modules)
    _forget()
    yield
    _forget()
    for name in set(sys.modules) - before:
        if name.startswith("servers."):
            del sys.modules[name]


def _forget():
    servers.load.cache_clear()
    _catalogue._entries.cache_clear()
    _catalogue._given.clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that the environment names."""
    search(monkeypatch, *servers.__path__, tmp_path)
    return tmp_path


def search(monkeypatch, *folders):
    """Set the folders with modules of the package."""
    path = list(map(str, folders))
    monkeypatch.setattr(servers, "__path__", path)
    monkeypatch.setattr(_catalogue, "PATH", path)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package with these modules, and one entry point that refers to `target`."""

    def install(target, name="another", **modules):
        about = tmp_path / "pushy-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pushy\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[{_catalogue.GROUP}]\n{name} = {target}\n")
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))

    yield install
    for name in ("pushy", "pushy_server"):
        sys.modules.pop(name, None)


def test_the_listing_of_the_folder_is_the_list_of_variants():
    files = {path.stem for path in Path(servers.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert servers.names(hidden=True) == sorted(files)
    assert {"polling", "long_polling", "sse", "websocket", "flask_sse", "flask_socketio"} < files


def test_a_variant_of_the_package_has_no_origin_and_is_named_to_a_process_by_its_name():
    assert (servers.origin("sse"), servers.argument("sse"), servers.folder("sse")) == ("", "sse", ROOT)


def test_a_file_of_a_folder_that_the_environment_names_is_a_variant(folder):
    (folder / "another.py").write_text(DECLARED % False)
    (folder / "_shared.py").write_text("")
    assert "another" in servers.names()
    assert "_shared" not in servers.names()
    assert servers.load("another").label == "L"
    assert servers.description("another") == "The first line."
    assert servers.origin("another") == f"folder {folder.name}"
    assert servers.argument("another") == str(folder / "another.py")


def test_a_package_in_a_folder_is_a_variant_and_may_import_its_own_modules(folder):
    (folder / "another").mkdir()
    (folder / "another" / "__init__.py").write_text(
        (DECLARED % False).replace("from servers import", "from servers.another.more import LABEL\nfrom servers import")
        .replace('label="L"', "label=LABEL")
    )  # fmt: skip
    (folder / "another" / "more.py").write_text('LABEL = "of its own"\n')
    assert servers.load("another").label == "of its own"
    assert servers.folder("another") == folder / "another"


def test_the_folders_are_those_that_the_environment_lists(monkeypatch):
    monkeypatch.setenv(_catalogue.FOLDERS, os.pathsep.join(["/first", "", "second"]))
    assert _catalogue.folders() == ["/first", os.path.abspath("second")]


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(monkeypatch):
    search(monkeypatch, *servers.__path__, "/nowhere")
    with pytest.raises(VariantError, match="/nowhere is not a folder; correct PUSHBENCH_VARIANTS"):
        servers.names()


def test_a_file_given_by_its_path_is_then_a_variant(tmp_path):
    (tmp_path / "another.py").write_text(DECLARED % False)
    assert "another" not in servers.names()
    assert servers.resolve(str(tmp_path / "another.py")) == "another"
    assert "another" in servers.names()
    assert servers.load("another").label == "L"
    assert servers.origin("another") == "file another.py"
    assert servers.argument("another") == str(tmp_path / "another.py")
    assert servers.folder("another") == tmp_path


def test_a_path_may_be_relative_and_given_twice(tmp_path, monkeypatch):
    (tmp_path / "another.py").write_text(DECLARED % False)
    monkeypatch.chdir(tmp_path)
    assert list(servers.chosen(["another.py", "./another.py", "sse"])) == ["another", "sse"]


def test_the_path_of_a_file_of_the_package_or_of_a_folder_is_that_variant(folder):
    (folder / "another.py").write_text(DECLARED % False)
    assert servers.resolve(str(folder / "another.py")) == "another"
    assert servers.origin("another") == f"folder {folder.name}"
    assert servers.resolve(str(ROOT / "servers" / "sse.py")) == "sse"


@pytest.mark.parametrize("target", ["pushy_server", "pushy_server:VARIANT"])
def test_an_entry_point_refers_to_a_module_with_a_variant_or_to_the_variant(installed, target):
    installed(target, pushy_server=DECLARED % False)
    assert "another" in servers.names()
    assert servers.load("another").label == "L"
    assert servers.description("another") == "The first line."
    assert servers.origin("another") == "package pushy 1.2"
    assert servers.argument("another") == "another"


@pytest.mark.parametrize("name", ["my-server", "_mine"])
def test_an_invalid_name_is_an_error(installed, tmp_path, name):
    (tmp_path / f"{name}.py").write_text(DECLARED % False)
    with pytest.raises(VariantError, match=rf"'{name}' \(file {name}.py\) cannot name a variant"):
        servers.resolve(str(tmp_path / f"{name}.py"))
    installed("pushy_server", name, pushy_server=DECLARED % False)
    with pytest.raises(VariantError, match=rf"'{name}' \(package pushy 1.2\) cannot name a variant"):
        servers.names()


def test_two_variants_of_one_name_are_an_error_that_names_both(folder, installed, tmp_path):
    (folder / "sse.py").write_text(DECLARED % False)
    for ask in (servers.names, lambda: servers.chosen(["polling"]), lambda: servers.chosen(["sse"])):
        with pytest.raises(VariantError, match=rf"two variants are called 'sse' \(servers/ and folder {folder.name}\)"):
            ask()


def test_a_file_with_the_name_of_another_variant_is_an_error(tmp_path, installed):
    (tmp_path / "sse.py").write_text(DECLARED % False)
    with pytest.raises(VariantError, match=r"two variants are called 'sse' \(servers/ and file sse.py\)"):
        servers.resolve(str(tmp_path / "sse.py"))
    _forget()
    (tmp_path / "another.py").write_text(DECLARED % False)
    installed("pushy_server", pushy_server=DECLARED % False)
    with pytest.raises(VariantError, match=r"called 'another' \(file another.py and package pushy 1.2\)"):
        servers.resolve(str(tmp_path / "another.py"))


def test_a_hidden_variant_is_listed_only_on_request(folder):
    (folder / "another.py").write_text(DECLARED % True)
    assert "another" not in servers.names()
    assert "another" in servers.names(hidden=True)


BROKEN = {
    "1 / 0\n": "ZeroDivisionError: division by zero",
    "def (:\n": "SyntaxError: invalid syntax (another.py, line 1)",
    '"""Nothing."""\n': "it defines no VARIANT = Variant(...)",
    "VARIANT = 3\n": "it defines no VARIANT = Variant(...)",
    "import a_package_that_is_not_installed\n": "No module named 'a_package_that_is_not_installed'",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_in_a_folder_that_cannot_be_loaded_is_listed_with_the_reason(folder, text):
    (folder / "another.py").write_text(text)
    assert "another" in servers.names()
    variant = servers.load("another")
    assert variant.technique is Technique.UNKNOWN
    assert servers.unavailable(variant) == f"its file cannot be imported: {BROKEN[text]}"
    assert servers.description("another") in ("another", "Nothing.")


@pytest.mark.parametrize("text", BROKEN)
def test_a_path_of_a_file_that_cannot_be_loaded_is_an_error_of_one_line(tmp_path, text):
    (tmp_path / "another.py").write_text(text)
    with pytest.raises(VariantError) as raised:
        servers.resolve(str(tmp_path / "another.py"))
    assert raised.value.args[0] == f"{tmp_path}/another.py: its file cannot be imported: {BROKEN[text]}"


def test_an_entry_point_without_a_target_is_listed_with_the_reason(installed):
    installed("pushy.missing", pushy="")
    assert "another" in servers.names()
    assert "No module named 'pushy.missing'" in (servers.unavailable(servers.load("another")) or "")
    assert servers.description("another") == "another"


@pytest.mark.parametrize("word", ["no_such.py", "nowhere/sse.py", "servers/sse", "servers/"])
def test_a_path_without_a_python_file_is_an_error_that_names_it(word):
    with pytest.raises(VariantError, match=f"there is no Python file {word}"):
        servers.resolve(word)


def test_a_fault_in_a_file_of_the_package_is_raised(tmp_path, monkeypatch):
    search(monkeypatch, tmp_path)
    (tmp_path / "another.py").write_text("1 / 0\n")
    importlib.invalidate_caches()
    with pytest.raises(ZeroDivisionError):
        servers.load("another")


@pytest.mark.parametrize(("wrong", "near"), [("web_socket", "websocket"), ("sses", "sse"), ("flask-sse", "flask_sse")])
def test_a_wrong_name_is_answered_with_the_nearest_one(wrong, near):
    with pytest.raises(VariantError, match=f"did you mean '{near}'"):
        servers.load(wrong)


@pytest.mark.parametrize("name", ["_broker", "../servers/sse", "sse.py", ""])
def test_only_a_public_file_is_a_variant(name):
    with pytest.raises(VariantError):
        servers.load(name)


def test_the_package_imports_no_sockets_before_a_server_can_patch_them():
    code = "import servers, sys; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ["socket", "ssl", "select", "selectors", "subprocess", "queue", "email", "importlib.metadata", "ctypes",
             "flask", "gevent", "servers._injections", "servers._process"]  # fmt: skip
    ended = subprocess.run([sys.executable, "-c", code, *heavy], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_names_imported_on_first_use_exist_and_wrong_names_do_not():
    assert servers.injections.INJECTIONS
    assert servers.Broker.__module__ == "servers._broker"
    assert {"Broker", "injections", "routes", "signal_on_death_of_parent"} <= set(servers.__all__)
    for name in servers.__all__:
        getattr(servers, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = servers.nonsense


def test_a_server_by_hand_takes_the_path_of_a_file_and_lists_the_folders(tmp_path):
    (tmp_path / "another.py").write_text(
        "import sys\nfrom servers import Technique, Variant\n"
        "PROGRAM = \"import os; print(os.getcwd(), os.environ['PUSHBENCH_PORT'])\"\n"
        'VARIANT = Variant(label="E", technique=Technique.SSE, client="sse", wire={},\n'
        '                  command=(sys.executable, "-c", PROGRAM))\n'
    )
    output, errors = launch(str(tmp_path / "another.py"), "--port", "1234").communicate(timeout=WITHIN_S)
    assert output.split() == [str(tmp_path), "1234"], errors
    output, errors = launch("--list", PUSHBENCH_VARIANTS=str(tmp_path)).communicate(timeout=WITHIN_S)
    (line,) = (line for line in output.splitlines() if line.startswith("another "))
    assert line.endswith(f"(folder {tmp_path.name})"), errors


@pytest.mark.parametrize("arguments", [["no_such.py"], ["--list"]])
def test_a_server_by_hand_reports_a_mistake_in_one_line(arguments):
    process = launch(*arguments, PUSHBENCH_VARIANTS="/nowhere")
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert errors.startswith("python -m servers: ")
