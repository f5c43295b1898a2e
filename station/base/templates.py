"""Jinja environments, one a language: strict, autoescaping, words by gettext."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes, pass_context
from jinja2.runtime import Context, Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from station.base.clock import local, local_date
from station.base.errors import Phrase
from station.base.i18n import LANGUAGES, Translator, format_day, format_moment, format_span, format_time
from station.base.ids import new_form_key

WEB = Path(__file__).resolve().parents[2] / "web"


@cache
def environments() -> Mapping[str, Environment]:
    """An environment for each language. All applications of a process share them: reading the catalogues and compiling
    the templates costs more than anything else of a start, and neither holds anything of a station.
    """
    translator = Translator()
    return MappingProxyType({language: _environment(translator, language) for language in LANGUAGES})


class _Fold(NodeTransformer):
    """Does when a template is compiled what comes to the same on every page, as a page has some hundred of them.

    `_("…")` becomes the words of the language, `icon("…")` its markup, and in Chinese `m.said(text)` the text. What has
    gaps to fill or is known at run time only stays a call.
    """

    def __init__(self, environment: Environment) -> None:
        self._functions = {name: cast("Callable[[str], object]", environment.globals[name]) for name in ("_", "icon")}
        self._is_chinese = environment.globals["lang"] == "zh"

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802  jinja2's naming
        """A call with one argument and nothing else, where it can be told what comes of it."""
        self.generic_visit(node, *args, **kwargs)  # changes it where it is
        if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        called, argument = node.node, node.args[0]
        if isinstance(called, nodes.Name) and called.name in self._functions and isinstance(argument, nodes.Const):
            return nodes.TemplateData(str(self._functions[called.name](argument.value)), lineno=node.lineno)
        if self._is_chinese and isinstance(called, nodes.Getattr) and called.attr == "said":
            return argument
        return node


class _Context(Context):
    """Calls macros and our own functions without asking each time, some five hundred times a page, what they take."""

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """What jinja2's own does, for what a page calls most."""
        if type(called) is not Macro:
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(self.eval_ctx, *args, **kwargs)


class _Environment(Environment):
    context_class = _Context

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        _Fold(self).visit(parsed)  # changes it where it is
        return parsed

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's names themselves, where a template adds none: a page copies them, and a chain of
        dictionaries takes long to copy.
        """
        return super().make_globals(d) if d else self.globals


def add_names(names: Mapping[str, object]) -> None:
    """Names that templates of all languages may use, also in macros that do not see the page's context."""
    for environment in environments().values():
        environment.globals.update(names)


@cache
def _icon(name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#{}"/></svg>').format(name)


def _environment(translator: Translator, language: str) -> Environment:
    environment = _Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
        auto_reload=False,  # asking the file system whether a template has changed, at each use of it
    )

    def translate(message: str) -> str:
        text = translator.gettext(language, message)
        return text % message.params if isinstance(message, Phrase) else text

    def gettext(message: str, **params: object) -> Markup:
        # Our texts are markup, as those of jinja2's own extension; what fills their gaps is not.
        if isinstance(message, Phrase):  # its gaps are filled already
            return Markup(translate(message))  # noqa: S704
        return Markup(translate(message) % {name: _escaped(value) for name, value in params.items()})  # noqa: S704

    environment.globals["lang"] = language
    environment.globals["icon"] = _icon
    environment.globals["_"] = gettext
    environment.globals["translate"] = translate
    environment.globals["new_form_key"] = new_form_key
    environment.filters["day"] = lambda moment, today=None: format_day(moment, language, today)

    # The mode comes from the page, so that no place can forget it; a macro without the page's context is told.
    @pass_context
    def show_time(context: Context, moment: datetime, elder: bool | None = None) -> str:
        return format_time(moment, _is_elder(context) if elder is None else elder, language)

    @pass_context
    def show_moment(context: Context, moment: datetime, elder: bool | None = None) -> str:
        return format_moment(moment, language, _is_elder(context) if elder is None else elder)

    environment.filters["time"] = show_time
    environment.filters["moment"] = show_moment
    environment.filters["span"] = format_span
    environment.filters["iso"] = _iso
    environment.filters["local_date"] = local_date
    environment.filters["urlencode"] = lambda text: quote(str(text), safe="")
    environment.filters["telephone"] = lambda text: "".join(c for c in str(text) if c.isdigit() or c == "+")
    return environment


def _is_elder(context: Context) -> bool:
    return bool(context.get("mode") == "elder")


def _escaped(value: object) -> object:
    """A value for a gap in a text: %d wants numbers as they are."""
    return value if isinstance(value, int | float) else escape(value)


def _iso(moment: datetime) -> str:
    return local(moment).isoformat(timespec="minutes")
