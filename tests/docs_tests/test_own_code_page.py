"""Every block of the page on one's own code runs as it stands, in order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "own-code.md"


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    kinds = ["python", "console", "python", "python", "console", "console", "python", "console"]
    assert [kind for kind, _ in blocks] == kinds
    for kind, block in blocks:
        if kind == "python":
            name = block.split("\n", 1)[0].removeprefix("# ")
            Path(name).write_text(block)
            if name in ("by_hand.py", "script.py"):
                subprocess.run([sys.executable, name], check=True)
            continue
        for line in block.splitlines():
            with pytest.raises(SystemExit) as ended:
                main(line.removeprefix("$ sweep ").split())
            assert ended.value.code == 0, line
