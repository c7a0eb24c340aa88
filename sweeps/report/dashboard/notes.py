"""Notes in Markdown: a study's note tells its best trial and its cost, a trial's note why it ended.

The user's own note follows below.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from storage.outcomes import count_states
from sweeps.printable import duration_text, printable
from sweeps.report.failures import failure_groups
from sweeps.report.verdicts import confirmed_figures, not_comparable, published_figures, text_of
from sweeps.study.stored_study import Study

OWN_NOTE = "---\n\n*Your note (sweep writes what stands above):*\n\n"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_LONGEST = 1500


def with_own_note(ours: str, own: str) -> str:
    """Our note, followed by the user's own."""
    return f"{ours}\n\n{OWN_NOTE}{own}"


def own_note(body: str) -> str:
    """The user's part of an edited note; the whole note if the user removed our part."""
    _, found, own = body.partition(OWN_NOTE.rstrip())
    return own.removeprefix("\n\n") if found else body


def plain(text: Any) -> str:
    """The text on one line, escaped so that it is shown literally: no HTML, no Markdown, no control characters."""
    shown = " ".join(printable(str(text)).split())[:_LONGEST]
    return _MARKDOWN.sub(r"\\\1", html.escape(shown, quote=False))


def study_note(study: Study) -> str:
    """The note on a study: its task, best trial, confirmation, cost and failures, and what to run next."""
    spec, ranked, table = study.spec, study.ranking(1), study.table()
    counts = count_states(study.database, study.row.study_id)
    unfinished = sum(counts.values()) - len(table)
    lines = [
        f"**{plain(spec.task.name)}** on {plain(spec.data.plan.name)}: {spec.metric.direction}s validation "
        f"{plain(spec.metric.name)}. {len(table)} trials are finished"
        + (f", {unfinished} are not." if unfinished else "."),
    ]
    if ranked:
        best = study.confirmed(ranked[0])
        lines.append(
            f"**Best:** {text_of(best.value)} (trial {best.number}, round {best.attributes.get('best_round', '?')})"
        )
    lines.append(_confirmed(study))
    cost = study.cost(table)
    saved = f", {cost.rounds_saved:,} saved by halting" if cost.rounds_saved else ""
    lines.append(
        f"**Cost:** {cost.rounds_run:,} rounds run{saved}; {duration_text(cost.seconds)} of training"
    )
    lines += [f"**{plain(each.text)}** {plain(each.advice)}" for each in failure_groups(study, table)]
    next_commands = [study.command(verb) for verb in ("report", "review", *(["confirm"] if ranked else []))]
    lines.append("**Next:**\n\n```\n" + "\n".join(next_commands) + "\n```")
    return "\n\n".join(line for line in lines if line)


def _confirmed(study: Study) -> str:
    confirmed, published = confirmed_figures(study), published_figures(study)
    told = "**Confirmed:** not yet" if confirmed is None else f"**Confirmed:** {confirmed.valid}"
    if confirmed is not None:
        told += f" over {confirmed.valid.count} runs from fresh seeds (trial {confirmed.trial})"
        told += "" if confirmed.test is None else f"; on the test split {confirmed.test}"
    figures = ", ".join(
        f"{plain(name.replace('_', ' '))} {text_of(value)}" for name, value in published.items()
    )
    apart = not_comparable(study) if figures else None
    return told + (f". **Published:** {figures}" if figures else "") + (f". {plain(apart)}" if apart else "")


def trial_note(number: int, state: str, notes: Mapping[str, str], picture: str) -> str:
    """Why the trial ended, its best round, its curves, and the command that shows more.

    notes: its attributes as text. picture: the address of the picture of its curves; empty for none.
    """
    reason = notes.get("stop_reason", "")
    ended = "not ended yet" if not reason else "failed" if reason == "error" else reason.replace("_", " ")
    because = f": {plain(notes['because'])}" if notes.get("because") else ""
    lines = [f"**{plain(ended).capitalize()}**{because}"]
    if notes.get("best_round"):
        lines.append(f"Best round {plain(notes['best_round'])} of {plain(notes.get('rounds', '?'))}.")
    if picture:
        lines.append(f"![Training and validation of trial {number}]({picture})")
    if notes.get("traceback"):
        fenced = printable(notes["traceback"]).replace("```", "'''").rstrip()
        lines.append(f"```text\n{fenced}\n```")
    return "\n\n".join(lines)
