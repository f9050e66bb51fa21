"""Operator splittings: in what order, and by what fraction, prior and data act in one step.

A splitting is data: a tuple of (part, fraction) whose fractions sum to one for each part. The data
flow and the prior's flow each run over the whole step; `STRANG` is symmetric, hence second order
when both sub-flows are.

Reference: Wizadwongsa and Suwajanakorn, 2023, arXiv:2301.11558; Strang, 1968.
"""

Stage = tuple[str, float]
Splitting = tuple[Stage, ...]

UNSPLIT: Splitting = ()
"""Prior and data evaluated at the same state, displacements added."""
LIE: Splitting = (("prior", 1.0), ("data", 1.0))
"""First order: the prior's flow, then the data's."""
DATA_FIRST: Splitting = (("data", 1.0), ("prior", 1.0))
"""First order: the data's flow, then the prior's."""
STRANG: Splitting = (("data", 0.5), ("prior", 1.0), ("data", 0.5))
"""Second order: half the data's flow, the prior's, the other half."""

NAMED: dict[str, Splitting] = {"unsplit": UNSPLIT, "lie": LIE, "strang": STRANG}


def splitting(stages: str | Splitting) -> Splitting:
    """A splitting by name, or a checked tuple of stages.

    Raises:
        ValueError: for an unknown name or part, or fractions that do not sum to one.
    """
    if isinstance(stages, str):
        if stages not in NAMED:
            raise ValueError(f"splitting must be one of {', '.join(NAMED)}, got {stages!r}")
        return NAMED[stages]
    if not stages:
        return UNSPLIT
    for part in ("prior", "data"):
        total = sum(fraction for name, fraction in stages if name == part)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"splitting: the fractions of {part!r} sum to {total}, not to 1")
    if {name for name, _ in stages} != {"prior", "data"}:
        raise ValueError("splitting: stages are ('prior', fraction) and ('data', fraction) only")
    return tuple((name, float(fraction)) for name, fraction in stages)
