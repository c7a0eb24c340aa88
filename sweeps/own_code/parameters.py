"""The parameters of a trial, which record what the code reads."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, NoReturn

from objectives.spelling import did_you_mean
from sweeps.own_code.habits import no_parameter_attribute


class Parameters(dict[str, Any]):
    """A trial's parameters by name. For an unknown name, the KeyError suggests a similar one.

    unread: the names that the code has not read yet. Iterating over the parameters counts as reading all of them.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__(parameters)
        self.unread = set(parameters)

    def __missing__(self, name: str) -> Any:
        raise KeyError(
            f"the trial has no parameter {name!r}{did_you_mean(str(name), list(dict.keys(self)))} It has: "
            f"{', '.join(dict.keys(self)) or 'none'}; a parameter whose condition does not hold is missing"
        )

    def __getattr__(self, name: str) -> NoReturn:
        no_parameter_attribute(name)

    def __getitem__(self, name: str) -> Any:
        self.unread.discard(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any dict."""
        self.unread.discard(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.unread.discard(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.unread.clear()
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # `**parameters` calls this, too
        """As of any dict."""
        self.unread.clear()
        return super().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """As of any dict."""
        self.unread.clear()
        return super().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """As of any dict."""
        self.unread.clear()
        return super().items()

    def pop(self, name: str, *default: Any) -> Any:
        """As of any dict."""
        self.unread.discard(name)
        return super().pop(name, *default)
