"""Limits of a container, read from made-up files of the system."""

import os

import pytest

from geoarseg import block_cache, container, doctor
from geoarseg.container import bound_threads, memory_limit, usable_cores
from geoarseg.inference import local

GB = 1 << 30
NO_LIMIT = "9223372036854771712"
DOCKER = "docker/0123abcd"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Makes the system's files: the groups of this process, and what the files in their folders say."""
    monkeypatch.setattr(container, "_scheduled_cores", lambda: 64)

    def make(groups, **files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups)
        for name, text in files.items():
            path = tmp_path / "sys/fs/cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return make


V1 = "12:memory:/{0}\n4:cpu,cpuacct:/{0}\n1:name=systemd:/{0}\n0::/{0}\n"
CASES = {
    "no limit": ("0::/\n", {}, 64, None),
    "no files at all": ("", {}, 64, None),
    "container of version 2": ("0::/\n", {"memory.max": 2 * GB, "cpu.max": "150000 100000"}, 2, 2 * GB),
    "version 2 without limits": ("0::/\n", {"memory.max": "max", "cpu.max": "max 100000"}, 64, None),
    "half a core": ("0::/\n", {"cpu.max": "50000 100000"}, 1, None),
    "the least of a group and those above": (
        "0::/slurm/job/step\n",
        {
            "slurm/memory.max": 8 * GB,
            "slurm/job/memory.max": 3 * GB,
            "slurm/job/step/memory.max": "max",
            "slurm/cpu.max": "400000 100000",
            "slurm/job/cpu.max": "800000 100000",
        },
        4,
        3 * GB,
    ),
    "version 1": (
        V1.format(DOCKER),
        {
            f"memory/{DOCKER}/memory.limit_in_bytes": GB,
            "memory/memory.limit_in_bytes": NO_LIMIT,
            f"cpu,cpuacct/{DOCKER}/cpu.cfs_quota_us": 300000,
            f"cpu,cpuacct/{DOCKER}/cpu.cfs_period_us": 100000,
            "cpu,cpuacct/cpu.cfs_quota_us": -1,
            "cpu,cpuacct/cpu.cfs_period_us": 100000,
        },
        3,
        GB,
    ),
    "version 1 in a container that sees its own group alone": (
        V1.format(DOCKER),
        {
            "memory/memory.limit_in_bytes": GB,
            "cpu/cpu.cfs_quota_us": 200000,
            "cpu/cpu.cfs_period_us": 100000,
        },
        2,
        GB,
    ),
    "version 1 without limits": (
        V1.format(""),
        {"memory/memory.limit_in_bytes": NO_LIMIT, "cpu/cpu.cfs_quota_us": -1, "cpu/cpu.cfs_period_us": 100000},
        64,
        None,
    ),
    "both versions at once": (
        "4:memory:/a\n0::/a\n",
        {"memory/a/memory.limit_in_bytes": 5 * GB, "unified/a/cpu.max": "700000 100000"},
        7,
        5 * GB,
    ),
    "a group beside the container's own": ("0::/../b\n", {"memory.max": GB, "b/memory.max": 7}, 64, GB),
    "files that say nothing": ("0::/\n", {"memory.max": "", "cpu.max": "1 0"}, 64, None),
}


@pytest.mark.parametrize(("groups", "files", "cores", "limit"), CASES.values(), ids=CASES.keys())
def test_limits_are_read(groups, files, cores, limit, system):
    root = system(groups, **files)
    assert usable_cores(root) == cores
    assert memory_limit(root) == limit


def test_a_machine_with_fewer_cores_than_the_quota_has_no_more(system, monkeypatch):
    root = system("0::/\n", **{"cpu.max": "800000 100000"})
    monkeypatch.setattr(container, "_scheduled_cores", lambda: 4)
    assert usable_cores(root) == 4


@pytest.mark.parametrize(
    ("quota", "set_already", "expected"), [("200000", None, "2"), ("200000", "7", "7"), ("max", None, None)]
)
def test_libraries_start_no_more_threads_than_a_quota_lets_run(quota, set_already, expected, system, monkeypatch):
    monkeypatch.setattr(container.usable_cores, "__defaults__", (system("0::/\n", **{"cpu.max": f"{quota} 100000"}),))
    monkeypatch.setenv("OMP_NUM_THREADS", set_already or "")
    if set_already is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    bound_threads()
    assert os.environ.get("OMP_NUM_THREADS") == expected


@pytest.mark.parametrize(("limit", "expected"), [(None, 512 << 20), (64 * GB, 512 << 20), (2 * GB, 256 << 20)])
def test_the_cache_of_blocks_takes_an_eighth_of_the_memory_at_most(limit, expected, monkeypatch):
    monkeypatch.setattr(block_cache, "memory_limit", lambda: limit)
    assert block_cache.cache_bytes() == expected


@pytest.mark.parametrize(
    ("limit", "window_px", "threads"),
    [(None, 512, 16), (64 * GB, 512, 16), (2 * GB, 512, 5), (2 * GB, 1024, 1), (GB // 4, 512, 1)],
)
def test_as_many_windows_are_computed_at_a_time_as_the_memory_holds(limit, window_px, threads, monkeypatch):
    monkeypatch.setattr(local, "usable_cores", lambda: 64)
    monkeypatch.setattr(local, "memory_limit", lambda: limit)
    monkeypatch.setattr(block_cache, "memory_limit", lambda: limit)
    assert local.default_threads("cpu", window_px) == threads
    assert local.default_threads("cuda", window_px) == 1


def test_the_doctor_tells_the_limits(monkeypatch):
    monkeypatch.setattr(doctor, "usable_cores", lambda: 2)
    monkeypatch.setattr(doctor, "memory_limit", lambda: 2 * GB)
    diagnosis = doctor.examine()
    assert (diagnosis.facts["cores"], diagnosis.facts["memory_limit_bytes"]) == (2, 2 * GB)
    rows = dict(doctor.describe(diagnosis))
    assert rows["system"].endswith(", 2 cores, 2.0 GiB memory")
