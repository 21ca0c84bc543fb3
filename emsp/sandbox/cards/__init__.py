"""A card processor of our own that speaks the part of Stripe's HTTP API that we use.

It is a process by itself, so that payments are played over a real wire: true idempotency keys, test cards
that decline or ask for their owner, signed webhooks, faults on demand. It holds no money.
"""

from emsp.sandbox.cards.app import build_app
from emsp.sandbox.cards.options import CardsOptions
from emsp.sandbox.cards.serve import serve

__all__ = ["CardsOptions", "build_app", "serve"]
