"""A hospital whose mail goes through Postfix and Dovecot, as in an ordinary house."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.demo.freeport import free_port
from tests.support.clinic import DOMAIN, PATIENT, Clinic, hospital
from tests.system.mailservers import PASSWORD, Dovecot, Postfix, RealMailbox, open_folder

PATIENTS_DOMAIN = PATIENT.address.partition("@")[2]
CRASHING = (sys.executable, "-m", "tests.support.crashing", "run")


class RealClinic(Clinic):
    """A clinic beside its mail servers."""

    postfix: Postfix
    dovecot: Dovecot

    @property
    def mailbox(self) -> RealMailbox:
        """The patient's mailbox."""
        assert isinstance(self.stack.mailbox, RealMailbox)
        return self.stack.mailbox


@contextlib.asynccontextmanager
async def real_clinic(directory: Path, *, by_imap: bool = False) -> AsyncIterator[RealClinic]:
    """Everything, the hospital's mail coming by LMTP, or into a mailbox that the bridge reads by IMAP."""
    async with contextlib.AsyncExitStack() as ending:
        top = ending.enter_context(open_folder(directory))
        dovecot = Dovecot(top, domain=DOMAIN)
        ending.push_async_callback(dovecot.stop)
        await dovecot.start()
        listener = free_port()
        postfix = Postfix(
            top,
            domain=DOMAIN,
            patients=PATIENTS_DOMAIN,
            dovecot_lmtp=dovecot.lmtp,
            bridge=None if by_imap else listener,
        )
        ending.push_async_callback(postfix.stop)
        await postfix.start()
        mailbox = RealMailbox(
            directory / "mailbox", postfix=postfix.smtp, imap=dovecot.imap, addresses=(PATIENT.address,)
        )
        mailbox.submit_to = ("127.0.0.1", postfix.smtp)
        opened = await RealClinic.open(
            directory,
            hospital({"derm": 2}),
            command=CRASHING,
            mailbox=mailbox,
            listener=listener,
            changes={"mail": _mail(dovecot, by_imap)},
        )
        assert isinstance(opened, RealClinic)
        ending.push_async_callback(opened.close)
        opened.postfix, opened.dovecot = postfix, dovecot
        yield opened


def _mail(dovecot: Dovecot, by_imap: bool) -> dict[str, Any]:
    if not by_imap:
        return {"listen": {"protocol": "lmtp"}}
    return {
        "imap": {
            "host": "127.0.0.1",
            "port": dovecot.imap,
            "tls": "none",
            "username": f"colloque@{DOMAIN}",
            "password": PASSWORD,
        }
    }


@pytest.fixture(scope="module")
async def by_lmtp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealClinic]:
    async with real_clinic(tmp_path_factory.mktemp("lmtp")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def by_imap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealClinic]:
    async with real_clinic(tmp_path_factory.mktemp("imap"), by_imap=True) as opened:
        yield opened
