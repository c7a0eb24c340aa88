"""Commands on results: export, replay, dashboard."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.formats import storage_option

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("study")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Export so many of the best: FILE, FILE-2, …",
)
@click.option("-o", "--output", type=_PATH, default=Path("best.yaml"), show_default=True)
@click.option("--weights", type=_PATH, metavar="FILE.pt", help="Copy the best round's weights there too.")
@storage_option
def export(study: str, top: int, output: Path, weights: Path | None, storage: str | None) -> None:
    """Write the best configuration of STUDY as YAML."""
    from sweeps.driver.results_folder import check_kept, write_best
    from sweeps.study.stored_study import load

    found = load(study, storage)
    found.best()  # raises where there is none
    ranked = found.ranking(top)
    if weights is not None:
        for trial in ranked:
            check_kept(found, trial)
    for rank, trial in enumerate(ranked, start=1):
        path = _numbered(output, rank)
        write_best(found, trial, path, None if weights is None else _numbered(weights, rank))
        click.echo(str(path))


def _numbered(path: Path, rank: int) -> Path:
    return path if rank == 1 else path.with_name(f"{path.stem}-{rank}{path.suffix}")


@click.command()
@click.argument("file", type=_PATH)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.02,
    show_default=True,
    help="Where the environment differs: relative, absolute below 1.",
)
@click.option("--data-dir", type=_PATH, help="Where data sets are looked for.")
def replay(file: Path, tolerance: float, data_dir: Path | None) -> None:
    """Train an exported configuration again and compare every recorded round.

    In the recorded environment every figure must come out the same, bit for bit; elsewhere within
    --tolerance. No database is needed.
    """
    from sweeps import paths
    from sweeps.best_config.document import read_config
    from sweeps.best_config.replay import prepare_replay
    from sweeps.errors import ReplayDiffers, UsageError

    config = read_config(file)
    try:
        prepared = prepare_replay(config, paths.data_root(data_dir))
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    if prepared.must_be_equal:
        click.echo(
            f"{config.task}: {len(config.rounds)} rounds, environment as recorded: figures must be equal.",
            err=True,
        )
    else:
        click.echo("The environment is not the recorded one, so figures may differ:", err=True)
        for line in prepared.differs_here:
            click.echo(f"  {line}", err=True)
    differing = []
    try:
        for each in prepared.compare(tolerance):
            if not each.equal:
                differing.append(each)
                click.echo(
                    f"round {each.index}: {each.worst} {each.recorded!r} recorded, {each.replayed!r} now "
                    f"(differs by {each.difference:.3g})",
                    err=True,
                )
    except Exception as error:
        raise ReplayDiffers(
            f"{file} does not replay: training failed with {type(error).__name__}: {error} (--debug shows where)"
        ) from error
    failed = [each for each in differing if prepared.must_be_equal or not each.within_tolerance]
    if failed:
        first = failed[0]
        raise ReplayDiffers(
            f"{file} does not replay: it differs from round {first.index} on, by {first.difference:.3g} in "
            f"{first.worst}. Has a value in the file been changed?"
        )
    what = "equal" if not differing else f"within {tolerance:g}"
    click.echo(
        f"All {len(config.rounds)} rounds {what}; {config.metric} {config.value!r} at round {config.best_round}.",
        err=True,
    )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one."
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Serve requests that call this server NAME, behind a proxy for instance. May be repeated.",
)
@storage_option
def dashboard(host: str, port: int, names: tuple[str, ...], storage: str | None) -> None:
    """Serve the Optuna dashboard over the database: reading and notes only.

    Requests by host names other than localhost and this machine's are refused, as are notes from pages of other sites.
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
        f"Dashboard, for reading and notes, at http://{host}:{server.server_port}/ (end with Ctrl-C)",
        err=True,
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("", err=True)
    finally:
        server.server_close()
