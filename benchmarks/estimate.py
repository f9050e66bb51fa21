"""Time and cost of a large benchmark, from the measured stages and an ASSUMED rate of the network.

python -m benchmarks.estimate calls=50 [nfe=24] [images=1000000] [price=2.5] [batch=8]

`calls`: network calls (one image, one evaluation) per second and GPU; nothing here measures it:
time your own network. `price`: of a GPU-hour. The stages are those of results/throughput.json.
"""

import json
import sys
from collections.abc import Mapping

from benchmarks.record import RESULTS

GPUS = (8, 64, 512)


def estimate(
    stages: Mapping[str, float],
    calls: float,
    nfe: float = 24,
    images: float = 1e6,
    price: float = 2.5,
    batch: float = 8,
) -> list[dict[str, float]]:
    """A row for each number of GPUs; a worker's stages follow each other, none overlaps.

    Args:
        stages: seconds, as `benchmarks.throughput` writes them.
    """
    beside = sum(stages[name] for name in ("decode", "measure", "score", "rows"))
    beside += stages["write a shard"] / batch
    each = nfe / calls + beside
    start = images * (stages["hash"] + stages["read a shard"] / batch)
    rows = []
    for gpus in GPUS:
        row = {"gpus": gpus, "hours": images * each / gpus / 3600, "share beside": beside / each}
        row |= {"cost": images * each / 3600 * price, "start, hours": start / 3600}
        row |= {"images/s": gpus / each, "shards/s": gpus / each / batch}
        if "hand out a batch" in stages:
            row["driver busy"] = gpus / each / batch * stages["hand out a batch"]
        rows.append(row)
    return rows


def main(**options: str) -> None:
    """Print the table."""
    recorded = json.loads((RESULTS / "throughput.json").read_text())["rows"]
    stages = {row["stage"]: row["seconds"] for row in recorded}
    if "calls" not in options:
        raise SystemExit("say calls=..., the network calls per second of one of your GPUs")
    rows = estimate(stages, **{key: float(value) for key, value in options.items()})
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{value:.3g}" for value in row.values()) + " |")


if __name__ == "__main__":
    main(**dict(item.split("=", 1) for item in sys.argv[1:]))
