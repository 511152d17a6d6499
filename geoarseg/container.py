"""What a container or a batch system leaves to this process: the machine's cores and memory are not all its own there.

Linux keeps the limits in files, those of the process's control group and of all groups above it; the least counts.
Other systems have no such files, and no such limits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")
_NO_LIMIT_BYTES = 1 << 60  # the first version of control groups writes a number near 2 ** 63 where there is none
_THREADS_VARIABLE = "OMP_NUM_THREADS"


def usable_cores(root: Path = _ROOT) -> int:
    """Cores that this process may use; of a share of a core, one.

    Args:
        root: where the system's files begin.
    """
    quotas = [int(quota) / int(period) for quota, period in _cpu_quotas(root) if quota.isdigit() and int(period)]
    return max(1, min([_scheduled_cores(), *(math.ceil(quota) for quota in quotas)]))


def memory_limit(root: Path = _ROOT) -> int | None:
    """Bytes that this process and those beside it in its group may take; None = all that there are.

    Args:
        root: where the system's files begin.
    """
    texts = [
        words[0]
        for group in _groups("memory", root)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (words := _words(group / name))
    ]
    limit = min((int(text) for text in texts if text.isdigit()), default=_NO_LIMIT_BYTES)
    return limit if limit < _NO_LIMIT_BYTES else None


def bound_threads() -> None:
    """Have the libraries that are yet to be loaded start no more threads than there are usable cores.

    By themselves they start one for each core of the machine, also where a quota lets few of them run at a time.
    """
    if usable_cores() < _scheduled_cores():
        os.environ.setdefault(_THREADS_VARIABLE, str(usable_cores()))


def _scheduled_cores() -> int:
    """Cores on which the system may run this process, whatever share of their time it gets."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_quotas(root: Path) -> Iterator[tuple[str, str]]:
    """Time of cores and the time in which it may be used up, both in microseconds, of each group; "max" = no limit."""
    for group in _groups("cpu", root):
        first, second = _words(group / "cpu.cfs_quota_us"), _words(group / "cpu.cfs_period_us")
        for words in (_words(group / "cpu.max"), [*first, *second]):
            if len(words) == 2:
                yield words[0], words[1]


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of this process's control groups that may limit something, in both versions of them.

    In a container the path of a group may be that on the host, and the container's own group is the topmost one.
    """
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        tops = [mounted / controller, mounted / controllers] if controllers else [mounted, mounted / "unified"]
        names = [name for name in PurePosixPath(path).parts if name != "/"]
        depth = 0 if ".." in names else len(names)  # a group beside the container's own
        for top in dict.fromkeys(tops):
            yield from (top.joinpath(*names[:count]) for count in range(depth + 1))


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    """What a file of the system says; nothing if there is none."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
