"""The estimate of a large benchmark: what the stages say, at a rate that the user gives."""

import pytest

pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")

from benchmarks.estimate import estimate  # noqa: E402

STAGES = {"hash": 0.001, "decode": 0.01, "measure": 0.002, "score": 0.005, "rows": 0.001}
STAGES |= {"write a shard": 0.016, "read a shard": 0.008, "hand out a batch": 0.004}


def test_an_estimate_adds_the_stages_up():
    eight, many, most = estimate(STAGES, calls=50, nfe=24, images=1e6, price=2)
    each = 24 / 50 + 0.02
    assert eight["hours"] == pytest.approx(1e6 * each / 8 / 3600)
    assert many["hours"] == pytest.approx(eight["hours"] / 8)
    assert eight["cost"] == most["cost"] == pytest.approx(1e6 * each / 3600 * 2)
    assert most["images/s"] == pytest.approx(512 / each)
    assert most["driver busy"] == pytest.approx(512 / each / 8 * 0.004)
    assert eight["share beside"] == pytest.approx(0.02 / each)
    assert eight["start, hours"] == pytest.approx(1e6 * 0.002 / 3600)
