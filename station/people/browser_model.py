"""A browser in two words, from its User-Agent (RFC 9110 §10.1.5): enough for its owner to know it again."""

from __future__ import annotations

import re

from station.base.errors import N_

# The first that fits counts: most browsers also claim to be Chrome and Safari. What is shown in Chinese is translated.
_PROGRAMS = (
    ("MicroMessenger/", N_("微信")),
    ("DingTalk/", N_("钉钉")),
    ("wxwork/", N_("企业微信")),
    ("QQBrowser/", N_("QQ 浏览器")),
    ("UCBrowser/", N_("UC 浏览器")),
    ("HuaweiBrowser/", N_("华为浏览器")),
    ("MiuiBrowser/", N_("小米浏览器")),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", N_("鸿蒙")),
    ("OpenHarmony", N_("鸿蒙")),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_SEPARATOR = " · "
MAX_AGENT = 500


def name_browser(user_agent: str) -> str:
    """Such as "Edge · Windows"; "" for what names neither."""
    agent = user_agent[:MAX_AGENT]
    words = [_first(agent, _PROGRAMS), _first(agent, _SYSTEMS)]
    return _SEPARATOR.join(word for word in words if word)


def _first(agent: str, table: tuple[tuple[str, str], ...]) -> str:
    return next((word for mark, word in table if re.search(re.escape(mark), agent, re.IGNORECASE)), "")
