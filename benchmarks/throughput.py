"""What a benchmark does beside the network: reading, measuring, scoring, writing, resuming.

python -m benchmarks.throughput [images=64] [side=256] [shards=2000]

Writes results/throughput.json: processor seconds of one core, which other work on the machine
changes little, per image of each stage, per shard of eight rows, and (with Ray) of the driver per
batch that it hands out. `benchmarks.estimate` makes the estimates of them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from benchmarks.record import save
from inverse.benchmarking.columns import Row
from inverse.benchmarking.grid import Part, expand, list_units
from inverse.benchmarking.pictures import Picture, find
from inverse.benchmarking.restoring import Restored
from inverse.benchmarking.rows import KEEP, Writer
from inverse.benchmarking.scoring import Conventions, Scorer
from inverse.benchmarking.store import Store
from inverse.metrics import LPIPS
from operators import Rng, gaussian, inpaint_random, measure

COSTS: Row = {"nfe": 24, "nfe_backward": 0, "seconds": 1.0, "seconds_network": 0.9, "batch": 8}


def photographs(folder: Path, count: int, side: int) -> list[Picture]:
    """JPEG files with texture, slightly larger than what is cut out of them."""
    folder.mkdir()
    for k in range(count):
        Image.effect_noise((side + 64, side + 32), 40).convert("RGB").save(folder / f"{k:06}.jpg")
    return find([str(folder)])


def seconds(action: Callable[[Any], Any], items: list) -> float:
    """Of this process's processor time, per item; the first one warms up."""
    action(items[0])
    begin = time.process_time()
    for item in items:
        action(item)
    return (time.process_time() - begin) / len(items)


def stages(folder: Path, images: int, side: int) -> dict[str, float]:
    """Seconds per image, on this process, of every stage but the network."""
    pictures = photographs(folder / "photos", images, side)
    part = Part("it", {"name": "it"})
    axes = {name: [part] for name in ("operator", "noise", "solver", "prior")}
    settings = {"samples": 1, "budget": {}, "size": side}
    units = list_units(expand(axes, [0], settings), pictures)
    truths = [unit.picture.load(side) for unit in units]
    operator, noise = inpaint_random((3, side, side), 0.3, 0), gaussian(0.05)
    problem = measure(operator, noise, truths[0][None], Rng([0]))
    restored = [Restored(x, 1.0, (), COSTS) for x in truths]
    plain = Scorer(Conventions(size=side))
    judged = Scorer(Conventions(size=side), {"lpips_alex": LPIPS("alex")})
    found = {
        "hash": seconds(lambda p: find([p.source]), pictures),
        "decode": seconds(lambda p: p.load(side), pictures),
        "measure": seconds(lambda x: measure(operator, noise, x[None], Rng([0])), truths),
        "score": seconds(lambda x: plain(x.x0, [x], operator.mask), restored),
        "score with LPIPS": seconds(lambda x: judged(x.x0, [x], operator.mask), restored),
    }
    work = list(zip(units, truths, restored, strict=True))
    for name, keep in (("rows, pictures kept", KEEP), ("rows", ())):
        writer = Writer(Store(folder / name), plain, "cpu", keep)
        done = seconds(lambda w, it=writer: it.rows(w[0], problem, w[1], [w[2]]), work)
        found[name] = done - found["score"]
    return found


def shards(folder: Path, count: int) -> dict[str, float]:
    """Seconds per shard of eight units: of writing it, and of reading it on the next start."""
    store = Store(folder)
    row: Row = {"status": "ok", "sample": 0, "psnr": 30.0, "curve_psnr": [20.0] * 12, "time": 0.0}
    row |= {"command": "inverse restore " + "x" * 200}
    batches = [[row | {"unit": f"{k:060}{j}"} for j in range(8)] for k in range(count)]
    write = seconds(store.append, batches)
    begin = time.process_time()
    assert len(store.done()) == 8 * count
    return {"write a shard": write, "read a shard": (time.process_time() - begin) / count}


class Idle:
    """An actor that does nothing."""

    def run(self, cell: int, pictures: list[Picture]) -> list[dict]:
        return [{"unit": picture.name, "psnr": 30.0} for picture in pictures]


def handing(batches: int = 200) -> dict[str, float]:
    """Seconds of the driver per batch of eight pictures handed to an actor, rows and back."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        return {}
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        actor: Any = ray.remote(Idle).remote()
        chunk = [Picture("set", f"{k:08}", f"/data/set/{k:08}.jpg", "0" * 64) for k in range(8)]
        ray.get(actor.run.remote(0, chunk))
        return {
            "hand out a batch": seconds(
                lambda _: ray.get(actor.run.remote(0, chunk)), list(range(batches))
            )
        }
    finally:
        ray.shutdown()


def main(images: str = "64", side: str = "256", shards_: str = "2000") -> None:
    """Measure and write results/throughput.json."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = stages(folder, int(images), int(side))
        found |= shards(folder / "shards", int(shards_)) | handing()
    for stage, value in found.items():
        print(f"{stage:24}{1e3 * value:9.3f} ms")
    config = {"images": int(images), "side": int(side), "shards": int(shards_)}
    save("throughput", config, [{"stage": k, "seconds": v} for k, v in found.items()])


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    options = dict(item.split("=", 1) for item in sys.argv[1:])
    if "shards" in options:
        options["shards_"] = options.pop("shards")
    main(**options)
