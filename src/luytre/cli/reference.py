"""`python -m luytre.cli.reference` prints ref/cli.md: every command with its arguments, in both languages."""

from __future__ import annotations

from typing import Any

from luytre.cli.commands import command_tree
from luytre.cli.language import Language


def reference() -> str:
    """The page's text."""
    lines = [
        "# The command line",
        "",
        "Generated from the program (`make docs`); do not edit.",
        "",
        "A command ends with exit code 0 when it is done, 1 when it failed (one line and a hint on standard error say why),",
        "130 when it was interrupted. `$LUYTRE_LANG` (`vi`, `en`), else the locale, chooses the language; `$LUYTRE_DIR` is",
        "the node's directory where `--dir` is not given.",
        "",
    ]
    for path, english, vietnamese in _walk("luytre", command_tree("en"), command_tree("vi")):
        lines += _section(path, english, vietnamese)
    return "\n".join(lines).rstrip() + "\n"


def commands(language: Language = "en") -> dict[str, Any]:
    """Every command that does something, by its words: "camera add"."""
    tree = command_tree(language)
    return {path: command for path, command, _ in _walk("luytre", tree, tree)}


def _walk(path: str, english: Any, vietnamese: Any) -> list[tuple[str, Any, Any]]:
    below = getattr(english, "commands", None)
    if below is None:
        return [(path, english, vietnamese)]
    found = []
    for name, command in below.items():
        found += _walk(f"{path} {name}", command, vietnamese.commands[name])
    return found


def _section(path: str, english: Any, vietnamese: Any) -> list[str]:
    arguments = [one for one in english.params if one.param_type_name == "argument"]
    usage = " ".join([path, *(one.metavar for one in arguments), "[OPTIONS]"])
    lines = [f"## `{usage}`", "", english.help, "", vietnamese.help, "", "| | | |", "|---|---|---|"]
    for one, other in zip(english.params, vietnamese.params, strict=True):
        lines.append(f"| {_name(one)} | {_help(one)} | {_help(other)} |")
    return [*lines, ""]


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    shown = "" if parameter.is_flag else " " + (parameter.metavar or "TEXT").replace("|", "\\|")
    return "`" + "`, `".join(parameter.opts) + f"`{shown}"


def _help(parameter: Any) -> str:
    default = parameter.default
    given = "" if default in (None, "", False) or not parameter.show_default else f" (`{_plain(default)}`)"
    text: str = parameter.help + given
    return text.replace("|", "\\|")


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))


if __name__ == "__main__":
    print(reference(), end="")
