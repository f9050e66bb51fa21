"""Rows on disk: Parquet shards, each written whole or not at all, each under the hash of its work.

What is done is what the shards hold: nothing else remembers it, so a run may be killed anywhere.
"""

import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from inverse.benchmarking.columns import Named, Row, schema
from inverse.benchmarking.grid import Unit, digest
from inverse.files import write_atomic
from inverse.images import save_image

if TYPE_CHECKING:
    import pandas
    import pyarrow

OK, FAILED = "ok", "failed"


class Store:
    """A benchmark's folder: rows/*.parquet and images/*.png.

    Raises:
        ModuleNotFoundError: where pyarrow is missing, naming the extra to install.
    """

    def __init__(self, folder: str | Path) -> None:
        arrow()
        self.folder = Path(folder)
        self.rows, self.images = self.folder / "rows", self.folder / "images"
        self.rows.mkdir(parents=True, exist_ok=True)
        self.images.mkdir(exist_ok=True)

    def pending(self, units: Sequence[Unit], retry: bool = False) -> list[Unit]:
        """The units without rows; with `retry`, those that failed too."""
        done = self.done(failures=not retry)
        return [unit for unit in units if unit.key not in done]

    def done(self, failures: bool = True) -> set[str]:
        """The keys of the units that have rows."""
        table = self._table(["unit", "status"])
        if table is None:
            return set()
        pairs = zip(table["unit"].to_pylist(), table["status"].to_pylist(), strict=True)
        return {unit for unit, status in pairs if failures or status == OK}

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows as one shard; the same work again replaces its shard.

        Raises:
            ValueError: for a column that `Row` does not have.
        """
        import pyarrow
        from pyarrow import parquet

        buffer, columns = io.BytesIO(), schema()
        if unknown := {name for row in rows for name in row} - set(columns.names):
            raise ValueError(f"a row has no column {', '.join(sorted(unknown))}: see columns.py")
        parquet.write_table(pyarrow.Table.from_pylist(rows, columns), buffer)
        name = digest(sorted({row["unit"] for row in rows}))[:32]
        write_atomic(self.rows / f"{name}.parquet", buffer.getvalue())

    def read(self) -> "pandas.DataFrame":
        """All rows, one per unit and sample: done work before a failure, the newest of the same.

        Raises:
            ValueError: when there are none.
        """
        table = self._table()
        if table is None:
            raise ValueError(f"{self.folder} holds no rows; run `inverse benchmark` first")
        frame = table.to_pandas()
        frame["failed"] = frame["status"] != OK
        frame = frame.sort_values(["failed", "time"], ascending=[True, False], kind="stable")
        chosen = frame.groupby("unit")["failed"].transform("first")
        frame = frame[frame["failed"] == chosen].drop_duplicates(["unit", "sample"])
        order = [*Named.__annotations__, "unit"]
        return frame.drop(columns="failed").sort_values(order, ignore_index=True)

    def keep(self, name: str, image: Tensor) -> str:
        """Save a picture (C, H, W) and return its path below the folder; once, if it is there."""
        path = self.images / f"{name}.png"
        if not path.exists():
            save_image(image, path)
        return str(path.relative_to(self.folder))

    def _table(self, columns: list[str] | None = None) -> "pyarrow.Table | None":
        import pyarrow
        from pyarrow import parquet

        shards = sorted(self.rows.glob("[!.]*.parquet"))
        if not shards:
            return None
        empty = schema().empty_table()
        tables = [empty.select(columns) if columns else empty]
        for shard in shards:
            try:
                tables.append(parquet.read_table(shard, columns=columns))
            except pyarrow.ArrowInvalid as error:
                raise ValueError(f"{shard} is no Parquet file ({error}); delete it") from error
        return pyarrow.concat_tables(tables, promote_options="permissive")


def arrow() -> None:
    """Raise ModuleNotFoundError, naming the extra, where what a benchmark needs is missing."""
    try:
        for name in ("pandas", "pyarrow"):
            import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is missing: pip install 'anytime-inverse[benchmark]'", name=error.name
        ) from error
