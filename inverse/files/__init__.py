"""Files written whole or not at all, under names of their own; JSON that every reader takes."""

from inverse.files.writing import as_json, named, new_folder, write_atomic

__all__ = ["as_json", "named", "new_folder", "write_atomic"]
