"""What visitors may ask for, and the error of those who ask for more."""

from dataclasses import dataclass


class Refused(ValueError):
    """A visitor asked for what is not to be had; the message is for the visitor."""


@dataclass(frozen=True)
class Limits:
    """What one visitor, and all of them together, may ask for (see conf/demo.yaml)."""

    megabytes: float = 20
    megapixels: float = 40
    samples: int = 4
    seconds: float = 120
    waiting: int = 16
    visitors: int = 16
    minutes: float = 60
