"""A report compares like with like, says how sure it is, and stands alone as one page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

pandas = pytest.importorskip("pandas", reason="benchmarks need the extra: benchmark")
for name in ("pyarrow", "jinja2", "matplotlib"):
    pytest.importorskip(name, reason="benchmarks need the extra: benchmark")

from inverse.benchmarking.engine import Engine  # noqa: E402
from inverse.benchmarking.grid import Part  # noqa: E402
from inverse.benchmarking.report import write  # noqa: E402
from inverse.benchmarking.report.distances import Distances  # noqa: E402
from inverse.benchmarking.report.plots import _frontier  # noqa: E402
from inverse.benchmarking.report.statistics import holm, interval, paired_p  # noqa: E402
from inverse.benchmarking.report.tables import read  # noqa: E402
from inverse.benchmarking.report.tasks import tasks  # noqa: E402
from inverse.benchmarking.scoring import Conventions, Scorer  # noqa: E402
from inverse.benchmarking.store import Store  # noqa: E402
from inverse.images import load_image, to_unit  # noqa: E402
from tests.inverse import grids_of_benchmarks as small  # noqa: E402
from tests.inverse.cases import Means  # noqa: E402


def broken(seed, prior):
    raise ValueError("a <bad> solver")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A benchmark of seven pictures, one of them unreadable, and a solver that always fails."""
    folder = tmp_path_factory.mktemp("run")
    pictures = small.photographs(folder / "photos", 7)
    solvers = [*small.axes()["solver"], Part("broken", {"name": "broken"}, ("it=broken",), broken)]
    small.run(folder / "store", small.work(pictures[:6], solver=solvers, samples=2), samples=2)
    (folder / "photos" / "photo6.png").write_text("no picture")
    small.run(folder / "store", small.work(pictures[6:], solver=solvers, samples=2), samples=2)
    return folder


def test_an_interval_of_a_mean_narrows_with_the_number_of_images():
    values = np.random.default_rng(0).normal(30, 2, 400)
    low, high = interval(values)
    error = 2 / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.05)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.05)
    assert interval(values) == (low, high)
    assert np.isnan(interval([1.0])).all() and np.isnan(interval([1.0, np.inf])).all()


def test_paired_tests_by_hand():
    one = np.arange(6.0)
    assert paired_p(one, one + [1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 2**6)  # all of one sign
    assert paired_p(one, one) == 1
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1, 1] and holm([]) == []


def test_the_frontier_leaves_out_what_a_faster_one_beats():
    points = [(3.0, 31.0), (1.0, 28.0), (2.0, 27.0), (4.0, 30.0)]
    assert _frontier(points, 1).tolist() == [[1, 28], [3, 31]]
    assert _frontier(points, -1).tolist() == [[1, 28], [2, 27]]


@pytest.mark.slow
def test_a_leaderboard_is_the_mean_over_images_of_the_mean_over_samples(run):
    frame = read([str(run / "store")])
    inpaint = next(task for task in tasks(frame) if task.title == "inpaint, gaussian")
    assert inpaint.images == 6 and inpaint.left_out == 1
    board = inpaint.leaderboard()
    assert list(board) and set(board) == {"diffpir", "longer"}  # broken did none
    rows = frame[(frame["operator"] == "inpaint") & (frame["status"] == "ok")]
    for method, cells in board.items():
        mine = rows[rows["method"] == method]
        assert len(mine) == 6 * 2 * 2
        assert cells["psnr"].mean == pytest.approx(mine["psnr"].mean())
        assert cells["psnr"].low < cells["psnr"].mean < cells["psnr"].high
    best = max(board, key=lambda method: board[method]["psnr"].mean)
    assert board[best]["psnr"].best and board[best]["psnr"].p is None
    (other,) = set(board) - {best}
    a, b = (rows[rows["method"] == m].groupby("image")["psnr"].mean() for m in (other, best))
    assert board[other]["psnr"].p == pytest.approx(paired_p(a, b))
    assert board[best]["residual"].best is False


@pytest.mark.slow
def test_rows_without_any_psnr_have_a_leaderboard_and_worst_cases_too(run):
    frame = read([str(run / "store")]).assign(psnr=np.nan)
    task = next(task for task in tasks(frame) if task.title == "inpaint, gaussian")
    assert "psnr" not in task.leaderboard()["diffpir"]
    assert {row["method"] for row in task.worst()} == {"diffpir", "longer"}


def test_images_that_a_method_failed_on_count_for_none(run):
    frame = read([str(run / "store")])
    lost = (frame["method"] == "longer") & (frame["image"] == "photo2")
    for task in tasks(frame[~lost]):
        assert task.images == 5 and task.left_out == 2
        assert (task.rows.groupby("method")["image"].nunique() == 5).all()


def test_a_seed_that_a_method_lacks_counts_for_none(run):
    frame = read([str(run / "store")])
    lost = (frame["method"] == "longer") & (frame["image"] == "photo2") & (frame["seed"] == 1)
    for task in tasks(frame[~lost]):
        assert task.images == 6 and len(task.rows) == 2 * (6 * 2 * 2 - 2)
        assert set(task.rows[task.rows["image"] == "photo2"]["seed"]) == {0}


