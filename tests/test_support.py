"""The printed support matrix is that of the code, and all its solvers are in the harness."""

import inverse.solvers
from benchmarks.support import PAGE, page
from tests.inverse.solver_cases import SOLVERS


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run python -m benchmarks.support"


def test_known_cells():
    lines = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    cells = {line[0].strip("| `"): line[1:-1] for line in lines}
    assert cells["repaint"] == ["yes", "no", "no", "no", "no"]
    assert cells["uneven"] == ["yes", "yes", "no", "no", "no"]
    assert cells["ddrm"] == ["yes", "yes", "yes", "no", "no"]
    assert cells["nested"] == ["yes", "yes", "yes", "yes", "no"]
    assert cells["sitcom"] == ["yes"] * 5


def test_every_solver_is_in_the_harness():
    factories = {getattr(inverse.solvers, name) for name in inverse.solvers.__all__}
    assert {factory.func for factory in SOLVERS.values()} == factories
