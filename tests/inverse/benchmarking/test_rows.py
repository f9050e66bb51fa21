"""A benchmark's rows: complete, identical however they came about, and kept through failures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from inverse.benchmarking.grid import Part, weights_digest
from inverse.benchmarking.pictures import find
from inverse.benchmarking.sharing import share
from inverse.benchmarking.store import Store
from operators import Problem, Rng, gaussian, inpaint_random, measure

pandas = pytest.importorskip("pandas", reason="benchmarks need the extra: benchmark")
pytest.importorskip("pyarrow", reason="benchmarks need the extra: benchmark")

from tests.inverse import grids_of_benchmarks as small  # noqa: E402

ROOT = Path(__file__).parents[3]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where their names, and so the commands, are those of every test
    return small.photographs(Path("photos"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small.run(folder, small.work(small.photographs(Path("photos"))))
    return folder


@pytest.fixture
def whole(tmp_path, run):
    """Its rows, and all of it in a folder of this name."""
    shutil.copytree(run, tmp_path / "whole")
    return Store(tmp_path / "whole").read()


def test_one_row_per_picture_operator_solver_and_seed(whole, tmp_path):
    assert len(whole) == 5 * 2 * 2 * 2 and set(whole["status"]) == {"ok"}
    key = ["image", "operator", "noise", "solver", "prior", "seed", "sample"]
    assert not whole.duplicated(key).any()
    assert (whole["nfe"] == whole["solver"].map({"diffpir": 3, "longer": 5})).all()
    assert (whole["nfe_backward"] == 0).all() and (whole["seconds_network"] > 0).all()
    assert (whole["seconds"] >= whole["seconds_network"]).all()
    assert all(
        list(c) == list(range(1, n + 1)) for c, n in zip(whole.curve_nfe, whole.nfe, strict=True)
    )
    assert (whole["psnr"] > 5).all() and (whole["residual"] < 10).all()
    for column in ("truth", "measurement", "restoration"):
        assert all((tmp_path / "whole" / path).is_file() for path in whole[column])
    masked = whole["operator"] == "inpaint"
    assert whole[masked]["psnr_lost"].notna().all() and whole[~masked]["psnr_lost"].isna().all()
    assert (whole[masked]["psnr_kept"] > whole[masked]["psnr_lost"]).mean() > 0.9


@pytest.mark.slow
def test_rows_depend_on_neither_batch_nor_order_nor_company(tmp_path, pictures, whole):
    for batch in (1, 3, 64):
        small.same(small.run(tmp_path / f"batch{batch}", small.work(pictures), batch=batch), whole)
    backwards = small.work(pictures[::-1])
    small.same(small.run(tmp_path / "backwards", backwards[::-1]), whole)


def test_samples_of_a_picture_differ_and_are_judged_together(tmp_path, pictures):
    units = small.work(pictures, seeds=(0,), samples=3)
    rows = small.run(tmp_path / "a", units, samples=3)
    assert len(rows) == 5 * 2 * 2 * 3
    first = rows[rows["unit"] == units[0].key]
    assert list(first["sample"]) == [0, 1, 2] and first["psnr"].nunique() == 3
    assert first["crps"].nunique() == 1 and (first["psnr_of_mean"] > first["psnr"].min()).all()
    assert (rows["coverage_nominal"] == 0.5).all() and rows["coverage"].between(0, 1).all()
    small.same(small.run(tmp_path / "b", units, samples=3, batch=2), rows)


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_with_the_same_rows(tmp_path, pictures, whole):
    store = tmp_path / "killed"
    for lines in (3, 2):  # twice
        command = [sys.executable, "-m", "tests.inverse.grids_of_benchmarks"]
        paths = os.environ | {"PYTHONPATH": str(ROOT)}
        program = subprocess.Popen(
            [*command, "photos", str(store)], stdout=subprocess.PIPE, env=paths
        )
        assert program.stdout is not None
        for _ in range(lines):
            assert program.stdout.readline().strip() in (b"1", b"2")
        program.kill()
        assert program.wait() == -9
        program.stdout.close()
    units = small.work(pictures)
    before = Store(store).read()
    pending = Store(store).pending(units)
    assert 5 <= len(before) < len(units) and len(pending) == len(units) - len(before)
    rows = small.run(store, units)
    small.same(rows, whole)
    kept = rows[rows["unit"].isin(before["unit"])].reset_index(drop=True)
    pandas.testing.assert_frame_equal(kept, before)  # not done again: their times stand


def test_nothing_is_pending_once_all_is_done(tmp_path, pictures, whole):
    mine = small.engine(tmp_path / "whole")
    assert not mine.store.pending(small.work(pictures))


def test_a_changed_configuration_or_file_is_new_work(tmp_path, pictures, whole):
    store = Store(tmp_path / "whole")
    other = small.work(pictures, solver=[small.diffpir(lam=2.0)])
    assert len(store.pending(other)) == len(other)
    (tmp_path / "photos" / "photo1.png").write_bytes(
        (tmp_path / "photos" / "photo3.png").read_bytes()
    )
    again = small.work(find([str(tmp_path / "photos")]))
    assert {unit.picture.name for unit in store.pending(again)} == {"photo1"}
    moved = small.work(pictures, samples=2)
    assert len(store.pending(moved)) == len(moved)


def test_a_changed_weight_changes_the_digest():
    network = torch.nn.Linear(3, 2)
    before = weights_digest(network)
    assert before == weights_digest(network)
    network.weight.data[0, 0] += 1e-6
    assert weights_digest(network) != before


def test_a_failing_unit_is_recorded_and_the_others_go_on(tmp_path, pictures, whole):
    (tmp_path / "photos" / "photo4.png").write_text("no picture")

    def make(seed, prior):
        raise ValueError("no such\nsolver")

    solvers = [small.diffpir(), Part("broken", {"name": "broken"}, (), make)]
    units = small.work(find([str(tmp_path / "photos")]), solver=solvers, seeds=(0,))
    rows = small.run(tmp_path / "some", units)
    failed = rows[rows["status"] == "failed"]
    assert len(rows) == len(units) == 20 and len(failed) == 10 + 2
    assert set(failed[failed["solver"] == "broken"]["error"]) == {"ValueError: no such solver"}
    assert all("cannot be read" in e for e in failed[failed["solver"] == "diffpir"]["error"])
    assert not Store(tmp_path / "some").pending(units)
    assert len(Store(tmp_path / "some").pending(units, retry=True)) == 12


def test_a_retry_replaces_failures(tmp_path, pictures, whole):
    def make(seed, shape):
        raise RuntimeError("not today")

    sick = small.part("inpaint", make)
    healthy = small.axes()["operator"][0]
    assert sick.config == healthy.config
    failed = small.run(tmp_path / "x", small.work(pictures, operator=[sick]))
    assert set(failed["status"]) == {"failed"}
    units = small.work(pictures, operator=[healthy])
    mine = small.engine(tmp_path / "x", batch=3)
    for _ in mine.run(mine.store.pending(units, retry=True)):
        pass
    small.same(mine.store.read(), whole[whole["operator"] == "inpaint"].reset_index(drop=True))


def test_one_bad_sample_fails_alone(tmp_path, pictures, whole):
    class Spy(small.White):
        def denoise(self, x, level):
            seen.append(x.flatten(1).sum(1))
            return super().denoise(x, level)

    class Allergic(small.White):
        def denoise(self, x, level):
            bad = (x.flatten(1).sum(1) == seen[0]).view(-1, 1, 1, 1)
            return torch.where(bad, torch.nan, super().denoise(x, level))

    seen = []  # first: photo0's pure noise, the same for every operator and solver
    small.run(tmp_path / "spied", small.work(pictures, seeds=(0,), prior=Spy()), batch=1)
    rows = small.run(tmp_path / "y", small.work(pictures, seeds=(0,), prior=Allergic()), batch=8)
    failed = rows[rows["status"] == "failed"]
    assert list(failed["image"]) == ["photo0"] * 4 and failed["error"].str.contains("NaN").all()
    good = whole[(whole["seed"] == 0) & (whole["image"] != "photo0")]
    small.same(rows[rows["status"] == "ok"].reset_index(drop=True), good.reset_index(drop=True))


def test_short_memory_halves_the_batch_and_stays_there(tmp_path, pictures, whole):
    prior = small.White(room=1)
    rows = small.run(tmp_path / "z", small.work(pictures, prior=prior), batch=8)
    small.same(rows, whole)
    assert set(rows["batch"]) == {1} and max(prior.sizes) == 3
    assert sum(size > 1 for size in prior.sizes) == 8  # once per cell
    none = small.run(tmp_path / "none", small.work(pictures, prior=small.White(room=0)))
    assert set(none["status"]) == {"failed"} and "out of memory" in none["error"][0]


def test_shares_of_many_processes_make_the_rows_of_one(tmp_path, pictures, whole):
    units = small.work(pictures)
    environments = [{"RANK": str(r), "WORLD_SIZE": "3"} for r in range(3)]
    shares = [share(environment).of(units) for environment in environments]
    assert sum(map(len, shares)) == len(units) == 40
    for mine in shares:
        rows = small.run(tmp_path / "shared", mine)
    small.same(rows, whole)


def test_shares_come_from_the_launcher():
    assert share({}) == (0, 1)
    array = {"ID": "7", "MIN": "1", "STEP": "2", "COUNT": "5"}
    assert share({f"SLURM_ARRAY_TASK_{k}": v for k, v in array.items()}) == (3, 5)
    assert share({"RANK": "1", "WORLD_SIZE": "2", "SLURM_ARRAY_TASK_ID": "9"}) == (1, 2)
    for wrong in ({"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "0"}):
        with pytest.raises(ValueError, match=r"rank must be|set both"):
            share(wrong)


def test_measurements_are_those_of_restore(tmp_path, pictures, whole):
    """Same seeds from the same names, so that the row's command gives the row's picture."""
    from inverse.images import load_image
    from operators import seed_for

    row = whole[(whole["image"] == "photo2") & (whole["operator"] == "inpaint")].iloc[0]
    x = load_image(tmp_path / "photos" / "photo2.png")[None]
    rng = Rng([seed_for(int(row["seed"]), "photo2", "measurement")])
    operator = inpaint_random(x.shape[1:], 0.5, int(row["seed"]))
    y = measure(operator, gaussian(0.1), x, rng).y
    kept = load_image(tmp_path / "whole" / row["measurement"])[None]
    assert isinstance(Problem(operator, gaussian(0.1), y), Problem)
    assert (kept - y.clamp(-1, 1)).abs().max() <= 1 / 255 + 1e-6


def test_a_damaged_shard_is_named(tmp_path, pictures, whole):
    shard = next((tmp_path / "whole" / "rows").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(ValueError, match=shard.name):
        Store(tmp_path / "whole").read()


def test_two_pictures_of_one_name_are_refused(tmp_path, pictures):
    (tmp_path / "photos" / "photo1.webp").write_bytes(b"any")
    with pytest.raises(ValueError, match="2 pictures are called photos/photo1"):
        find([str(tmp_path / "photos")])


def test_a_missing_library_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"pyarrow is missing.*\[benchmark\]"):
        Store(tmp_path)


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"batch": 0}, {"keep": ["truth", "everything"]}]
)
def test_wrong_options_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match=r"at least 1|keep must be of"):
        small.engine(tmp_path, **options)


def test_labels_and_commands(pictures):
    unit = small.work(pictures)[0]
    assert unit.cell.labels["solver"] == "diffpir" and len(unit.cell.labels["config"]) == 16
    assert unit.command.startswith("inverse restore image=") and "it=diffpir" in unit.command


def test_a_column_that_is_not_declared_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no column pnsr"):
        Store(tmp_path).append([{"unit": "a", "status": "ok", "pnsr": 30.0}])  # pyright: ignore


def test_a_shard_of_an_earlier_version_is_read_beside_those_of_today(tmp_path, pictures):
    """It had the columns of its rows alone, of the types that their values had."""
    import pyarrow
    from pyarrow import parquet

    rows = small.run(tmp_path / "new", small.work(pictures, seeds=(0,)))
    name = {"dataset": "a", "image": "b", "operator": "c", "noise": "d", "solver": "e"}
    name |= {"prior": "f", "seed": 0, "sample": 0, "unit": "earlier", "status": "ok", "time": 0.0}
    old = name | {"psnr": 30, "ssim": None, "error": None, "crps": None, "a_measure_of_then": 1.0}
    table = pyarrow.table({column: [value] for column, value in old.items()})
    parquet.write_table(table, tmp_path / "new" / "rows" / "earlier.parquet")
    both = Store(tmp_path / "new").read()
    assert len(both) == len(rows) + 1 and "earlier" in Store(tmp_path / "new").done()
    first = both[both["unit"] == "earlier"].iloc[0]
    assert first["psnr"] == 30.0 and first["a_measure_of_then"] == 1.0
    small.same(both[rows.columns][both["unit"] != "earlier"].reset_index(drop=True), rows)
