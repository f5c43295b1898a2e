"""What is measured on one open page: axe's rules, sideways scroll, languages that leak into each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

from tests.servers import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """
async (tags) => {
  const rules = {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'], preload: false, selectors: false};
  const found = await axe.run(document, rules);
  return found.violations.flatMap(({id, nodes}) => nodes.map((node) =>
    `${id}: ${node.html.slice(0, 160)} ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ''}`));
}
"""
# Where a page is wider than its window, the outermost elements that stick out say why.
STICKING_OUT = """
() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > wide + 1);
  return [`${document.documentElement.scrollWidth} > ${wide}`, ...out.slice(-3).map((e) => e.outerHTML.slice(0, 120))];
}
"""
# What is read or announced, but for parts that say themselves that they are Chinese (WCAG 3.1.2).
READ_TEXT = """
() => {
  const said = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const tag = node.parentElement.tagName;
    if (tag === 'SCRIPT' || tag === 'STYLE' || node.parentElement.closest('[lang^="zh"]')) continue;
    said.push(node.data);
  }
  for (const element of document.body.querySelectorAll('[aria-label],[title],[alt],[data-label],[data-words]'))
    for (const name of ['aria-label', 'title', 'alt', 'data-label', 'data-words'])
      if (element.hasAttribute(name)) said.push(element.getAttribute(name));
  return said;
}
"""
# What a finger must hit in the large-type view: 60 high (the Ministry of Industry's rule of 2021), in the head 44.
# A box to tick is as large as its label; a link inside a sentence is as high as its line (WCAG 2.5.8, inline).
SMALL_TARGETS = """
() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].flatMap((element) => {
  const label = ['checkbox', 'radio', 'file'].includes(element.type) ? (element.labels || [])[0] : null;
  const box = (label || element).getBoundingClientRect();
  const style = getComputedStyle(element);
  const whole = element.parentElement.textContent.trim() === element.textContent.trim();
  const shown = element.checkVisibility({visibilityProperty: true}) && !element.matches(".vh, .skip");
  const least = element.closest('.sign') ? 44 : 60;
  if (!shown || box.width <= 1 || (style.display === 'inline' && !whole)) return [];
  if (box.height >= least - 0.5 && box.width >= 40) return [];
  return [`${Math.round(box.width)} x ${Math.round(box.height)}: ${element.outerHTML.slice(0, 120)}`];
})
"""
# The stop of the page one is on sits on the line under the head: the navigation stands last in it, in any language.
HEAD_IN_ROWS = """
[...document.querySelectorAll(".sign:has(.sign-nav)")].filter((head) => {
  const [line, stops] = [head.getBoundingClientRect(), head.querySelector(".sign-nav").getBoundingClientRect()];
  return line.height > 0 && Math.abs(line.bottom - stops.bottom) > 2;
}).map(() => "the navigation is not on the line under the head")
"""
CHINESE = re.compile(r"[\u3400-\u9fff]+")
# Full-width marks come with Chinese sentences; a page in English that shows one was put together from halves.
CHINESE_MARKS = re.compile(r"[，。；：？！（）、]")


@dataclass(frozen=True, slots=True)
class Look:
    """One way of seeing a page."""

    language: str
    scheme: str
    width: int
    narrow: int = 0  # also tried for sideways scroll
    elder: bool = False  # in the large-type view

    @property
    def html_lang(self) -> str:
        return "en" if self.language == "en" else "zh-CN"


PHONE_ZH_LIGHT = Look("zh", "light", 390, narrow=320)
PHONE_EN_LIGHT = Look("en", "light", 390, narrow=390)
DESK_EN_DARK = Look("en", "dark", 1280)
PHONE_ELDER = Look("zh", "light", 390, elder=True)
DESK_ELDER = Look("en", "light", 1280, elder=True)


def content_text() -> str:
    """All Chinese that is content: names, places and matters of the demo, and what these tests type."""
    folders = (ROOT / "station" / "demo", ROOT / "tests" / "accessibility", ROOT / "tests" / "journeys")
    sources = "".join(path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.glob("*.py")))
    return sources + "清和区"  # the district in the head


CONTENT = content_text()


async def wear(page: Page, look: Look) -> None:
    """Let the page's next load look like this."""
    await page.set_viewport_size({"width": look.width, "height": 844})
    await page.emulate_media(color_scheme="dark" if look.scheme == "dark" else "light")
    address = re.match(r"https?://[^/]+", page.url)
    if address:
        await page.context.add_cookies([{"name": "lang", "value": look.language, "url": address[0]}])
    if address and look.elder:
        await page.context.add_cookies([{"name": "mode", "value": "elder", "url": address[0]}])


async def measure(page: Page, look: Look) -> list[str]:
    """Everything that is wrong with the page as it stands."""
    faults: list[str] = await run_axe(page)
    faults += [f"sideways at {look.width}: {what}" for what in await page.evaluate(STICKING_OUT)]
    if look.narrow:
        await page.set_viewport_size({"width": look.narrow, "height": 844})
        faults += [f"sideways at {look.narrow}: {what}" for what in await page.evaluate(STICKING_OUT)]
        await page.set_viewport_size({"width": look.width, "height": 844})
    language = await page.evaluate("document.documentElement.lang")
    if language != look.html_lang:
        faults.append(f"lang is {language}")
    faults += await page.evaluate(HEAD_IN_ROWS)
    if look.language == "en":
        faults += [f"Chinese on an English page: {text}" for text in await leaks(page)]
    return faults


async def measure_large_type(page: Page, look: Look) -> list[str]:
    """What is too small for a finger or too wide for the window in the large-type view."""
    faults = [f"small target: {what}" for what in await page.evaluate(SMALL_TARGETS)]
    faults += [f"sideways at {look.width}: {what}" for what in await page.evaluate(STICKING_OUT)]
    if await page.evaluate("document.documentElement.dataset.mode") != "elder":
        faults.append("not in the large-type view")
    return faults


async def run_axe(page: Page) -> list[str]:
    """axe-core's findings in the whole document. It is evaluated, not added: the page's CSP stays in force."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(RUN_AXE, TAGS)
    return found


async def leaks(page: Page) -> list[str]:
    """Chinese texts on an English page that are not content."""
    said: list[Any] = await page.evaluate(READ_TEXT)
    return sorted({leak for text in said for leak in _leaks_in(str(text))})


def _leaks_in(text: str) -> list[str]:
    runs = CHINESE.findall(text)
    found = [run for run in runs if run != "中文" and run not in CONTENT]
    if not runs and CHINESE_MARKS.search(text):
        found.append(text.strip())
    return found
