"""The environment of results: versions, commit and machine, recorded with every study and trial."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from objectives.source_code import Sources

_TRAINING = ("torch", "numpy")  # packages whose version can change a trial's figures
_SAMPLING = ("optuna", "scipy", "cmaes", "scikit-learn")  # packages whose version can change its parameters
_PACKAGES = (*_TRAINING, *_SAMPLING, "ray", "psycopg", "onset-sweeps")
_TOP_LEVEL = ("sweeps", "search_spaces", "objectives", "storage")


@functools.cache
def code_digest() -> str:
    """SHA-256 of the source of onset-sweeps, in hexadecimal. It does not depend on where the folder lies."""
    digest = hashlib.sha256()
    home = Path(__file__).parents[2]
    for package in _TOP_LEVEL:
        for path in sorted((home / package).rglob("*.py")):
            digest.update(str(path.relative_to(home)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of everything that can change results."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@functools.cache
def commit() -> str | None:
    """The commit of the checkout, with `+dirty` if files were changed; None outside a checkout."""
    home = Path(__file__).parents[2]
    if not (home / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *_TOP_LEVEL)
        return git("rev-parse", "HEAD") + ("+dirty" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def environment(device: str, threads: int, sources: Sources | None = None) -> dict[str, Any]:
    """A record of what decides whether figures can be equal bit for bit: versions, processor, device, threads.

    sources: the user's own code, if it is trained; its files and packages are recorded, too.

    `device_name` is empty if this machine has no such device: the driver of a cluster may have no GPU itself.
    """
    own = {} if sources is None else _versions_of(sources.packages)
    record: dict[str, Any] = {
        "versions": {**versions(), **own},
        "commit": commit(),
        "code": code_digest(),
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu_capability": _capability(sources is None or sources.uses_torch),
        "device": device,
        "device_name": _processor() if device == "cpu" else _gpu(),
        "threads": threads,
    }
    if settings := _settings(device):
        record["settings"] = settings
    if sources is not None:
        record |= {"own_code": sources.decisive, "own_packages": list(own)}
    return record


def _capability(of_torch: bool) -> str:
    """The set of vector instructions (such as AVX2) that torch uses, or numpy if `of_torch` is false."""
    if of_torch:
        import torch

        return torch.backends.cpu.get_cpu_capability()
    features = import_module("numpy._core._multiarray_umath").__cpu_features__

    return next(
        (name for name in ("AVX512_SKX", "AVX512F", "AVX2", "ASIMD", "NEON") if features.get(name)), "default"
    )


def _versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the installed packages with these import names, without the packages that are always recorded."""
    owners = _owners() if packages else {}
    names = sorted({owner for package in packages for owner in owners.get(package, [])[:1]} - set(_PACKAGES))
    return {name: version(name) for name in names}


@functools.cache
def _owners() -> Mapping[str, list[str]]:
    """The installed packages of each import name. Reading them from the disk takes half a second."""
    return packages_distributions()


def _settings(device: str) -> dict[str, str]:
    """The environment variables that change numerics on a device; for a GPU also the one that training itself sets."""
    if device == "cpu":
        return {name: os.environ[name] for name in _CPU_SETTINGS if name in os.environ}
    from objectives.training.loop import CUBLAS_WORKSPACE

    found = {name: os.environ[name] for name in (*_CPU_SETTINGS, *_GPU_SETTINGS) if name in os.environ}
    return {"CUBLAS_WORKSPACE_CONFIG": CUBLAS_WORKSPACE, **found}


def environment_key(record: Mapping[str, Any]) -> str:
    """A short name of an environment, made from its content."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:8]


_CPU_SETTINGS = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")
_GPU_SETTINGS = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")

# What must be equal, besides versions, for results to be equal bit for bit.
_HARDWARE = ("platform", "cpu_capability", "device", "device_name")
_SETTINGS = ("threads", "settings")


def decisive_differences(
    recorded: Mapping[str, Any], here: Mapping[str, Any], *, sampling: bool = False
) -> list[str]:
    """The differences between two environments that can change results, one line for each.

    sampling: whether to compare the packages that choose parameters, too; a replay does not need them.
    """
    return hardware_differences(recorded, here) + software_differences(recorded, here, sampling=sampling)


def hardware_differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The differences in hardware that can change results."""
    lines = _changed(recorded, here, _HARDWARE)
    return [line for line in lines if not line.startswith("device_name:") or _is_other_device(recorded, here)]


def software_differences(
    recorded: Mapping[str, Any], here: Mapping[str, Any], *, sampling: bool = False
) -> list[str]:
    """Those decisive differences that a user can undo on the same machine: files, settings and versions."""
    own = [name for name in recorded.get("own_packages", ()) if name not in _TRAINING]
    packages = (*_TRAINING, *own, *(_SAMPLING if sampling else ()))
    return (
        _changed_files(recorded, here)
        + _changed(recorded, here, _SETTINGS)
        + _changed_versions(recorded, here, packages)
    )


def other_differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The differences between two environments that should not change results, one line for each."""
    decisive = (*_TRAINING, *_SAMPLING, *here.get("own_packages", ()))
    others = [name for name in here["versions"] if name not in decisive]
    lines = _changed_versions(recorded, here, others)
    if recorded.get("code") != here.get("code"):
        before, now = recorded.get("commit") or "unknown commit", here.get("commit") or "unknown commit"
        lines.append(f"source of onset-sweeps: {before} -> {now}")
    if recorded.get("device_name") != here.get("device_name"):
        lines.append(f"device_name: {recorded.get('device_name')} -> {here.get('device_name')}")
    return lines


def _is_other_device(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Whether the devices differ. CPUs are compared by `cpu_capability`, not by the name of the model.

    A missing name counts as equal: a driver whose workers are on other machines may have no such device.
    """
    on_cpu = recorded.get("device") == here.get("device") == "cpu"
    return not on_cpu and bool(recorded.get("device_name") and here.get("device_name"))


def _changed(recorded: Mapping[str, Any], here: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [
        f"{name}: {recorded.get(name)} -> {here.get(name)}"
        for name in names
        if recorded.get(name) != here.get(name)
    ]


def _changed_files(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The files of a user's own code that have changed, are new, or are not imported any more; one line for each."""
    before, now = recorded.get("own_code", {}), here.get("own_code", {})
    how = {(True, True): "has changed", (True, False): "is not imported any more", (False, True): "is new"}
    return [
        f"{file}: {how[file in before, file in now]}"
        for file in sorted({*before, *now})
        if before.get(file) != now.get(file)
    ]


def _changed_versions(
    recorded: Mapping[str, Any], here: Mapping[str, Any], packages: Iterable[str]
) -> list[str]:
    before, now = recorded.get("versions", {}), here.get("versions", {})
    return [
        f"{package}: {before.get(package)} -> {now.get(package)}"
        for package in packages
        if before.get(package) != now.get(package)
    ]


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
