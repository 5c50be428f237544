"""Every mail that patients get, in a real browser as narrow as the smallest phone."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import async_playwright
from typer.testing import CliRunner

from bridge.cli import app
from tests.system.test_mailbox_page import FLAGS


def previews(folder: Path) -> list[Path]:
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(folder)])
    assert ran.exit_code == 0, ran.output
    return sorted(folder.glob("*/*.html"))


async def test_no_mail_has_to_be_scrolled_sideways_and_photos_fit(tmp_path: Path) -> None:
    pages = await asyncio.to_thread(previews, tmp_path)  # the command has a loop of its own
    assert len(pages) >= 20
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = await chromium.new_page(viewport={"width": 320, "height": 640})
        wide = {}
        for file in pages:
            await page.goto(file.as_uri())
            wide[str(file)] = await page.evaluate("document.documentElement.scrollWidth")
        await page.goto((tmp_path / "fr" / "answer.html").as_uri())
        shown = await page.evaluate("[...document.images].map(i => i.naturalWidth > 0 && i.width)")
        await chromium.close()
    assert {name: width for name, width in wide.items() if width > 320} == {}
    assert shown
    assert all(shown)


CONTRAST = """() => {
  const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
    const s = v / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c; }
    return 'rgb(255,255,255)'; };
  return [...document.body.querySelectorAll('p, a, strong, li, td, th, div')].map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05); }).sort((x, y) => x - y)[0]; }"""
"""The worst contrast of words and what is behind them (WCAG 2.1, 1.4.3: 4.5 at least)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read_by_day_and_by_night(
    tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    pages = await asyncio.to_thread(previews, tmp_path)  # the command has a loop of its own
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = await chromium.new_page(color_scheme=scheme)
        worst = {}
        for file in pages:
            await page.goto(file.as_uri())
            worst[str(file)] = await page.evaluate(CONTRAST)
        dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await chromium.close()
    assert {name: contrast for name, contrast in worst.items() if contrast < 4.5} == {}
    assert (dark != "rgb(255, 255, 255)") is (scheme == "dark")
