"""What is billed of what was measured: rounding up to a `step_size` (OCPI 2.2.1 and 2.3.0, chapter CDRs).

The step size is that of the last stretch that had a component (even one at price zero); it rounds the total of
its dimension, as far as that had components, and the extra amount is billed on the last line of the dimension.
Of charging and parking in one period, parking is taken to be the last.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from emsp.pricing.engine.policies import StepSizes
from emsp.pricing.engine.report import ZERO, LineKind
from emsp.pricing.engine.trace import Run

LAST_PRICED_STEP = (
    (LineKind.ENERGY,),
    (LineKind.TIME, LineKind.PARKING_TIME),
    (LineKind.RESERVATION_TIME,),
)
EACH_DIMENSION = tuple((kind,) for kinds in LAST_PRICED_STEP for kind in kinds)
STEPPED = frozenset(kind for kinds in LAST_PRICED_STEP for kind in kinds)
COUNTED = Decimal("1E-6")


def round_up_to_steps(runs: list[Run], step_sizes: StepSizes) -> None:
    """Sets what is billed of each run: as measured, or rounded up as agreed."""
    for run in runs:
        run.billed = run.measured
    match step_sizes:
        case StepSizes.LAST_PRICED_STEP:
            _round_up_groups(runs, LAST_PRICED_STEP)
        case StepSizes.EACH_DIMENSION:
            _round_up_groups(runs, EACH_DIMENSION)
        case StepSizes.EACH_COMPONENT:
            for run in runs:
                if run.offer.kind in STEPPED:
                    _round_up(run, [run])


def _round_up_groups(runs: list[Run], groups: tuple[tuple[LineKind, ...], ...]) -> None:
    for kinds in groups:
        group = [run for run in runs if run.offer.kind in kinds]
        if group:
            last = max(reversed(group), key=lambda run: (run.end, kinds.index(run.offer.kind)))
            _round_up(last, [run for run in group if run.offer.kind is last.offer.kind])


def _round_up(last: Run, dimension: list[Run]) -> None:
    """Rounds the dimension's total up to the step of its last run, overlooking the seventh decimal."""
    step = last.offer.component.step_size
    if step <= 0:
        return
    total = sum((run.measured for run in dimension), ZERO)
    steps = (total.quantize(COUNTED) / step).to_integral_value(ROUND_CEILING)
    last.step_size = step
    last.billed = last.measured + max(steps * step - total, ZERO)
