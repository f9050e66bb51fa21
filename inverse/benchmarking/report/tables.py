"""The rows of benchmarks as one table, if they may be compared; the measures in it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from inverse.benchmarking.columns import Agreed, Measured, Named
from inverse.benchmarking.store import OK, Store

Frame = Any  # pandas', whose own annotations let nothing be done with them
Series = Any


class Metric(NamedTuple):
    """A column: its title, and +1 where more is better, -1 where less is, 0 where neither."""

    column: str
    title: str
    better: int
    digits: int


METRICS = [Metric(name, *get_args(kind)[1:]) for name, kind in Measured.__annotations__.items()]
HEADLINES = ("psnr", "lpips_alex", "lpips_vgg", "lpips_squeeze")  # tested; the last of them found


def read(folders: Sequence[str], where: str | None = None) -> Frame:
    """The rows of several benchmarks as one table, with the columns folder and method.

    Args:
        where: a condition in pandas' query language that rows must meet.

    Raises:
        ValueError: where rows were made under different conventions, or two rows of one name by
            different configurations: their averages would mix what is not alike.
    """
    import pandas

    frames = [Store(folder).read().assign(folder=folder) for folder in folders]
    frame: Frame = pandas.concat(frames, ignore_index=True).drop_duplicates(["unit", "sample"])
    if where:
        frame = frame.query(where)
        if frame.empty:
            raise ValueError(f"no row meets --where {where!r}")
    for name in Agreed.__annotations__:
        _refuse_mixed(frame, name)
    done: Frame = frame[frame["status"] == OK]
    twice = done[done.duplicated([*Named.__annotations__], keep=False)]
    if len(twice):
        row, configs = twice.iloc[0], twice.groupby("config").size()
        raise ValueError(
            f"rows of one name come from different configurations ({row['solver']} on "
            f"{row['operator']}; weights, samples or defaults changed): {_counts(configs)}; "
            f'leave some out, as in --where "config == {configs.index[0]!r}"'
        )
    several = frame["prior"].nunique() > 1
    method = frame["solver"] + " · " + frame["prior"] if several else frame["solver"]
    return frame.assign(method=method).reset_index(drop=True)


def _refuse_mixed(frame: Frame, name: str) -> None:
    counts = frame.groupby(name, dropna=False).size()
    if len(counts) > 1:
        first = counts.index.dropna()[0]
        condition = f"{name} == {getattr(first, 'item', lambda: first)()!r}"
        raise ValueError(
            f"rows differ in {name}: {_counts(counts)}; they must not be averaged together: "
            f'choose, as in --where "{condition}"'
        )


def _counts(counts: Series) -> str:
    return ", ".join(f"{value} ({count} rows)" for value, count in counts.items())
