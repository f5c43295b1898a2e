"""Jinja environments, one a language: strict, autoescaping, words by gettext."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from station.base.clock import local, local_date
from station.base.errors import Phrase
from station.base.i18n import LANGUAGES, Translator, format_day, format_moment, format_span, format_time

WEB = Path(__file__).resolve().parents[2] / "web"


@cache
def environments() -> Mapping[str, Environment]:
    """An environment for each language. All applications of a process share them: reading the catalogues and compiling
    the templates costs more than anything else of a start, and neither holds anything of a station.
    """
    translator = Translator()
    return MappingProxyType({language: _environment(translator, language) for language in LANGUAGES})


def _environment(translator: Translator, language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )

    def translate(message: str) -> str:
        text = translator.gettext(language, message)
        return text % message.params if isinstance(message, Phrase) else text

    def gettext(message: str) -> str:
        # Jinja fills the gaps of what comes back once more: what has been filled already must survive that.
        text = translate(message)
        return text.replace("%", "%%") if isinstance(message, Phrase) else text

    def ngettext(singular: str, plural: str, count: int) -> str:
        return translator.ngettext(language, singular, plural, count)

    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["translate"] = translate
    environment.filters["day"] = lambda moment, today=None: format_day(moment, language, today)

    # The mode comes from the page, so that no place can forget it; a macro without the page's context is told.
    @pass_context
    def show_time(context: Context, moment: datetime, elder: bool | None = None) -> str:
        return format_time(moment, _is_elder(context) if elder is None else elder, language)

    @pass_context
    def show_moment(context: Context, moment: datetime) -> str:
        return format_moment(moment, language, _is_elder(context))

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


def _iso(moment: datetime) -> str:
    return local(moment).isoformat(timespec="minutes")
