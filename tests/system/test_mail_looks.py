"""Every mail that patients get, in a real browser as narrow as the smallest phone."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.async_api import async_playwright
from typer.testing import CliRunner

from bridge.cli import app
from tests.system.test_mailbox_page import FLAGS


def previews(folder: Path) -> list[Path]:
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(folder)])
    assert ran.exit_code == 0, ran.output
    return sorted(folder.glob("*/*.html"))


async def test_no_mail_has_to_be_scrolled_sideways_and_photos_fit(tmp_path: Path) -> None:
    pages = previews(tmp_path)
    assert len(pages) >= 20
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = await chromium.new_page(viewport={"width": 320, "height": 640})
        wide = {}
        for file in pages:
            await page.goto(file.as_uri())
            wide[file.name] = await page.evaluate("document.documentElement.scrollWidth")
        await page.goto((tmp_path / "fr" / "answer.html").as_uri())
        shown = await page.evaluate("[...document.images].map(i => i.naturalWidth > 0 && i.width)")
        await chromium.close()
    assert {name: width for name, width in wide.items() if width > 320} == {}
    assert shown
    assert all(shown)
