"""CPU quotas, read from files as control groups of both versions have them."""

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import quota
from bench.measure.quota import Throttled

V2_STAT = "usage_usec 900\nnr_periods 40\nnr_throttled 12\nthrottled_usec 450000\n"
V1_STAT = "nr_periods 40\nnr_throttled 12\nthrottled_time 450000000\n"


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def group_of(tmp_path, text):
    write(tmp_path / "proc" / "7", cgroup=text)
    return quota.groups([7], tmp_path / "proc", tmp_path / "fs")


def test_the_quota_of_every_group_above_counts_in_version_2(tmp_path):
    write(tmp_path / "fs" / "a", cpu__max="50000 100000\n", cpu__stat=V2_STAT)
    write(tmp_path / "fs" / "a" / "b", cpu__max="max 100000\n", cpu__stat=V2_STAT)
    folders = group_of(tmp_path, "0::/a/b\n")
    assert [folder.name for folder in folders] == ["b", "a"]
    assert quota.cores(folders) == 0.5
    assert quota.throttled(folders)[tmp_path / "fs" / "a"] == Throttled(12, 450_000_000)


@pytest.mark.parametrize("mounted", ["cpu", "cpu,cpuacct"])
def test_version_1_is_read_where_it_is_mounted(tmp_path, mounted):
    group = tmp_path / "fs" / mounted / "a"
    write(group, cpu__cfs_quota_us="150000\n", cpu__cfs_period_us="100000\n", cpu__stat=V1_STAT)
    folders = group_of(tmp_path, f"5:memory:/a\n4:{mounted}:/a\n0::/\n")
    assert folders == [group]
    assert quota.cores(folders) == 1.5
    assert quota.throttled(folders) == {group: Throttled(12, 450_000_000)}


@pytest.mark.parametrize("limit", ["max 100000", "-1 100000", "", "100000", "1 0", "a b", "1" * 40 + " 1"])
def test_what_is_no_quota_is_none(tmp_path, limit):
    write(tmp_path / "fs" / "a", cpu__max=limit)
    assert quota.cores(group_of(tmp_path, "0::/a\n")) is None


def test_where_there_are_no_control_groups_nothing_is_known(tmp_path):
    assert quota.groups([7], tmp_path, tmp_path) == []
    assert quota.cores([]) is None
    assert quota.between({}, quota.throttled([])) is None


def test_the_group_that_was_stopped_for_longest_counts_and_a_reset_is_not_negative(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    earlier = {one: Throttled(5, 500), other: Throttled(9, 900)}
    assert quota.between(earlier, {one: Throttled(7, 800), other: Throttled(9, 950)}) == Throttled(2, 300)
    assert quota.between(earlier, {one: Throttled(0, 0)}) == Throttled(0, 0)


@given(st.text(max_size=200))
def test_any_text_of_the_kernel_can_be_read(text):
    for group in quota._above(text, quota.MOUNT):
        assert group.is_relative_to(quota.MOUNT)


def made_group():
    """A control group with a quota of a fifth of a core, where this process may make one."""
    for folder in quota.groups([os.getpid()]):
        try:
            group = folder / f"pushbench-{os.getpid()}"
            group.mkdir()
            if (group / "cpu.max").exists():
                (group / "cpu.max").write_text("20000 100000")
            else:
                (group / "cpu.cfs_quota_us").write_text("20000")
        except OSError:
            continue
        return group
    return None


def test_a_process_under_a_quota_is_seen_to_be_stopped():
    group = made_group()
    if group is None:
        pytest.skip("this process may not make a control group")
    try:
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
            try:
                (group / "cgroup.procs").write_text(str(busy.pid))
                folders = quota.groups([busy.pid])
                assert quota.cores(folders) == pytest.approx(0.2)
                earlier = quota.throttled(folders)
                deadline = time.monotonic() + 20
                while quota.between(earlier, quota.throttled(folders)).periods < 3 and time.monotonic() < deadline:
                    time.sleep(0.02)
                assert quota.between(earlier, quota.throttled(folders)).ns > 0
            finally:
                busy.kill()
                busy.wait()
    finally:
        group.rmdir()
