"""Callbacks whose library is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sweeps.callbacks


@pytest.mark.parametrize("name", sweeps.callbacks.__all__)
def test_a_missing_library_is_named_with_the_command_that_installs_it(name: str) -> None:
    library = sweeps.callbacks._HOMES[name]
    code = f"import sys; sys.modules[{library!r}] = None\nfrom sweeps.callbacks import {name}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert f"ImportError: {name} needs {library}, which is not installed here: pip install" in said


def test_no_library_is_imported_before_its_callback() -> None:
    code = (
        "import sys, sweeps, sweeps.callbacks; sweeps.objective, sweeps.callbacks.__all__\n"
        "print({'torch', 'lightning', 'transformers', 'keras', 'xgboost', 'lightgbm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
