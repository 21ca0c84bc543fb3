"""A Charge Point Operator to roam with: it speaks OCPI as a CPO and its chargers charge a simulated car."""

from .app import build_app, serve
from .options import CpoOptions

__all__ = ["CpoOptions", "build_app", "serve"]
