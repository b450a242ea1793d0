"""`gan --completion SHELL`: a script that completes verbs, questions, options and files as they are typed.

What it offers is read off the help pages, so it is what this version knows, plugins' declarations included.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from contextlib import redirect_stdout

from ganforge.cli.options import offered
from ganforge.core.declared import QUESTIONS
from ganforge.core.errors import UsageError, nearest

__all__ = ["SHELLS", "script"]

SHELLS = {
    "bash": 'eval "$(gan --completion bash)"',
    "zsh": 'eval "$(gan --completion zsh)"',
    "fish": "gan --completion fish | source",
}
"""Each shell, and the line that its startup file needs."""


def script(shell: str, verbs: Mapping[str, str]) -> str:
    """The script for one of :data:`SHELLS`; ``verbs`` are the program's, each with its words.

    Raises UsageError for another shell.
    """
    if shell not in SHELLS:
        raise UsageError(f"there is no completion for {shell!r}.{nearest(shell, SHELLS)} See: gan --help")
    options = {verb: _options([verb]) for verb in verbs}
    tools = {what: _options(["explore", "RUN", what]) for what in QUESTIONS.overview()}
    return _fish(verbs, options, tools) if shell == "fish" else _bash(shell, verbs, options, tools)


def _options(words: list[str]) -> list[str]:
    """The options on a help page."""
    page = io.StringIO()
    try:
        with redirect_stdout(page):
            importlib.import_module(f"ganforge.cli.{words[0]}").main([*words[1:], "--help"])
    except SystemExit:
        pass
    return list(dict.fromkeys([*offered(page.getvalue()), "--plugin", "--help"]))


def _bash(
    shell: str, verbs: Mapping[str, str], options: Mapping[str, list[str]], tools: Mapping[str, list[str]]
) -> str:
    cases = [f"    {verb}) words='{' '.join(some)}' ;;" for verb, some in options.items()]
    questions = [f"      {what}) words='{' '.join(some)}' ;;" for what, some in tools.items()]
    lines = [
        *(["autoload -Uz compinit bashcompinit && compinit && bashcompinit"] if shell == "zsh" else []),
        "_gan() {",
        '  local word="${COMP_WORDS[COMP_CWORD]}" words="" at',
        "  COMPREPLY=()",
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f"    words='{' '.join(verbs)} --help --version --completion'",
        '    COMPREPLY=($(compgen -W "$words" -- "$word")); return',
        "  fi",
        '  case "${COMP_WORDS[1]}" in',
        *cases,
        "  esac",
        '  if [ "${COMP_WORDS[1]}" = explore ]; then',
        f'    [ "$COMP_CWORD" -le 3 ] && words="$words {" ".join(tools)}"',
        '    for at in "${COMP_WORDS[2]}" "${COMP_WORDS[3]}"; do case "$at" in',
        *questions,
        "    esac; done",
        "  fi",
        '  [ "${COMP_WORDS[1]}" = --completion ] && words="' + " ".join(SHELLS) + '"',
        '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
        '  case "$word" in -*) ;; *) COMPREPLY+=($(compgen -f -- "$word")) ;; esac',
        "}",
        "complete -o filenames -F _gan gan",
    ]
    return "\n".join(lines)


def _fish(verbs: Mapping[str, str], options: Mapping[str, list[str]], tools: Mapping[str, list[str]]) -> str:
    lines = [
        f"complete -c gan -n __fish_use_subcommand -f -a {verb} -d '{said}'" for verb, said in verbs.items()
    ]
    for verb, some in options.items():
        known = {*some}.union(*tools.values()) if verb == "explore" else some
        within = f"complete -c gan -n '__fish_seen_subcommand_from {verb}'"
        lines += [f"{within} -l {name.removeprefix('--')}" for name in sorted(known)]
    lines += [f"complete -c gan -n '__fish_seen_subcommand_from explore' -a '{' '.join(tools)}'"]
    return "\n".join(lines)
