"""Proposes trials if the schedule pauses trials: the sampler sees the best score so far of each unfinished trial.

The parameters of a new trial depend on the results that its decision knows, and on the parameters of all trials before
it. The known results of a trial change while it trains, so the sampler's study is built anew for each proposal.
"""

from __future__ import annotations

from collections.abc import Mapping

from objectives.seeding import derive_seed
from sweeps.samplers.by_name import make_sampler, on_one_thread
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.sampler_study import SamplerStudy
from sweeps.samplers.visible_trials import Bound, Finished, Proposal
from sweeps.study.specification import Specification


class SlicedProposer(Proposer):
    """Proposes the next trial from what is known of the others."""

    def __init__(self, spec: Specification, bound: Bound | None = None) -> None:
        super().__init__(spec, bound)
        self._proposals: list[Proposal] = []

    def propose_from(self, known: Mapping[int, Finished]) -> Proposal:
        """The next trial. known: the trials' results for the sampler, by number; it sees all others as running."""
        number = self._proposed
        chosen = self._counted(self._own)
        proposal = self._sampled(number, known) if chosen is None else Proposal(chosen)
        self.restore(proposal)
        return proposal

    def needed(self, values: Mapping[int, float | None]) -> list[int]:
        """All trials, because any of them may continue."""
        return list(values)

    def restore(self, proposal: Proposal | None) -> None:
        """Restore a trial that was proposed before; call it in the order of numbers."""
        assert proposal is not None
        self._proposals.append(proposal)
        self._note(proposal)

    def _sampled(self, number: int, known: Mapping[int, Finished]) -> Proposal:
        study = SamplerStudy(self._space, self._spec.metric.direction, self._bound, self._spec.observations)
        for each, proposal in enumerate(self._proposals):
            study.add(each, proposal)
        for each in sorted(known):
            study.finish(each, known[each])
        sampler = make_sampler(self._spec.sampler, derive_seed(self._spec.seed, number))
        with on_one_thread():
            return study.sample(number, sampler)
