"""From an empty data folder to an administrator on /admin: the printed link, in a real browser, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pyotp
from playwright.async_api import Browser

from tests.servers import start_station

PASSWORD = "hill-station-2026"


async def test_a_newcomer_sets_the_station_up_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Every step with Tab and Enter, at phone width and without script; then /admin says what is missing."""
    with start_station(tmp_path, demo=False) as running:
        link = running.command("setup-link").stdout.strip()
        context = await browser.new_context(
            locale="zh-CN", viewport={"width": 390, "height": 844}, java_script_enabled=False
        )
        page = await context.new_page()
        await page.goto(link)
        await page.locator("#district").focus()
        for words in ("青川县", "青川县人大常委会", "0839-8882345", "周一至周五"):
            await page.keyboard.type(words)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/setup/look")
        await page.get_by_label("蓝").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/setup/texts")
        assert "青川县人大常委会" in await page.locator("#notice").input_value()
        await page.locator("main button.btn-main").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/setup/admin")
        secret = (await page.locator("#secret").inner_text()).replace(" ", "")
        await page.locator("#name").focus()
        for words in ("方圆", "fangyuan", PASSWORD):
            await page.keyboard.type(words)
            await page.keyboard.press("Tab")
        await page.locator("#otp").focus()
        await page.keyboard.type(pyotp.TOTP(secret).now())
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{running.address}/admin")
        assert "要您处理的" in await page.locator("main").inner_text()
        assert "青川县" in await page.locator("header").inner_text()
        await page.goto(link)
        assert await page.get_by_role("heading", name="已经开站了").is_visible()
        await context.close()
