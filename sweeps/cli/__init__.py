"""The command line. Each command parses its arguments, calls one function and prints the result.

Heavy packages are imported only when a command needs them: `sweep --help` imports neither torch, Optuna nor Ray.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
import traceback

import click

from sweeps.cli import (
    beginning,
    branching,
    completion,
    diagnosing,
    exporting,
    guiding,
    judging,
    logs,
    reading,
    repeating,
    reporting,
    running,
    trackers,
)
from sweeps.cli.completion import complete_names
from sweeps.cli.help import CommandList
from sweeps.printable import printable


@click.group(
    cls=CommandList, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="onset-sweeps", prog_name="sweep")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def sweep(debug: bool) -> None:
    """Reproducible hyperparameter sweeps.

    `sweep launch TASK` runs an Optuna study on Ray Tune workers, halts trials at the onset of overfitting
    and exports the best configuration.
    """


for command in (
    reading.tasks,
    reading.data,
    guiding.check,
    guiding.lr,
    guiding.batch,
    beginning.new,
    running.launch,
    running.resume,
    running.stop,
    branching.add,
    branching.branch,
    repeating.confirm,
    repeating.audit,
    repeating.reproduce,
    reading.status,
    reading.studies,
    reading.trials,
    reading.show,
    logs.logs,
    reading.best,
    judging.table,
    judging.review,
    judging.compare,
    reporting.report,
    trackers.tensorboard,
    trackers.mlflow,
    trackers.wandb,
    diagnosing.diagnose,
    exporting.export,
    exporting.replay,
    exporting.dashboard,
    running.delete,
    completion.completion,
):
    sweep.add_command(complete_names(command))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. An error that the user can correct becomes one message and an exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    atexit.register(gc.freeze)  # saves time: else the interpreter collects garbage once more before it ends
    try:
        code = sweep.main(args=words, prog_name="sweep", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("", err=True)  # ends the line of the unanswered question
        sys.exit(130)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(printable(shown.getvalue()), err=True, nl=False)
        _hint_at_parameters(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last place where an error can be reported
        _end_with(error, debug)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _hint_at_parameters(error: click.ClickException) -> None:
    """Tell a user who wrote `--learning_rate` that parameters are written `learning_rate=`."""
    if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.command is running.launch:
        name = error.option_name.lstrip("-").replace("-", "_")
        click.echo(f"To set a parameter of the task, write {name}=value or {name}=lo..hi.", err=True)


def _end_with(error: Exception, debug: bool) -> None:
    from sweeps.errors import USER_ERRORS
    from sweeps.remedies import with_remedy

    if debug:
        traceback.print_exception(error)
    if isinstance(error, USER_ERRORS):
        click.echo(printable(f"sweep: {with_remedy(error)}"), err=True)
        sys.exit(error.exit_code)
    if reason := _database_failure(error):
        again = " ".join(getattr(error, "__notes__", []))
        click.echo(
            f"sweep: The database failed: {reason}. No recorded data is lost. {again}".rstrip(), err=True
        )
        sys.exit(1)
    click.echo(
        printable(f"sweep: {type(error).__name__}: {error}")
        + "\nThis is a bug in onset-sweeps. Use --debug to see where it happened.",
        err=True,
    )
    sys.exit(1)


def _database_failure(error: BaseException | None) -> str | None:
    """The database's own message if `error` came from it, else None."""
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import DBAPIError

    while error is not None:
        if isinstance(error, DBAPIError):
            return str(error.orig).strip().splitlines()[0].rstrip(".")
        error = error.__cause__
    return None
