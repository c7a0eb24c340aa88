"""Loss over learning rate as range tests give it, drawn by hand: 100 rates from 1e-7 to 10."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOG_RATES = np.linspace(-7, 1, 100)
RATES = [float(rate) for rate in 10.0**LOG_RATES]


def drawn(
    *,
    begins: float = -4.0,
    over: float = -2.0,
    diverges: float | None = -1.0,
    start: float = 2.3,
    end: float = 0.5,
    noise: float = 0.0,
    seed: int = 0,
) -> list[float]:
    """Flat at `start`, then down a line from log rate `begins` to `over`, flat at `end`, up from `diverges` on."""
    down = np.clip((LOG_RATES - begins) / (over - begins), 0, 1)
    losses: NDArray[np.float64] = start + (end - start) * down
    if diverges is not None:
        losses = losses + 10.0 ** np.clip(2 * (LOG_RATES - diverges), -9, 3) - 1e-9
        losses[diverges + 1.5 < LOG_RATES] = np.nan
    losses = losses + noise * np.random.default_rng(seed).standard_normal(len(losses))
    return [float(loss) for loss in losses]


def flat(noise: float = 0.1, seed: int = 0) -> list[float]:
    """A loss that no rate changes."""
    return [float(x) for x in 2.3 + noise * np.random.default_rng(seed).standard_normal(len(RATES))]
