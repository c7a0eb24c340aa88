"""Files to begin with: each runs as it stands, and has places for one's own data and model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from objectives.errors import CodeError

TEMPLATES = ("pytorch", "lightning", "optuna", "sklearn")


def template(like: str) -> str:
    """The text of a file to begin with."""
    assert like in TEMPLATES
    return (resources.files("sweeps.own_code") / "templates" / f"{like}.txt").read_text(encoding="utf-8")


def write_template(name: str, like: str) -> Path:
    """Write the file `name` (with or without `.py`) and return its path. Raises CodeError where that can't be."""
    path = Path(name if name.endswith(".py") else f"{name}.py")
    if not path.stem.isidentifier():
        raise CodeError(
            f"{name}: {path.stem!r} can't be imported as a module; use letters, digits and '_', as in my_train."
        )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template(like))
    except FileExistsError:
        raise CodeError(
            f"{path} exists already, and is left as it is. Choose another name, or remove it first."
        ) from None
    except OSError as error:
        raise CodeError(f"{path} can't be written: {error.strerror}.") from None
    return path
