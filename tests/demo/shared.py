"""What the tests of the page share: a small menu, a prior that waits, a finger."""

import threading
from dataclasses import replace

from omegaconf import OmegaConf
from PIL import Image, ImageDraw

from inverse.apps.configuration import FOLDER
from inverse.demo.choices import Form, Menu

CONFIG = OmegaConf.to_container(OmegaConf.load(FOLDER / "demo.yaml"))
SHARP = "nested, a sharp sample"
CONFIG["solvers"][SHARP]["presets"]["quick"] = {
    "outer_steps": 4,
    "inner_least": 3,
}  # four steps of three calls
MENU = Menu.read({**CONFIG, "sizes": [32], "size": 32})
RANDOM, PAINTED, BOX = "pixels lost at random", "painted by you", "a box lost"
FORM = Form(size=32, degradation=RANDOM, strength=0.3, solver=SHARP)
QUICK = replace(FORM, preset="quick")


class Gate:
    """Lets a prior make so many network calls, and holds it then."""

    def __init__(self, prior):
        self.permits, self.calls = threading.Semaphore(0), 0
        self.hook = prior.register_forward_pre_hook(self._pass)

    def _pass(self, *_):
        assert self.permits.acquire(timeout=30)
        self.calls += 1

    def allow(self, calls=1000):
        self.permits.release(calls)


def finish(session):
    return list(session.shop.line.follow(session.run.job, pace=0.01))[-1]


def until(job, step):
    """Wait until a job has made so many steps."""
    version = -1
    while not job.moments or job.moments[-1].iterate.step < step:
        version = job.wait(version, 30)


def stroke(size=512, box=(128, 128, 256, 256), colour=(230, 0, 126, 255)):
    paint = Image.new("RGBA", (size, size))
    ImageDraw.Draw(paint).rectangle(box, fill=colour)
    return paint
