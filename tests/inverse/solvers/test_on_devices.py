"""Every solver, and what is around it, as if on a GPU: nothing mixes devices, no step waits."""

import pytest
import torch
from PIL import Image
from torch import nn

from benchmarks.speed import Count
from inverse.apps.benchmark import _device as device_of
from inverse.apps.device import pick_device
from inverse.apps.main import main
from inverse.denoise import FieldPrior, Unfit
from inverse.levels import Level
from inverse.priors import BUNDLED, EDMPrior, bundled, load_prior
from inverse.samplers import State
from inverse.solvers import diffpir
from inverse.solving import Budget, plan, solve
from inverse.training.patches import Patch
from inverse.training.recipe import Recipe
from inverse.training.trainer import Trainer
from operators import Rng
from tests.fakecuda import MISSING, FakeDevice, Pretend
from tests.inverse.solver_cases import SOLVERS, problem, truths

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"torch {torch.__version__} lacks {MISSING}"),
    pytest.mark.filterwarnings("ignore"),
]
LOOKS = {"sitcom": 2, "nested-coarse": 12, "dps-low-rank": 1}
"""One per iteration, as in SOLVERS: its early stop, of which each saves network calls; and copies
of the few numbers of the small image's operator, which every outer step makes anew; and a singular
value decomposition, which looks whether it has converged."""


class Convolution(FieldPrior):
    """A prior of one layer, so that it has parameters to be on a device."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)

    def restore(self, z, field):
        return z * 0.9 + 0.1 * self.layer(z)


@pytest.mark.parametrize("operator", ["inpaint", "iterated", "nonlinear"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_stay_on_their_device_and_no_step_waits_or_copies(solver, operator):
    with FakeDevice() as fake:
        here, sampler = problem(operator, count=2).to("cuda"), SOLVERS[solver](Convolution())
        try:
            walk = sampler.to("cuda").iterate(here, Rng([1, 2], "cuda"))
        except Unfit as unfit:
            pytest.skip(str(unfit))
        iterate = next(walk)
        fake.notes.clear()
        if iterate.steps > 1:
            iterate = next(walk)
    assert isinstance(iterate.x0, Pretend) and bool(iterate.x0.held.isfinite().all())
    notes = [note for note in fake.notes if "operators/solve/" not in note.where]  # CG's looks
    assert len(notes) <= LOOKS.get(solver, 0), notes


@pytest.mark.parametrize("operator", ["inpaint", "nonlinear"])
@pytest.mark.parametrize("solver", ["daps", "fps_smc", "mcgdiff", "tds", "nested-posterior"])
def test_solvers_ask_apples_gpus_for_no_64_bit_floats(solver, operator):
    with FakeDevice("mps"):
        here, sampler = problem(operator, count=2).to("mps"), SOLVERS[solver](Convolution())
        try:
            walk = list(sampler.to("mps").iterate(here, Rng([1, 2], "mps")))
        except Unfit as unfit:
            pytest.skip(str(unfit))
    assert walk[-1].x0.device.type == "mps"


@pytest.mark.parametrize("left", ["problem", "rng", "sampler", "state"])
def test_what_does_not_lie_on_one_device_is_refused_at_once(left):
    def at(name):
        return "cpu" if name == left else "cuda"

    with FakeDevice():
        x = truths(2).to(at("state"))
        sampler, rng = diffpir(Convolution(), steps=3).to(at("sampler")), Rng([1, 2], at("rng"))
        with pytest.raises(ValueError, match=r"all must lie on one device, got .*cpu.*move them"):
            sampler.iterate(problem(count=2).to(at("problem")), rng, State(x, Level(1.0, 1.0)))


@pytest.mark.parametrize("plan_it", [False, True])
def test_a_limit_of_seconds_waits_for_the_device_and_one_of_calls_does_not(plan_it):
    with FakeDevice() as fake:
        sampler = diffpir(Convolution(), steps=3).to("cuda")

        def waits(budget):
            fake.notes.clear()
            chosen = plan(sampler, budget) if plan_it else sampler
            solve(chosen, problem(count=1).to("cuda"), Rng([1], "cuda"), budget)
            return sum(note.what == "synchronize" for note in fake.notes)

        assert waits(Budget(seconds=60, nfe=3)) >= 3
        assert waits(Budget(nfe=3)) == 0


def test_a_run_waits_for_the_device_once_a_step_to_see_that_the_estimate_is_finite():
    with FakeDevice() as fake:
        sampler = diffpir(Convolution(), steps=3).to("cuda")
        given, rng = problem(count=1).to("cuda"), Rng([1], "cuda")
        fake.notes.clear()
        solve(sampler, given, rng)
    waits = [note for note in fake.notes if note.kind == "wait"]
    assert len(waits) == 3 and all("solving/running.py" in note.where for note in waits)


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("auto", "cuda", "cuda"),
        ("auto", "mps", "cpu"),
        ("cuda:0", "cuda", "cuda:0"),
        ("mps", "mps", "mps"),
        ("cuda:1", "cuda", "torch sees 1 GPU;"),
        ("cuda", "mps", "torch sees no GPU;"),
        ("mps", "cuda", "no GPU of Apple's"),
        ("cpu:1", "cuda", "must be auto, cpu"),
        ("cuda:", "cuda", "must be auto, cpu"),
        ("cuda:x", "cuda", "must be auto, cpu"),
        ("gpu", "cuda", "must be auto, cpu"),
    ],
)
def test_a_device_is_understood_or_refused(name, kind, found):
    with FakeDevice(kind):
        if " " not in found:
            assert pick_device(name) == found
        else:
            with pytest.raises(ValueError, match=found):
                pick_device(name)


def test_rays_workers_get_gpus_from_ray_alone():
    assert device_of("auto", "ray") == "auto" and device_of("cuda", "ray") == "cuda"
    with pytest.raises(ValueError, match="unknown device of Ray's workers 'cuda:1'"):
        device_of("cuda:1", "ray")


def test_tune_runs_where_there_is_a_gpu(tmp_path, monkeypatch, capsys):
    pytest.importorskip("optuna", reason="tuning needs the extra: tune")
    Image.new("RGB", (16, 16), (200, 90, 30)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    words = (
        "images=. operators=[identity] solver.outer_steps=2 solver.inner_most=1 hydra.run.dir=out"
    )
    with FakeDevice():
        main(["tune", *words.split(), "search={lam: [0.2, 0.5]}"])
    assert "best psnr" in capsys.readouterr().out


def test_a_step_of_training_does_not_wait_for_the_device(tmp_path):
    recipe = Recipe(steps=6, batch=2, patch=16)
    patch = Patch(torch.zeros(2, 3, 16, 16), torch.zeros(2, dtype=torch.long))
    with FakeDevice() as fake:
        trainer = Trainer(EDMPrior({"channels": [16, 16], "layers": 1}), recipe, tmp_path, "cuda")
        for _ in range(2):
            fake.notes.clear()
            loss = trainer._update(patch, 0.0)
        assert not fake.notes
    assert isinstance(loss, Pretend) and bool(loss.held > 0)


def test_weights_in_half_precision_are_rounded_once_not_at_every_call():
    x, slow, quick = truths(1), load_prior(BUNDLED, "bf16"), bundled("bf16")
    with torch.no_grad(), Count() as count:
        found = quick.denoise(x, Level(1.0, 0.2))
    assert count.names.count("_to_copy") < 10
    assert torch.equal(found, slow.denoise(x, Level(1.0, 0.2)))
