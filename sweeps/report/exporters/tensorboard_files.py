"""The rounds and results of a study as TensorBoard event files: a run for each trial."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import UsageError
from sweeps.report.exporters.exported_trials import ExportedTrial, check_new, exported_trials
from sweeps.study.stored_study import Study

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


def write_events(study: Study, folder: Path) -> int:
    """Write one run for each finished trial into `folder`; returns their number.

    Each run has the trial's curves by round, its parameters, and why it ended. Raises UsageError if `folder` has files
    or can't be written, if tensorboardX is not installed, or if no trial is finished.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise UsageError("TensorBoard files need tensorboardX: pip install tensorboardX.") from None
    trials = exported_trials(study)
    check_new(folder)
    for trial in trials:
        path = folder / trial.name
        try:
            writer = SummaryWriter(str(path))
            _write(writer, trial)
        except OSError as error:
            raise UsageError(
                f"{path}: can't be written ({error.strerror}). Choose another folder with -o."
            ) from None
    return len(trials)


def _write(writer: SummaryWriter, trial: ExportedTrial) -> None:
    """Write one run. Raises OSError if that is not possible."""
    for each in trial.rounds:
        for tag, value in each.figures.items():
            writer.add_scalar(tag, value, each.index)
    end = f"{trial.state}, {trial.end.get('why_it_ended', '')}: {trial.end.get('because', '')}"
    writer.add_text("end", end)
    listed = [f"{name}: {value}" for name, value in trial.parameters.items()]
    writer.add_text("parameters", "\n\n".join(listed))
    try:
        writer.close()
    except (
        OSError
    ):  # the disk is full: tensorboardX would try again at the end of the process, and print tracebacks
        records = writer.file_writer.event_writer._ev_writer._py_recordio_writer
        records._writer = tempfile.TemporaryFile()  # noqa: SIM115 - tensorboardX closes it
        writer.close()
        raise
