"""The certificate as one HTML page that stands alone."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from inverse.certifying.measuring import at

STYLE = """
:root { --ink: #1c1e21; --soft: #666; --line: #ddd; --good: #0b6e4f; --bad: #b3261e; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem;
  margin: 0 auto; padding: 0 1rem 4rem; }
p, dl { color: var(--soft); } svg { max-width: 22rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, td:last-child { text-align: left; }
td small { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } dd { margin: 0; }
"""
GOOD = "no fault found"
MEANING = """
A sampler is calibrated where its intervals hold as much of the posterior as they say. <b>50 %</b>,
<b>80 %</b>, <b>90 %</b>: the posterior's mass inside the samples' central intervals, the mean over
values, random directions and measurements, with its standard error; <b>spread</b>: the samples'
variance over the posterior's; <b>gap</b>: the excess of the squared error of their mean over the
least possible, in units of the posterior's variance. In brackets what as many draws from the
posterior itself have. A fault is found where the intervals miss by more than those of exact draws
do, in a paired t test over measurements that takes chance for a fault once in 300 problems: <i>too
sure</i> and <i>too timid</i> by the 80 % interval, else <i>misplaced</i>. Of the first of Student's
laws (Cauchy's) variances need not exist: there spread and gap say little. No fault found is no
proof: it holds for these problems and so many samples. The prior's denoiser is exact here: what
is wrong is the solver.
"""


def page(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> str:
    """The page of a solver's rows, as `examine` gives them."""
    good = sum(row.get("verdict") == GOOD for row in rows)
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in about.items())
    levels = (0.5, 0.8, 0.9)
    heads = "".join(f"<th>{level:.0%}</th>" for level in levels)
    body = "".join(_line(row, levels) for row in rows)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>"
        f"<p>No fault found on {good} of {len(rows)} problems.</p><dl>{facts}</dl>"
        f"{_curve(rows)}<table><tr><th>problem</th>{heads}<th>spread</th><th>gap</th>"
        f"<th>calls</th><th>verdict</th></tr>{body}</table><p>{MEANING}</p></html>\n"
    )


def _line(row: Mapping[str, Any], levels: Sequence[float]) -> str:
    exact = row["exact"]
    name = f"<tr><td>{escape(row['trial'])}</td>"
    if "error" in row:
        return f'{name}<td colspan="7" class="bad">{escape(row["error"])}</td></tr>'
    cells = []
    for level in levels:
        i = at(row, level)
        share, error = row["coverage"][i], row["coverage_error"][i]
        cells.append(f"{share:.0%} <small>± {100 * error:.0f} ({exact['coverage'][i]:.0%})</small>")
    cells += [f"{row[k]:.2f} <small>({exact[k]:.2f})</small>" for k in ("spread", "gap")]
    cells.append("" if row["calls"] is None else str(row["calls"]))
    mark = "good" if row["verdict"] == GOOD else "bad"
    told = f'<td class="{mark}">{row["verdict"]}</td>'
    return name + "".join(f"<td>{cell}</td>" for cell in cells) + told + "</tr>"


def _curve(rows: Sequence[Mapping[str, Any]]) -> str:
    """Mass inside the intervals against what they should hold: every problem, and the ideal."""
    lines = ['<path d="M0 100L100 0" stroke="#999" stroke-dasharray="2"/>']
    for group, colour in ((rows, "#b3261e"), ([row["exact"] for row in rows], "#0b6e4f")):
        for row in (row for row in group if "error" not in row):
            pairs = zip(row["nominal"], row["coverage"], strict=True)
            points = " ".join(f"{100 * x:.1f},{100 - 100 * y:.1f}" for x, y in pairs)
            lines.append(f'<polyline points="{points}" stroke="{colour}" opacity=".5"/>')
    words = "intervals should hold (right) and hold (up); green: draws from the posterior"
    return (
        '<figure><svg viewBox="-2 -2 104 104" fill="none" stroke-width=".7" role="img" '
        f'aria-label="{words}"><path d="M0 0V100H100" stroke="#999"/>{"".join(lines)}</svg>'
        f"<figcaption>What {words}.</figcaption></figure>"
    )
