"""Benchmarks: a grid of restorations as rows in Parquet shards, and the report on them.

    units = list_units(cells, pictures)
    for rows in Engine(store, ...).run(store.pending(units)): ...

A unit of work is named by the hash of all it depends on. Results live in files that are written
whole or not at all, so that a run that was killed goes on where it stopped, on one machine or many.
"""
