"""The environments in which a study was run. They are stored with the study under keys, which its trials record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.studies import StudyRow
from storage.study_writer import StudyWriter
from sweeps.study.continuity import rule_version_here
from sweeps.study.environment import environment_key
from sweeps.study.specification import Specification


class Environments:
    """The environments of one study; new ones are stored."""

    def __init__(self, study: StudyRow, spec: Specification, writer: StudyWriter) -> None:
        self._provenance, self._spec, self._writer = study.provenance, spec, writer
        self._by_key: dict[str, Any] = dict(study.provenance["environments"])

    @property
    def by_key(self) -> Mapping[str, Mapping[str, Any]]:
        """All environments, by their keys."""
        return self._by_key

    def note(self, record: Mapping[str, Any]) -> str:
        """Store an environment and return its key. If the stop rule has another version here, the record tells it."""
        record = {**record, **rule_version_here(self._spec)}
        key = environment_key(record)
        if key not in self._by_key:
            self._by_key[key] = dict(record)
            self._writer.update_provenance({**self._provenance, "environments": self._by_key})
        return key
