"""Scores a user's own code on its test split: calls its test function with what each repeat of the winner saved."""

from __future__ import annotations

import math
from pathlib import Path

from objectives.checkpoints.packed_file import PackedFile
from objectives.checkpoints.saved_state import pack, unpack
from storage.trials import TrialRow
from sweeps import paths
from sweeps.driver.results_folder import weights_path
from sweeps.errors import UsageError
from sweeps.own_code import random_state
from sweeps.own_code.objective import FunctionObjective
from sweeps.own_code.training import settled
from sweeps.own_code.trial import TrialStart
from sweeps.study.planned import Planned
from sweeps.study.stored_study import Study


class OwnTest:
    """Scores models on the test split. Raises UsageError if the repeats saved nothing that can be scored."""

    def __init__(self, planned: Planned, repeated: Study) -> None:
        assert isinstance(planned.subject, FunctionObjective)
        self._planned = planned
        self._repeated = repeated
        self._objective = planned.subject
        if not any(weights_path(repeated, trial) for trial in repeated.table()):
            raise UsageError(
                f"The test split was not used, because {self._objective.__name__} saves nothing that can be scored on "
                "it. Call trial.save(model=model) in each round, or use --sealed."
            )

    def scores(self, position: int) -> list[float]:
        """The metric of each model that the candidate at this position has saved. position: its rank in the search."""
        trials = self._repeated.table()[position :: len(self._planned.spec.enqueued)]
        return [
            self._score(trial, path)
            for trial in trials
            if (path := weights_path(self._repeated, trial)) is not None
        ]

    def _score(self, trial: TrialRow, path: Path) -> float:
        spec, sources = self._planned.spec, self._planned.sources
        saved = unpack(PackedFile(path.read_bytes(), trial.attributes["weights"]["digest"]))
        seed = spec.seed_of(trial.number)
        start = TrialStart(
            number=trial.number,
            parameters=self._repeated.parameters(trial),
            seed=seed,
            num_rounds=spec.rounds,
            metric=spec.metric,
            device=spec.device,
            data_dir=paths.data_root(self._repeated.run.data_dir),
            saved=pack(
                {"state": saved, "round": trial.attributes["best_round"], "best": math.nan, "random": None}
            ),
        )
        with settled(spec.threads, of_torch=sources is not None and sources.uses_torch):
            random_state.seed_all(seed)
            return self._objective.score_on_test(start)
