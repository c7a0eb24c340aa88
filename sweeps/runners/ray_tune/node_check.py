"""Checks a node before it may train. The function's code is sent to the node, which may not have onset-sweeps."""

from __future__ import annotations

from typing import Any


def look(code: str, plan: bytes, at_home: bool) -> tuple[str, Any]:
    """Check this node. Returns (`ready`, the environment), or (`no package`, `other code` or `no training`, a message).

    code: digest of the driver's source. plan: the pickled WorkPlan, which is read only if the code is the same.
    at_home: whether this is the driver's own node.
    """
    import pickle
    import sys
    from importlib.metadata import PackageNotFoundError, version

    try:
        import sweeps
        from sweeps.study.environment import code_digest
    except ImportError as error:
        return "no package", f"{sys.executable}: {error}"
    if code_digest() != code:
        try:
            which = f"version {version('onset-sweeps')}"
        except PackageNotFoundError:
            which = "of an unknown version"
        return "other code", f"{which}, in {sweeps.__path__[0]}"
    from sweeps.runners.ray_tune.worker_setup import settle

    try:
        return "ready", settle(pickle.loads(plan), at_home)[1]
    except Exception as error:  # noqa: BLE001 - the driver prints it, whatever it is
        return "no training", str(error) or repr(error)
