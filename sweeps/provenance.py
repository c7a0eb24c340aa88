"""Where figures come from: versions, commit, machine; recorded with every study and trial."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_TRAINING = ("torch", "numpy")  # packages that decide a trial's figures
_SAMPLING = ("optuna", "scipy", "cmaes", "scikit-learn")  # and those that decide its parameters
_PACKAGES = (*_TRAINING, *_SAMPLING, "ray", "psycopg", "onset-sweeps")
_TOP_LEVEL = ("sweeps", "search_spaces", "objectives", "storage")


@functools.cache
def code_digest() -> str:
    """SHA-256 over the source of this service, wherever it is installed."""
    digest = hashlib.sha256()
    home = Path(__file__).parent.parent
    for package in _TOP_LEVEL:
        for path in sorted((home / package).rglob("*.py")):
            digest.update(str(path.relative_to(home)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what can alter figures."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@functools.cache
def commit() -> str | None:
    """The commit of the checkout this code runs from, `+dirty` when it was changed; None outside one."""
    home = Path(__file__).parent.parent
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


def environment(device: str, threads: int) -> dict[str, Any]:
    """What decides whether figures can be equal bit for bit: versions, processor, device, threads."""
    import torch

    record: dict[str, Any] = {
        "versions": versions(),
        "commit": commit(),
        "code": code_digest(),
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "device_name": torch.cuda.get_device_name(0) if device == "cuda" else _processor(),
        "threads": threads,
    }
    settings = {name: os.environ[name] for name in _NUMERIC_SETTINGS if name in os.environ}
    if settings:
        record["settings"] = settings
    return record


def environment_key(record: dict[str, Any]) -> str:
    """A short name for an environment, by its content."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:8]


_NUMERIC_SETTINGS = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)

# Of an environment, what must be equal for figures to be equal bit for bit.
_DECISIVE = ("platform", "cpu_capability", "device", "device_name", "threads", "settings")


def decisive_differences(
    recorded: Mapping[str, Any], here: Mapping[str, Any], *, sampling: bool = False
) -> list[str]:
    """What differs between two environments that may alter figures, a line each.

    sampling: look at what chooses parameters, too; a replay has them already.
    """
    lines = [
        f"{name}: {recorded.get(name)} -> {here.get(name)}"
        for name in _DECISIVE
        if recorded.get(name) != here.get(name) and not _is_same_processor(name, recorded, here)
    ]
    return lines + _changed_versions(recorded, here, (*_TRAINING, *(_SAMPLING if sampling else ())))


def other_differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs between two environments that should not alter figures, a line each."""
    others = [name for name in here["versions"] if name not in (*_TRAINING, *_SAMPLING)]
    lines = _changed_versions(recorded, here, others)
    if recorded.get("code") != here.get("code"):
        before, now = recorded.get("commit") or "unknown commit", here.get("commit") or "unknown commit"
        lines.append(f"source of onset-sweeps: {before} -> {now}")
    if recorded.get("device_name") != here.get("device_name"):
        lines.append(f"device_name: {recorded.get('device_name')} -> {here.get('device_name')}")
    return lines


def _is_same_processor(name: str, recorded: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Of a CPU the capability decides, not the model's name."""
    return name == "device_name" and recorded.get("device") == here.get("device") == "cpu"


def _changed_versions(
    recorded: Mapping[str, Any], here: Mapping[str, Any], packages: Iterable[str]
) -> list[str]:
    before, now = recorded.get("versions", {}), here.get("versions", {})
    return [
        f"{package}: {before.get(package)} -> {now.get(package)}"
        for package in packages
        if before.get(package) != now.get(package)
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