class Tags(HTMLParser):
    """Checks that elements are closed in order; keeps what would be fetched from elsewhere."""

    VOID = {"meta", "input", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.links, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.words.append(data.strip())


@pytest.mark.slow
def test_the_page_stands_alone_and_shows_everything(run, tmp_path):
    page = write([str(run / "store")], tmp_path / "report").read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.open == [] and all(link.startswith("#") for link in tags.links)
    styles = re.findall(r"url\(([^)]*)\)", page)
    assert all(url.startswith(("data:image/webp;base64,", "#")) for url in styles)
    assert 'name="viewport"' in page and page.count("<svg") == 4
    for words in ("diffpir", "longer", "CRPS ↓", "Failures", "ValueError: a <bad> solver"):
        assert any(words in word for word in tags.words), words
    assert page.count('type="range"') == 2 * (3 * 2 + 2)  # tasks (pictures × methods + worst)
    assert "image=" in page and "inverse restore" in page
    number = f"{tasks(read([str(run / 'store')]))[0].leaderboard()['longer']['psnr'].mean:.2f}"
    assert number in page and number in (tmp_path / "report" / "report.md").read_text()
    rows = pandas.read_csv(tmp_path / "report" / "rows.csv")
    assert rows["command"].str.startswith("inverse restore ").all()


@pytest.mark.slow
def test_sets_are_compared_where_a_feature_network_is_given(run, tmp_path):
    from inverse.metrics.sets import Features, fid

    torch.jit.script(Means()).save(str(tmp_path / "means.pt"))
    features = Features(str(tmp_path / "means.pt"))
    page = write([str(run / "store")], tmp_path, features=features).read_text()
    (task, _) = tasks(read([str(run / "store")]))
    found = {it.method: it for it in Distances(features).of(task)}
    assert set(found) == {"diffpir", "longer"}
    assert found["longer"].restorations == 6 * 2 * 2 and found["longer"].truths == 6
    rows = task.rows[task.rows["method"] == "longer"]
    real, fake = (
        [(to_unit(load_image(run / "store" / name)) * 255).round().byte() for name in names]
        for names in (sorted(set(rows["truth"])), rows["restoration"])
    )
    assert found["longer"].fid == pytest.approx(fid(features(real), features(fake)))
    assert "means.pt" in page and f"<td>{found['longer'].fid:.2f}</td>" in page
    assert f"| longer | {found['longer'].fid:.2f} |" in (tmp_path / "report.md").read_text()


@pytest.mark.slow
def test_the_markdown_has_its_tables_in_one_piece(run, tmp_path):
    write([str(run / "store")], tmp_path)
    lines = (tmp_path / "report.md").read_text().splitlines()
    heads = [i for i, line in enumerate(lines) if line.startswith("| method |")]
    assert len(heads) == 2
    for i in heads:
        columns = lines[i].count("|")
        assert lines[i + 1].startswith("|---") and lines[i + 1].count("|") == columns
        assert lines[i + 2].count("|") == lines[i + 3].count("|") == columns
    for plot in re.findall(r"\]\((.*\.svg)\)", "\n".join(lines)):
        assert (tmp_path / plot).read_text().startswith("<svg")
    broken = [line for line in lines if line.startswith("- 14 × broken on inpaint: ValueError")]
    assert len(broken) == 1 and "## Failures" in lines


def test_different_conventions_are_not_mixed(run, tmp_path):
    pictures = small.photographs(tmp_path / "photos", 2)
    engine = Engine(Store(tmp_path / "other"), Scorer(Conventions(rounding="uint8", border=1)))
    assert sum(len(rows) for rows in engine.run(small.work(pictures, seeds=(0,)))) == 8
    both = [str(run / "store"), str(tmp_path / "other")]
    with pytest.raises(ValueError, match=r"rows differ in rounding: none \(\d+ rows\), uint8"):
        read(both)
    assert len(read(both, "rounding == 'uint8'")) == 8
    with pytest.raises(ValueError, match="no row meets"):
        read(both, "rounding == 'int4'")


def test_the_way_out_of_a_mixture_is_told(run, tmp_path):
    pictures = small.photographs(tmp_path / "photos", 1)
    engine = Engine(Store(tmp_path / "other"), Scorer(Conventions(size=16)))
    assert sum(len(rows) for rows in engine.run(small.work(pictures, seeds=(0,)))) == 4
    both = [str(run / "store"), str(tmp_path / "other")]
    with pytest.raises(ValueError, match="rows differ in size") as refused:
        read(both)
    (condition,) = re.findall('--where "(.*)"', str(refused.value))
    assert condition.startswith("size == 16") and len(read(both, condition)) == 4


def test_one_name_for_two_configurations_is_refused(tmp_path):
    pictures = small.photographs(tmp_path / "photos", 1)
    for lam in (1.0, 2.0):
        solver = [small.diffpir(lam=lam)]
        rows = small.run(tmp_path / "store", small.work(pictures, seeds=(0,), solver=solver))
    with pytest.raises(ValueError, match="different configurations"):
        read([str(tmp_path / "store")])
    first = rows["config"].iloc[0]
    assert read([str(tmp_path / "store")], f"config == {first!r}")["config"].unique() == [first]


@pytest.mark.slow
def test_the_command_line(run, tmp_path, capsys):
    from inverse.apps.main import main

    main(["report", str(run / "store"), "--out", str(tmp_path / "out"), "--pictures", "1"])
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "index.html")
    for wrong in (["report", "nowhere"], ["report", str(run / "store"), "--where", "x =="]):
        with pytest.raises(SystemExit) as stop:
            main(wrong)
        assert stop.value.code == 1 and "Traceback" not in capsys.readouterr().err
