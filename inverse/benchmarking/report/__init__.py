"""The report on one or more benchmarks: a page that stands alone, and the same in Markdown."""

from inverse.benchmarking.report.page import write

__all__ = ["write"]
