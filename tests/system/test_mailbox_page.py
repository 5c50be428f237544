"""The demonstration's mailbox page in a real browser, as a patient's phone shows it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from bridge.demo.hospital import example_hospital
from bridge.demo.mailbox import Attached, LocalMailbox
from bridge.demo.page import box_path, mailbox_app, start_page
from bridge.demo.photos import drawing_png

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENT = example_hospital().patients[0]


@pytest.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[LocalMailbox]:
    opened = LocalMailbox(tmp_path)
    await opened.start()
    opened.submit_to = (opened.host, opened.port)  # the mail server writes to itself
    yield opened
    await opened.close()


@pytest.fixture
async def address(mailbox: LocalMailbox) -> AsyncIterator[str]:
    runner, url = await start_page(mailbox_app(mailbox, example_hospital()))
    yield url.rstrip("/") + box_path(PATIENT.address)
    await runner.cleanup()


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield await browser.new_page(viewport={"width": 390, "height": 844})
        await browser.close()


async def test_a_mail_with_a_picture_is_shown_on_a_phone(
    mailbox: LocalMailbox, address: str, phone: Page
) -> None:
    await mailbox.write(
        to=PATIENT.address,
        subject="Re: Grain de beauté",
        text="Bonjour Madame, voici un schéma.",
        from_address="dermatologie@hopital.example",
        from_name="Dr Claire Petit",
        photos=[Attached("schéma.png", "image/png", drawing_png())],
    )
    await phone.goto(address)
    shown = phone.frame_locator("iframe").get_by_text("Bonjour Madame, voici un schéma.")
    await shown.wait_for(state="visible", timeout=20_000)
    widths = await phone.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
    assert max(widths) > 100
    overflow = await phone.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
