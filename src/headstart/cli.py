"""The command line, made from signatures: a setting is declared once, in the verb or the method it belongs to."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, is_dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from headstart import __version__, terminal
from headstart.errors import HeadstartError, InputError
from headstart.settings import own_settings, parameter_hints, shared_hints, shared_settings
from headstart.verbs import VERBS

TAGLINE = "headstart: learn from what nobody has labelled, and know which representation wins on your data."

EVERYWHERE = """\
Every verb takes --quiet (say nothing but the result), --json (one JSON object on stdout) and --debug (show where an
error comes from). `headstart VERB --help` explains a verb, with an example."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Runs one command and gives its exit code: 0 done, 1 failed, 2 bad input, 130 or 143 interrupted."""
    debug = "--debug" in arguments
    try:
        return _dispatch(arguments)
    except HeadstartError as error:
        _complain(str(error), debug)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("Interrupted.", debug)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if _lacks_memory(error):
            _complain("There is not enough memory for this: try a smaller --batch-size or --size.", debug)
        elif isinstance(error, OSError) and error.errno == 28:
            _complain(
                f"The disk is full ({error.filename or 'while writing'}): make room and run the command again.", debug
            )
        else:
            text = " ".join(str(error).split())[:300]
            _complain(f"{type(error).__name__}: {text}\nThis is a bug in headstart; --debug shows where.", debug)
        return 1


def _lacks_memory(error: Exception) -> bool:
    """Whether the machine or its GPU has no memory left; torch says so of either by a RuntimeError."""
    said = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or any(words in str(error) for words in said)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    verb, *rest = arguments
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS)
        hint = f" Did you mean {near[0]}?" if near else f" The verbs are {', '.join(VERBS)}."
        raise InputError(f"{verb} is no verb.{hint}")
    return _call(verb, rest)


def overview() -> str:
    """What `headstart --help` prints; imports no verb."""
    lines = [TAGLINE, "", "Usage: headstart VERB …", ""]
    docs = {verb: docstring(*place) for verb, place in VERBS.items()}
    wide = max(map(len, VERBS))
    lines += [f"  {verb:{wide}}  {doc.partition(chr(10))[0]}" for verb, doc in docs.items()]
    examples = [match[1] for doc in docs.values() if (match := re.search(r"^Example: (.*)$", doc, re.MULTILINE))]
    return "\n".join([*lines, "", "Examples:", *(f"  {example}" for example in examples), "", EVERYWHERE])


def docstring(module: str, name: str) -> str:
    """A function's docstring, read from its file without importing it."""
    package, _, leaf = module.rpartition(".")
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    tree = ast.parse(Path(spec.submodule_search_locations[0], f"{leaf}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return ast.get_docstring(next(functions)) or ""


def _call(verb: str, arguments: list[str]) -> int:
    """Parses a verb's arguments, calls it and prints what it gives."""
    from cyclopts import App, CycloptsError, Parameter, UnknownOptionError
    from rich.console import Console

    module, name = VERBS[verb]
    function = getattr(importlib.import_module(module), name)
    settings = {"quiet": False, "json": False, "debug": False}
    method = _method_named(verb, arguments)
    command = as_command(function, method, settings)
    app = App(
        name=f"headstart {verb}",
        default_command=command,
        version_flags=(),
        help_format="plaintext",
        default_parameter=Parameter(negative=(), show_choices=True),
        print_error=False,
        exit_on_error=False,
        result_action="return_value",
    )
    try:
        result = app(arguments, console=Console(soft_wrap=False))
    except CycloptsError as error:
        hint = f"`headstart {verb} --help` explains its settings."
        if verb in WITH_METHOD and method is None and isinstance(error, UnknownOptionError):
            hint = f"A method's own settings are known where it is named first: headstart {verb} METHOD …"
        raise InputError(f"{_plain(error)}\n{hint}") from error
    if result is not None and terminal.is_first():
        print(json.dumps(asdict(result), ensure_ascii=False) if settings["json"] else result)
    return 0


WITH_METHOD = ("pretrain", "adapt")
"""Verbs whose first argument is a method, with settings of its own."""


def _method_named(verb: str, arguments: list[str]) -> Callable[..., Any] | None:
    """The method whose settings are flags of this call, once its name is known."""
    if verb not in WITH_METHOD or not arguments or arguments[0].startswith("-"):
        return None
    from headstart.methods import find_adapter, find_learner

    return (find_adapter if verb == "adapt" else find_learner)(arguments[0])


def as_command(
    function: Callable[..., Any], method: Callable[..., Any] | None, settings: dict[str, bool]
) -> Callable[..., Any]:
    """The verb as a function whose signature has every flag: its own, its method's, and those of all verbs.

    `settings` takes the values of the latter.
    """
    from cyclopts import Parameter

    own = {**_parameters(function), **_shared_parameters(function), **_method_parameters(function, method)}
    common = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[bool, Parameter(help=text, negative=())],
        )
        for name, text in COMMON.items()
    ]
    shown = [p for p in own.values() if p.kind is not p.VAR_KEYWORD]

    def command(*args: Any, **kwargs: Any) -> Any:
        for name in settings:
            settings[name] = bool(kwargs.pop(name, False))
        check_given(function, method, kwargs)
        with terminal.silence(settings["quiet"]):
            return function(*args, **kwargs)

    command.__signature__ = inspect.Signature([*shown, *common])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*shown, *common)}
    command.__doc__ = _documentation(function, method)
    command.__name__ = function.__name__
    return command


