"""Published solvers, and ours, as compositions of the same few parts: one factory per file."""

from inverse.solvers.ddnm import ddnm
from inverse.solvers.diffpir import diffpir
from inverse.solvers.dps import dps
from inverse.solvers.nested import nested
from inverse.solvers.pigdm import pigdm

__all__ = ["ddnm", "diffpir", "dps", "nested", "pigdm"]
