"""Points of a scrambled Sobol' sequence in a space. Each is computed from its index alone.

Low-discrepancy points fill a space more evenly than random ones (Sobol' 1967; scrambling by Owen 1998).
"""

from __future__ import annotations

import math
from typing import Any

from search_spaces.schema import Categorical, Domain, Numeric, Space


def sobol_point(space: Space, index: int, seed: int) -> dict[str, Any]:
    """The point at `index` (from 0): the values of every active parameter, fixed ones included.

    Every searched parameter has its own dimension, so a condition does not change other parameters.
    """
    from scipy.stats import qmc  # imported late: it takes longer than all other imports before torch

    sequence = qmc.Sobol(max(1, len(space.searched)), scramble=True, rng=seed)
    if index > 0:  # scipy 1.17 treats 0 as a negative number
        sequence.fast_forward(index)
    coordinates = iter(sequence.random(1)[0].tolist())
    by_name = {parameter.name: next(coordinates) for parameter in space.searched}
    chosen: dict[str, Any] = {}
    for parameter in space:
        if parameter.is_active(chosen):
            chosen[parameter.name] = _at(parameter.domain, by_name.get(parameter.name, 0.0))
    return chosen


def _at(domain: Domain, share: float) -> Any:
    """Map `share` (from 0, below 1) to a value of the domain. Countable values get parts of equal length."""
    match domain:
        case Categorical():
            return domain.choices[int(share * len(domain.choices))]
        case Numeric():
            if (values := domain.grid()) is not None:
                return values[int(share * len(values))]
            margin = 0.5 if domain.integer else 0.0  # the integers at both ends get equal parts too
            low, high = domain.low - margin, domain.high + margin
            if domain.log:
                return domain.nearest(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
            return domain.nearest(low + share * (high - low))
    return domain.value
