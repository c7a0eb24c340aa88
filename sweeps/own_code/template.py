"""Templates for a user's own code. Each runs unchanged, and has places for the user's data and model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from objectives.errors import CodeError

TEMPLATES = ("pytorch", "lightning", "optuna", "sklearn")


def template(like: str) -> str:
    """The text of the template called `like`."""
    assert like in TEMPLATES
    return (resources.files("sweeps.own_code") / "templates" / f"{like}.txt").read_text(encoding="utf-8")


def write_template(name: str, like: str) -> Path:
    """Write a template to the file `name` (with or without `.py`); returns its path. Raises CodeError if it can't."""
    path = Path(name if name.endswith(".py") else f"{name}.py")
    if not path.stem.isidentifier():
        raise CodeError(
            f"{name}: {path.stem!r} can't be imported as a module. Use letters, digits and '_', as in my_train."
        )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template(like))
    except FileExistsError:
        raise CodeError(
            f"{path} exists already, and was not changed. Choose another name, or remove it first."
        ) from None
    except OSError as error:
        raise CodeError(f"{path} can't be written: {error.strerror}.") from None
    return path