COMMON = {
    "quiet": "Say nothing but the result.",
    "json": "Print the result as one JSON object, and nothing else, on stdout.",
    "debug": "Show where an error comes from.",
}


def check_given(function: Callable[..., Any], method: Callable[..., Any] | None, given: dict[str, Any]) -> None:
    """Refuses values out of range before the verb reads anything."""
    from headstart.settings import check

    theirs = _method_parameters(function, method)
    check(function, {name: value for name, value in given.items() if name not in theirs})
    if method is not None:
        check(method, {name: value for name, value in given.items() if name in theirs})


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """A function's parameters with annotations that the parser understands."""
    target = function.__init__ if inspect.isclass(function) else function
    hints = parameter_hints(target)
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint = bool | None if parameter.default is True else hints.get(name, str)
        found[name] = parameter.replace(annotation=_flagged(name, str if hint is Any else hint))
    return found


def _method_parameters(function: Callable[..., Any], method: Callable[..., Any] | None) -> dict[str, inspect.Parameter]:
    """A method's settings, but for those that the verb has itself; they come before shared ones of the same name."""
    if method is None:
        return {}
    own, verbs = own_settings(method), inspect.signature(function).parameters
    return {name: found for name, found in _parameters(method).items() if name in own and name not in verbs}


def _shared_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The settings that a function shares with others, as keyword parameters of its own."""
    groups = filter(is_dataclass, shared_settings(function))
    defaults = {field.name: field.default for group in groups for field in fields(group)}
    found = {}
    for name, hint in shared_hints(function).items():
        default = defaults.get(name, False if hint is bool else None)
        kind = str if hint is Any else hint
        found[name] = inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=_flagged(name, kind | None if default is None else kind),
        )
    return found


SPELLINGS = {"out": ("--out", "-o"), "group": ("--group", "--group-column")}
"""Flags with more than one name."""


def _flagged(name: str, hint: Any) -> Any:
    from cyclopts import Parameter

    if hint == bool | None:  # on unless it is turned off
        return Annotated[hint, Parameter(negative=f"--no-{name.replace('_', '-')}")]
    return Annotated[hint, Parameter(name=SPELLINGS[name])] if name in SPELLINGS else hint


def _documentation(function: Callable[..., Any], method: Callable[..., Any] | None) -> str:
    """The verb's docstring, with the settings that it shares and those of its method joined to its own."""
    text = inspect.getdoc(function) or ""
    for group in shared_settings(function):
        text += "\n" + (inspect.getdoc(group) or "").partition("\nArgs:\n")[2]
    if method is None:
        return text
    about = inspect.getdoc(method) or ""
    summary, _, settings = about.partition("\nArgs:\n")
    text = text.replace("\n\nArgs:", f"\n\n{method.__name__}: {summary.strip()}\n\nArgs:", 1)
    return f"{text}\n{settings}" if settings else text


def _plain(error: Exception) -> str:
    """A parser's complaint as one line."""
    text = str(error)
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def _complain(text: str, debug: bool) -> None:
    """One or two plain lines on stderr; the traceback before them where it was asked for."""
    if not terminal.is_first():
        return
    if debug:
        traceback.print_exc()
    print(text, file=sys.stderr)
