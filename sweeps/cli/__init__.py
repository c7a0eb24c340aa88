"""The command line: each command parses, calls one function and prints.

Nothing heavy is imported before a command needs it: `sweep --help` knows neither torch nor Optuna nor Ray.
"""

from __future__ import annotations

import atexit
import gc
import sys
import traceback

import click

from sweeps.cli import diagnosing, exporting, reading, repeating, running


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="onset-sweeps", prog_name="sweep")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def sweep(debug: bool) -> None:
    """Reproducible hyperparameter sweeps.

    `sweep launch TASK` runs an Optuna study on Ray Tune workers, halts trials at the onset of overfitting
    and exports the best configuration.
    """


for command in (
    reading.tasks,
    reading.data,
    running.launch,
    running.resume,
    running.stop,
    repeating.confirm,
    repeating.audit,
    repeating.reproduce,
    reading.status,
    reading.studies,
    reading.trials,
    reading.show,
    reading.best,
    diagnosing.diagnose,
    exporting.export,
    exporting.replay,
    exporting.dashboard,
    running.delete,
):
    sweep.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error that a user can mend ends in one message and its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    atexit.register(gc.freeze)  # else the interpreter looks through all there is once more before it ends
    try:
        code = sweep.main(args=words, prog_name="sweep", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("", err=True)  # after the question that was not answered
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        _hint_at_parameters(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last place where an error can be told
        _end_with(error, debug)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _hint_at_parameters(error: click.ClickException) -> None:
    """Whoever writes `--learning_rate` means `learning_rate=`."""
    if isinstance(error, click.NoSuchOption) and error.ctx and error.ctx.command is running.launch:
        name = error.option_name.lstrip("-").replace("-", "_")
        click.echo(f"A parameter of the task is set by {name}=value or {name}=lo..hi.", err=True)


def _end_with(error: Exception, debug: bool) -> None:
    from sweeps.errors import USER_ERRORS

    if debug:
        traceback.print_exception(error)
    if isinstance(error, USER_ERRORS):
        click.echo(f"sweep: {error}", err=True)
        sys.exit(error.exit_code)
    if reason := _database_failure(error):
        click.echo(
            f"sweep: The database failed: {reason}. Nothing that was recorded is lost; when it is mended, go "
            "on with `sweep resume`.",
            err=True,
        )
        sys.exit(1)
    click.echo(
        f"sweep: {type(error).__name__}: {error}\nThis is a fault of ours; --debug shows where it happened.",
        err=True,
    )
    sys.exit(1)


def _database_failure(error: BaseException | None) -> str | None:
    """What the database said, if it was the database."""
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import DBAPIError

    while error is not None:
        if isinstance(error, DBAPIError):
            return str(error.orig).strip().splitlines()[0].rstrip(".")
        error = error.__cause__
    return None
