"""The lies of the sandbox CPO: seeded, named faults that real partners were seen to have, or that a rule forbids.

`CATALOGUE` describes them. Charge points ask `behaviour` and `tells`; what leaves goes through `distort` and
`misspell`; the CPO's own calls use `token_header` and `joined`; `Transport` stands before the whole application.
"""

from . import charge_points, money, spelling
from .calling import joined, token_header
from .catalogue import CATALOGUE, Lie, check
from .facts import window
from .objects import distort, distorts, misspell
from .telling import EVERYWHERE, Place, behaviour, tell, tells, told
from .transport import Transport

NAMES: dict[str, str] = {name: lie.sentence for name, lie in CATALOGUE.items()}

__all__ = [
    "CATALOGUE",
    "EVERYWHERE",
    "NAMES",
    "Lie",
    "Place",
    "Transport",
    "behaviour",
    "charge_points",
    "check",
    "distort",
    "distorts",
    "joined",
    "misspell",
    "money",
    "spelling",
    "tell",
    "tells",
    "token_header",
    "told",
    "window",
]
