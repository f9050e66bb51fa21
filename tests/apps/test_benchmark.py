"""``inverse benchmark`` from the command line: the grid it runs, and one line for each mistake."""

import signal

import pytest
from PIL import Image, ImageChops

from inverse.apps import main as command
from inverse.benchmarking.store import Store
from inverse.priors import save_prior
from tests.inverse.solver_cases import tiny_prior

pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")


@pytest.fixture
def inverse(tmp_path, monkeypatch, capsys):
    """Run ``inverse`` with a tiny prior; gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    save_prior(tiny_prior(), tmp_path / "prior.safetensors")

    def run(*arguments):
        code = 0
        try:
            command.main(list(arguments))
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


SMALL = [
    "benchmark", "data=[astronaut, coffee]", "size=16", "lpips=[]", "out=run", "device=cpu",
    "prior={name: file, path: prior.safetensors}", "operator=identity",
    "solver=[{name: nested, outer_steps: 2, inner_most: 1}, {name: diffpir, steps: [2, 3]}]",
]  # fmt: skip


@pytest.mark.slow
def test_a_grid_runs_once_and_a_longer_one_goes_on(inverse, tmp_path):
    code, out, err = inverse(*SMALL, "noise.sigma=[0.05, 0.1]")
    assert code == 0 and "12 units of work, 0 done before" in out and "12 done now" in out, err
    rows = Store(tmp_path / "run").read()
    assert len(rows) == 2 * 3 * 2 and rows["psnr"].notna().all()
    assert set(rows["noise"]) == {"gaussian(sigma=0.05)", "gaussian(sigma=0.1)"}
    assert set(rows["solver"]) == {
        "nested(outer_steps=2, inner_most=1)", "diffpir(steps=2)", "diffpir(steps=3)",
    }  # fmt: skip
    code, out, _ = inverse(*SMALL, "noise.sigma=[0.05, 0.1, 0.2]")
    assert code == 0 and "18 units of work, 12 done before" in out
    save_prior(tiny_prior().requires_grad_(False).apply(_scale), tmp_path / "prior.safetensors")
    assert "12 units of work, 0 done before" in inverse(*SMALL, "noise.sigma=[0.05, 0.1]")[1]


def _scale(module):
    for parameter in module.parameters(recurse=False):
        parameter.data *= 1.01


def test_the_command_of_a_row_makes_its_picture_again(inverse, tmp_path):
    Image.effect_noise((20, 18), 60).convert("RGB").save(tmp_path / "m (1)'é.png")
    grid = [word for word in SMALL if not word.startswith(("data", "operator"))]
    more = ["data=m (1)'é.png", "operator={name: inpaint_random, keep: 0.6}", "seeds=[3]"]
    assert inverse(*grid, *more, "samples=2")[0] == 0
    import shlex

    row = Store(tmp_path / "run").read().iloc[-1]
    words = shlex.split(row["command"])
    assert words[:2] == ["inverse", "restore"] and "operator.keep=0.6" in words
    code, _, err = inverse(*words[1:], "hydra.run.dir=again", "lpips=null", "device=cpu")
    assert code == 0, err
    first = Image.open(tmp_path / "run" / row["restoration"].replace("-1.png", "-0.png"))
    again = Image.open(tmp_path / "again" / "restored.png")
    assert max(high for _, high in ImageChops.difference(first, again).getextrema()) <= 1


def test_what_fails_is_told_and_the_rest_is_done(inverse, tmp_path):
    sizes = "solver=[{name: ddrm, steps: 2}, {name: diffpir, steps: 2}]"
    code, out, err = inverse(*SMALL, sizes, "operator=[hdr, identity]")
    assert code == 0 and "failed; look at them" in out
    rows = Store(tmp_path / "run").read()
    failed = rows[rows["status"] == "failed"]
    assert len(rows) == 8 and set(failed["operator"]) == {"hdr"} and "2 x ddrm" in err
    assert failed["error"].str.startswith("Unfit").any()


def test_shares_by_the_environment(inverse, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        assert "3 units of work, 0 done before" in inverse(*SMALL)[1]
    monkeypatch.delenv("RANK")
    monkeypatch.delenv("WORLD_SIZE")
    assert "6 units of work, 6 done before" in inverse(*SMALL)[1]


def test_ctrl_c_leaves_no_half_done_row(inverse, tmp_path, monkeypatch):
    """A real signal, in the middle of the second unit's restoration."""
    from inverse.priors import EDMPrior

    calls, predict = [], EDMPrior.predict

    def counted(self, *arguments):
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return predict(self, *arguments)

    monkeypatch.setattr(EDMPrior, "predict", counted)
    solver = "solver={name: diffpir, steps: 3}"
    code, _, _ = inverse(*SMALL, solver, "batch=1")
    assert code == 130 and len(Store(tmp_path / "run").read()) == 1
    assert "2 units of work, 1 done before" in inverse(*SMALL, solver)[1]


BAD = {
    "unknown solver": (["solver=[nestd]"], "did you mean 'nested'"),
    "unknown key": (["solver={name: diffpir, step: 3}"], "did you mean 'steps'"),
    "no name": (["operator={keep: 0.3}"], "operator must be a name or"),
    "empty axis": (["operator=[]"], "operator names nothing"),
    "unknown option": (["seed=[1]"], "did you mean 'seeds'"),
    "missing data": (["data=nowhere/"], "data nowhere/: no such file"),
    "missing prior": (["prior={name: file, path: nowhere}"], "prior weights not found"),
    "wrong rounding": (["rounding=int4"], "none or uint8"),
    "half a sample": (["samples=1.5"], "samples must be a positive whole number, got 1.5"),
    "number no number": (
        ["solver={name: diffpir, lam: x}"],
        "solver.lam must be a number, got 'x'",
    ),
    "name without quotes": (
        ["operator={name: inpaint_file, mask: é (1).png}"],
        "put names in quotes",
    ),
    "wrong network": (["lpips=[best]"], "must be one of"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_one_line(inverse, case):
    arguments, message = BAD[case]
    code, out, err = inverse(*SMALL, *arguments)
    lines = [line for line in err.splitlines() if line.strip()]
    assert code == 1 and len(lines) == 1 and message in lines[0], err
    assert lines[0].startswith("inverse benchmark: error:")


def test_the_default_configuration_names_real_choices():
    from omegaconf import OmegaConf

    from inverse.apps.axes import axis
    from inverse.apps.configuration import GRID

    config = OmegaConf.to_container(OmegaConf.load(GRID / "benchmark.yaml"))
    assert [len(axis(n, config[n])) for n in ("operator", "noise", "solver")] == [2, 1, 3]
