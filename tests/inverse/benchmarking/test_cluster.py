"""A benchmark on a Ray cluster: the rows of one process, whichever workers die on the way."""

import os
from collections import Counter

import pytest

ray = pytest.importorskip("ray", reason="clusters need the extra: ray")
pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")

from inverse.benchmarking.cluster import Cluster, chunks  # noqa: E402
from inverse.benchmarking.grid import Part  # noqa: E402
from tests.inverse import grids_of_benchmarks as small  # noqa: E402


@pytest.fixture(scope="module")
def address():
    """A cluster of this machine, with two cores to its name."""
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else workers starve beside other tests
        settings = {"num_cpus": 2, "object_store_memory": 80_000_000, "include_dashboard": False}
        nodes = Nodes(initialize_head=True, head_node_args=settings)
        yield nodes.address
        nodes.shutdown()


def test_two_workers_make_the_rows_of_one_process_though_some_die(address, tmp_path):
    """One is killed in the middle of a batch, one by a picture that kills whatever works on it."""

    def deadly(seed, shape):
        os._exit(1)

    pictures = small.photographs(tmp_path / "photos")
    whole = small.run(tmp_path / "whole", small.work(pictures, seeds=(0,)))
    units = small.work(pictures, seeds=(0,), prior=small.Mortal(tmp_path, last=21))
    poison = [Part("deadly", {"name": "deadly"}, (), deadly)]
    units += small.work(pictures[:1], seeds=(0,), operator=poison, solver=[small.diffpir()])
    engine = small.engine(tmp_path / "shared", batch=2)
    with Cluster(engine, address, attempts=1) as cluster:
        assert cluster.workers == 2
        states = Counter(s for _ in cluster.run(units) for s in cluster.states.values())
    rows = engine.store.read()
    bad = rows["operator"] == "deadly"
    assert rows[bad]["error"].tolist() == ["WorkerLost: 1 of them"]
    small.same(rows[~bad].reset_index(drop=True), whole)
    calls = Counter((tmp_path / "calls").read_text().split())
    again = sum(calls.values()) - int(whole["nfe"].sum())
    assert len(calls) >= 2 and 1 <= again <= 10  # at most the batch of two that was under way
    assert states["diffpir on inpaint, 2 pictures"] and states["starting"]
    assert not ray.is_initialized()


def test_chunks_are_of_one_cell(tmp_path):
    units = small.work(small.photographs(tmp_path / "photos"))
    found = list(chunks(units, 3))
    assert [unit for chunk in found for unit in chunk] == units
    assert {len(chunk) for chunk in found} == {3, 2}
    assert all(len({unit.cell for unit in chunk}) == 1 for chunk in found)


def test_a_cluster_without_a_gpu_is_refused(address, tmp_path):
    with pytest.raises(ValueError, match="the cluster has 0 GPU, a worker needs 1"):
        Cluster(small.engine(tmp_path, device="cuda"), address)
    ray.shutdown()
