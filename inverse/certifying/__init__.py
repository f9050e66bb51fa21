"""Is a posterior sample a posterior sample? Problems whose posterior is known, and verdicts."""

from inverse.certifying.dense import Dense

__all__ = ["Dense"]
