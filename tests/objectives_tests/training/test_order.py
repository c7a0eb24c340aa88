"""The order of rows."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.training.order import Order


@given(num_rows=st.integers(1, 30), batch_size=st.integers(1, 30), num=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_batches_taken_together_are_those_taken_one_by_one(num_rows: int, batch_size: int, num: int) -> None:
    one, other = (Order(num_rows, min(batch_size, num_rows), 3, torch.device("cpu")) for _ in range(2))
    for _ in range(2):
        assert torch.equal(one.take(num), torch.stack([other.next() for _ in range(num)]))
    assert one.state_dict()["position"] == other.state_dict()["position"]
