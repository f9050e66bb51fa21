"""Hydra configurations, shipped with the package (the folder must be importable for that)."""
