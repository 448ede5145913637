"""Engines: every job gets one answer, whatever workers do; nothing runs on after the caller."""

import contextlib
import os
import signal
import sys
from collections import Counter

import pytest

from p2p.errors import InvalidInput, LinkFailed
from simulations.sweep.cluster import DaskCluster
from simulations.sweep.engine import LocalPool, Lost
from tests.simulations.sweep import jobs


def answers(pool, perform, groups):
    return dict(pool.run(perform, groups))


def test_every_job_has_its_answer():
    found = answers(LocalPool(2), jobs.square, [[1, 2, 3], [], [4], [5, 6]])
    assert found == {n: n * n for n in range(1, 7)}


def test_no_jobs_need_no_workers():
    assert answers(LocalPool(2), jobs.square, [[], []]) == {}


def test_a_group_stays_with_a_worker_while_both_are_busy():
    groups = [[("a", n) for n in range(4)], [("b", n) for n in range(4)]]
    found = list(LocalPool(2).run(jobs.say_process, groups))
    whose = Counter((job[0], process) for job, (_, process) in found)
    assert max(whose.values()) >= 3


def test_a_failure_nobody_foresaw_is_one_job_s_alone():
    found = answers(LocalPool(1), jobs.fail, [[1, 2]])
    assert found[1] == Lost("ValueError: number 1")
    assert found[2] == Lost("ValueError: number 2")


def test_a_worker_that_is_killed_loses_its_own_job_only():
    found = answers(LocalPool(2), jobs.die_at_three, [[1, 2, 3, 4, 5]])
    assert found.pop(3) == Lost("its process was ended by SIGKILL (out of memory, perhaps)")
    assert found == {1: 1, 2: 2, 4: 4, 5: 5}


def test_a_worker_that_leaves_loses_its_own_job_only():
    found = answers(LocalPool(1), jobs.leave_at_three, [[3], [4]])
    assert found == {3: Lost("its process ended by itself with code 7"), 4: 4}


def test_no_worker_outlives_the_caller_s_interest():
    pool = LocalPool(2)
    running = pool.run(jobs.say_process, [[("a", n)] for n in range(50)])
    workers = {next(running)[1][1] for _ in range(5)}
    running.close()
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


@contextlib.contextmanager
def local_cluster():
    distributed = pytest.importorskip("distributed", reason="Dask distributed is not installed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    )
    try:
        yield cluster.scheduler_address
    finally:
        cluster.close()


def test_a_dask_cluster_gives_the_same_answers():
    with local_cluster() as address:
        cluster = DaskCluster(address)
        assert cluster.workers() == 2
        assert answers(cluster, jobs.square, [[1, 2], [3]]) == {1: 1, 2: 4, 3: 9}


def test_a_failure_on_a_dask_cluster_is_one_job_s_alone():
    with local_cluster() as address:
        assert answers(DaskCluster(address), jobs.fail, [[1]]) == {1: Lost("ValueError: number 1")}


def test_no_scheduler_there():
    pytest.importorskip("distributed", reason="Dask distributed is not installed")
    with pytest.raises(LinkFailed, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9\."):
        DaskCluster("tcp://127.0.0.1:9")
    with pytest.raises(InvalidInput, match="is no address"):
        DaskCluster("nonsense://x")


def test_dask_that_is_not_installed_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidInput, match=r"molva\[cluster\]"):
        DaskCluster("tcp://127.0.0.1:8786")


def test_workers_do_not_hear_an_interrupt(tmp_path):
    """Only the sweep itself hears Ctrl-C, and then ends its workers."""
    running = LocalPool(1).run(jobs.say_process, [[("a", 1), ("a", 2)]])
    _, (_, worker) = next(running)
    os.kill(worker, signal.SIGINT)
    _, (_, same) = next(running)
    assert same == worker
    running.close()
