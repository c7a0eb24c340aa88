"""Commands on results: export, replay, dashboard."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from sweeps.cli.formats import said_of_confirmation, storage_option
from sweeps.cli.help import examples

MOST_EXPORTED = 10_000
_PATH = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "sweep export mnist_mlp-9ee03fc6 -o best.yaml --weights best.pt",
        "sweep export mnist_mlp-9ee03fc6 --top 3",
    )
)
@click.argument("study")
@click.option(
    "--top",
    type=click.IntRange(1, MOST_EXPORTED),
    default=1,
    show_default=True,
    help="Export this many of the best trials, to FILE, FILE-2, FILE-3, …",
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    default=Path("best.yaml"),
    show_default=True,
    help="File to write; - for stdout.",
)
@click.option(
    "--weights", type=_PATH, metavar="FILE.pt", help="Also copy the weights of the best round to this file."
)
@storage_option
def export(study: str, top: int, output: Path, weights: Path | None, storage: str | None) -> None:
    """Write the best configuration of STUDY to a YAML file."""
    from sweeps.driver.results_folder import best_yaml, check_kept, weights_path, write_best
    from sweeps.study.stored_study import load

    _check_targets(output, weights, top)
    found = load(study, storage)
    found.check_is_search()
    found.best()  # raises if no trial is complete
    ranked = found.answers(top)
    if weights is not None:
        for trial in ranked:
            check_kept(found, trial)
    if output == _STDOUT:
        click.echo(best_yaml(found, ranked[0], output, weights_path(found, ranked[0])), nl=False)
        ranked = []
    for rank, trial in enumerate(ranked, start=1):
        path = _numbered(output, rank)
        write_best(found, trial, path, None if weights is None else _numbered(weights, rank))
        click.echo(str(path))
    for line in said_of_confirmation(found):
        click.echo(line, err=True)


_STDOUT = Path("-")


def _check_targets(output: Path, weights: Path | None, top: int) -> None:
    """Raises UsageError if two outputs have the same path, or if a target for one result would get several."""
    from sweeps.errors import UsageError

    if output == _STDOUT and (top > 1 or weights is not None):
        raise UsageError("-o - writes one configuration to stdout: leave --top and --weights out.")
    if weights == _STDOUT:
        raise UsageError("--weights -: weights are not text, so they can't go to stdout. Name a file.")
    for option, path in (("-o", output), ("--weights", weights)):
        if path is not None and top > 1 and path.exists() and not path.is_file():
            raise UsageError(
                f"{option} {path} is not a regular file, so it can hold only one result: leave --top out."
            )
    if weights is not None:
        ranks = range(1, top + 1)
        both = {_place(output, rank) for rank in ranks} & {_place(weights, rank) for rank in ranks}
        if both:
            raise UsageError(f"-o and --weights both name {min(both)}: give them different names.")


def _place(path: Path, rank: int) -> Path:
    return _numbered(path, rank).resolve()


def _numbered(path: Path, rank: int) -> Path:
    return path if rank == 1 else path.with_name(f"{path.stem}-{rank}{path.suffix}")


@click.command(epilog=examples("sweep replay best.yaml", "sweep replay best.yaml --tolerance 0.05"))
@click.argument("file", type=_PATH)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.02,
    show_default=True,
    help="Allowed difference in another environment: relative for values above 1, else absolute.",
)
@click.option(
    "--data-dir",
    type=_PATH,
    help="Folder of the data sets. [default: SWEEP_DATA_DIR, else your cache folder]",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Run the code that FILE names, even if it was never launched on this machine.",
)
def replay(file: Path, tolerance: float, data_dir: Path | None, trust: bool) -> None:
    """Train an exported configuration again and compare every round with the recorded one.

    In the recorded environment, all values must be equal, bit for bit. In another environment, they must agree
    within --tolerance. The command needs no database.

    If FILE names training code of your own, that code is run. Code that you have never launched here, or that has
    changed since, is refused: look at it first, then use --trust.
    """
    from objectives.errors import UntrustedCodeError
    from sweeps import paths
    from sweeps.best_config.document import read_config
    from sweeps.best_config.replay import prepare_replay
    from sweeps.errors import ReplayDiffers, UsageError

    config = read_config(file)
    try:
        prepared = prepare_replay(config, paths.data_root(data_dir), trust=trust)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    except UntrustedCodeError as error:
        again = shlex.join(["sweep", "replay", str(file), *_data_dir(data_dir), "--trust"])
        raise UsageError(f"{file}: {error} Look at it; if you trust it: {again}") from error
    if prepared.must_be_equal:
        click.echo(
            f"{config.task}: {len(config.rounds)} rounds in the recorded environment, so all values must be equal.",
            err=True,
        )
    else:
        click.echo("The environment differs from the recorded one, so values may differ:", err=True)
        for line in prepared.differs_here:
            click.echo(f"  {line}", err=True)
    differing = []
    try:
        for each in prepared.compare(tolerance):
            if not each.equal:
                differing.append(each)
                click.echo(
                    f"round {each.index}: {each.worst} was {each.recorded!r} and is now {each.replayed!r} "
                    f"(differs by {each.difference:.3g})",
                    err=True,
                )
    except Exception as error:
        raise ReplayDiffers(
            f"{file} does not replay: training failed with {type(error).__name__}: {error} (use --debug to see where)"
        ) from error
    failed = [each for each in differing if prepared.must_be_equal or not each.within_tolerance]
    if failed:
        first = failed[0]
        raise ReplayDiffers(
            f"{file} does not replay: the first difference is in round {first.index}, where {first.worst} differs by "
            f"{first.difference:.3g}. Has a value in the file been changed?"
        )
    what = "are equal" if not differing else f"agree within {tolerance:g}"
    click.echo(
        f"All {len(config.rounds)} rounds {what}; {config.metric} {config.value!r} at round {config.best_round}.",
        err=True,
    )


def _data_dir(given: Path | None) -> list[str]:
    return [] if given is None else ["--data-dir", str(given)]


@click.command(epilog=examples("sweep dashboard", "sweep dashboard --port 0 --storage sqlite:///studies.db"))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 for any free port.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Also answer requests for this host name, for example behind a proxy. May be given several times.",
)
@storage_option
def dashboard(host: str, port: int, names: tuple[str, ...], storage: str | None) -> None:
    """Serve the Optuna dashboard of the database, to read studies and to write notes, but not to change a study.

    It refuses requests for host names other than localhost and this machine's, and notes sent by pages of other sites.
    """
    from storage import open_database
    from sweeps import paths
    from sweeps.cli.dashboard_server import is_loopback, make_dashboard

    server = make_dashboard(open_database(paths.storage_url(storage)), host, port, names)
    if not is_loopback(host):
        click.echo(
            f"There is no password: whoever reaches port {server.server_port} of this machine can read every study in "
            "the database and write notes. Leave --host out to serve this machine only.",
            err=True,
        )
    click.echo(
        f"The dashboard (for reading and notes) is at http://{host}:{server.server_port}/. End it with Ctrl-C.",
        err=True,
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        server.server_close()
