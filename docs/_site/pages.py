"""The site's pages that are not files of `docs/`: the README and its like, linked sources, and the Python API.

A hook of MkDocs. Links between Markdown files are written as they work in the repository, and are rewritten here.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
FLOWCHART = re.compile(r"```mermaid\n(flowchart TD\n.*?)```", re.DOTALL)
BOX = (
    "border:1px solid currentColor;border-radius:.3rem;padding:.2rem .6rem;margin:.25rem 0;text-align:center"
)
LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere in the repository, and a page for each source file that a page links to."""
    texts = {path: (ROOT / path).read_text() for path in PAGES}
    texts |= {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=texts[path]))
    linked = {found for path, text in texts.items() for found in _targets(path, text)}
    for path in sorted(linked):
        if (ROOT / path).suffix in LANGUAGES and (ROOT / path).is_file():
            files.append(File.generated(config, _page_of_source(path), content=_source(path)))
    files.append(File.generated(config, "api.md", content=_api()))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to the pages of the site."""
    of_page = {page_uri: path for path, page_uri in PAGES.items()}
    here = of_page.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def rewritten(found: re.Match[str]) -> str:
        target = _resolved(here, found["target"])
        uri = _uri_of(target) if target else None
        if uri is None:  # a folder, or a file of a kind that has no page
            return found["text"] if target and (ROOT / target).exists() else found[0]
        link = posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or ".")
        return f"[{found['text']}]({link}{found['anchor'] or ''})"

    return FLOWCHART.sub(_boxes, LINK.sub(rewritten, markdown))


def _boxes(flowchart: re.Match[str]) -> str:
    """The picture of the architecture as boxes: to draw a flowchart, a browser would fetch a script from afar."""
    columns, inside = [], False
    for line in map(str.strip, flowchart[1].splitlines()):
        if line.startswith("subgraph "):
            columns.append([f"<strong>{line.removeprefix('subgraph ')}</strong>"])
            inside = True
        elif line == "end":
            inside = False
        elif node := re.fullmatch(r'\w+\["(.*)"\]', line):
            name = node[1].replace("<br/>", " · ")
            (columns[-1] if inside else columns[0]).append(f'<div style="{BOX}">{name}</div>')
    drawn = "".join(f'<div style="flex:1;min-width:14rem">{"".join(each)}</div>' for each in columns)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1.5rem">{drawn}</div>\n'


def _targets(path: str, text: str) -> set[str]:
    found = (_resolved(path, link["target"]) for link in LINK.finditer(text))
    return {target for target in found if target}


def _resolved(path: str, target: str) -> str:
    """The file of the repository that a link leads to; empty for a link to elsewhere, or within its page."""
    if not target or re.match(r"[a-z]+:", target):
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _uri_of(target: str) -> str | None:
    """The site's page of a file of the repository; None for a link that must be right as it is."""
    if target in PAGES:
        return PAGES[target]
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if (ROOT / target).suffix in LANGUAGES and (ROOT / target).is_file():
        return _page_of_source(target)
    return None


def _page_of_source(path: str) -> str:
    return f"source/{path}.md"


def _source(path: str) -> str:
    text = (ROOT / path).read_text()
    return f"# {path}\n\n````{LANGUAGES[Path(path).suffix]}\n{text}````\n"


def _api() -> str:
    """The public names of the packages, from their docstrings."""
    import objectives
    import search_spaces
    import sweeps

    parts = ["# Python API\n\n[How to use it](python.md). These are all public names:\n"]
    for package in (sweeps, objectives, search_spaces):
        parts.append(f"## {package.__name__}\n")
        parts += [_reference(package, name) for name in package.__all__]
    return "\n".join(parts)


def _reference(package: Any, name: str) -> str:
    """The block that mkdocstrings replaces by signature and docstring: of the place where `name` is defined."""
    defined = getattr(package, name)
    shown = f"{package.__name__}.{name}"
    options = f"    options:\n      heading: {shown}\n      toc_label: {name}\n"
    return f"::: {defined.__module__}.{defined.__qualname__}\n{options}"
