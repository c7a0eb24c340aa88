"""Our tables, which stand beside Optuna's in the same database, and the Optuna tables that we read.

Optuna stores studies, trials, parameters, values and attributes. Our tables do not repeat them. They store the
specification of a study, its rounds (from which verdicts are computed), its lease, and requests to its driver.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    table,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import UserDefinedType

SCHEMA_VERSION = 6


class ExactFloat(UserDefinedType[float]):
    """A double that is read exactly as it was written.

    SQLite turns NaN into NULL and -0.0 into 0.0. So in SQLite, these and infinities are stored as text. PostgreSQL can
    store them as numbers.
    """

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """A double in both dialects."""
        return "DOUBLE PRECISION"

    def bind_processor(self, dialect: Dialect) -> Any:
        """A function that turns a float into the value to store."""
        if dialect.name != "sqlite":
            return None
        return lambda value: value if value is None or _is_kept(value) else _NAMES.get(repr(float(value)))

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """A function that turns a stored value into the float."""
        return lambda value: None if value is None else -0.0 if value == "minus zero" else float(value)


_NAMES = {"nan": "nan", "inf": "inf", "-inf": "-inf", "-0.0": "minus zero"}  # SQLite reads "-0.0" as a number


def _is_kept(value: float) -> bool:
    """Whether SQLite stores the value unchanged."""
    return math.isfinite(value) and (value != 0 or math.copysign(1.0, value) > 0)


metadata = MetaData()

meta = Table(
    "sweep_meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

studies = Table(
    "sweep_studies",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),  # Optuna's
    Column("fingerprint", String(64), nullable=False),
    Column("specification", Text, nullable=False),  # JSON
    Column("run", Text, nullable=False),  # JSON: what may change from launch to resume
    Column("provenance", Text, nullable=False),  # JSON
    Column("created", String(32), nullable=False),  # ISO 8601, UTC
)

rounds = Table(
    "sweep_rounds",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, primary_key=True, autoincrement=False),  # number
    Column("index", Integer, primary_key=True, autoincrement=False),  # from 1
    Column("train_loss", ExactFloat),
    Column("train_score", ExactFloat),
    Column("valid_loss", ExactFloat),
    Column("valid_score", ExactFloat, nullable=False),
    Column("running_loss", ExactFloat),
    Column("valid_score_batch_statistics", ExactFloat),
    Column("learning_rate", ExactFloat),
    Column("gradient_norm", ExactFloat),
    Column("first_layer_gradient_norm", ExactFloat),
    Column("dead_share", ExactFloat),
    Column("saturated_share", ExactFloat),
    Column("extra", Text),  # JSON: further numbers by name; NULL for none
    Column("seconds", ExactFloat),
    Column("train_rows_per_second", ExactFloat),
    Column("peak_memory_bytes", ExactFloat),
)

checkpoints = Table(
    "sweep_checkpoints",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("record", Text, nullable=False),  # JSON: file, digest, round, weights
)

confirmations = Table(
    "sweep_confirmations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, nullable=False),
    Column("name", String(128), nullable=False),  # of the study that holds the repeated trials
    Column("trial", Integer, nullable=False),  # the winner, in the confirmed study
    Column("record", Text, nullable=False),  # JSON
    Column("look", Integer),  # which use of the test split: 1 for the first
    Column("opened", String(32)),
    Column("opened_by", Text),
    UniqueConstraint("study_id", "name"),
    UniqueConstraint("study_id", "look"),
)

leases = Table(
    "sweep_leases",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("token", String(32), nullable=False),
    Column("fence", BigInteger, nullable=False, server_default="0"),  # grows with every lease of the database
    Column("holder", Text, nullable=False),  # "user@host, process 123, since …"
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column(
        "started", ExactFloat, nullable=False
    ),  # seconds from boot to the process's start; another value means that the pid was reused
    Column("beat", Integer, nullable=False),
    Column(
        "place", Text, nullable=False, server_default=""
    ),  # boot and process table that the pid belongs to
)

counters = Table(
    "sweep_counters",
    metadata,
    Column("name", String(16), primary_key=True),  # fence, study_id, trial_id
    Column("value", BigInteger, nullable=False),  # the last number that was used
)

requests = Table(
    "sweep_requests",
    metadata,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # "stop" or "stop-now"
    Column("asked", String(32), nullable=False),
)

additions = Table(
    "sweep_additions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, nullable=False),
    Column("point", Text, nullable=False),  # JSON: the parameters of a configuration that a user adds
    Column("asked", String(32), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("number", Integer),  # of the trial that it became; NULL until the driver begins it
)

# Those columns of Optuna's tables that we read with plain SQL, so that reading does not import Optuna.
optuna_version = table("version_info", column("library_version"))
optuna_studies = table("studies", column("study_id"), column("study_name"))
optuna_directions = table("study_directions", column("study_id"), column("direction"))
optuna_trials = table(
    "trials",
    column("trial_id"),
    column("number"),
    column("study_id"),
    column("state"),
    column("datetime_start"),
    column("datetime_complete"),
)
optuna_params = table(
    "trial_params",
    column("trial_id"),
    column("param_name"),
    column("param_value"),
    column("distribution_json"),
)
optuna_values = table(
    "trial_values", column("trial_id"), column("objective"), column("value"), column("value_type")
)
optuna_attributes = table("trial_user_attributes", column("trial_id"), column("key"), column("value_json"))
optuna_system_attributes = table(
    "trial_system_attributes", column("trial_id"), column("key"), column("value_json")
)
