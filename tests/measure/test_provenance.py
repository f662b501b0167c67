"""The commit that is stored is that of the project, or not known."""

import subprocess

import pytest

from bench.measure.machine import ROOT, provenance


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example", *arguments], cwd=folder, check=True,
        capture_output=True,
    )  # fmt: skip


@pytest.fixture
def other(tmp_path):
    """A repository of somebody else, with one commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("text")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_folder_inside_another_repository_has_no_commit(other):
    (other / "pushbench").mkdir()
    assert provenance(other / "pushbench") == ("unknown", None)


def test_a_repository_has_its_commit_and_says_whether_files_were_changed(other):
    commit, dirty = provenance(other)
    assert (len(commit), dirty) == (40, False)
    (other / "file").write_text("changed")
    assert provenance(other) == (commit, True)


def test_a_variable_of_git_does_not_lead_to_another_repository(other, monkeypatch):
    ours = provenance(ROOT)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert provenance(ROOT) == ours


def test_without_git_nothing_is_known(other, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance(other) == ("unknown", None)
