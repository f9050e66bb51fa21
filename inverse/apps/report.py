"""`inverse report`: a page and a Markdown file from the rows of one or more benchmarks."""

import argparse
from pathlib import Path

WHERE = 'a condition on rows in pandas\' query language, such as "size == 128"'

FEATURES = "FID and KID by this network: a TorchScript file, Inception's weights, or inception"


def main() -> None:
    """The app's entry point."""
    parser = argparse.ArgumentParser("inverse report", description=__doc__)
    parser.add_argument("run", nargs="+", help="a folder of inverse benchmark")
    parser.add_argument("--out", help="where to write (default: report/ in the first folder)")
    parser.add_argument("--where", help=WHERE)
    parser.add_argument("--pictures", type=int, default=3, help="shown of each task (default: 3)")
    parser.add_argument("--features", help=FEATURES)
    given = parser.parse_args()
    for folder in given.run:
        if not (Path(folder) / "rows").is_dir():
            raise FileNotFoundError(f"{folder} is no folder of inverse benchmark: it has no rows/")
    from inverse.benchmarking.report import write
    from inverse.metrics.sets import Features

    features = given.features and Features(given.features)
    out = given.out or Path(given.run[0]) / "report"
    print(write(given.run, out, given.where, given.pictures, features))
