"""Our own signature: verified by our own verifier, one for all tries, and worth nothing on other words."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import maildoctor
from bridge.cli import app
from bridge.config import ConfigError, load_without_tokens
from bridge.desk.finding import State
from bridge.domain import effects as fx
from bridge.domain.links import MailLinks
from bridge.mail.checked import SenderCheck
from bridge.mail.compose import MailKind, OutgoingFile, compose
from bridge.mail.footer import unsubscribable
from bridge.mail.parse import parse_mail
from bridge.mail.perform import MailPerformer
from bridge.mail.signed import Verdict
from bridge.mail.signing import Signer, UnusableKey, checked, public_key, published_key
from bridge.mail.write import MailSettings
from bridge.ports import Ambiguous, BeforeBody
from bridge.utc import SystemClock
from tests.mail.outgoing import JPEG, mail, with_line
from tests.mail.test_doctor import Published
from tests.mail.test_signed import DER, PEM, _verify
from tests.support.memory import MemoryNames, Try
from tests.support.post import ORGANISATION

SIGNER = Signer("reponse.test", "colloque", PEM.decode())
KNOWN: dict[str, tuple[str, ...]] = {
    SIGNER.record_name: (SIGNER.record,),
    "_dmarc.reponse.test": ("v=DMARC1; p=reject",),
}
REMINDER = unsubscribable(mail(kind=MailKind.NOTICE), MailLinks("https://c.test", b"s"), "q" * 16)
MAILS = {
    "an answer": mail(),
    "a reminder": REMINDER,
    "a photo": with_line("Voici.", file=OutgoingFile("peau.jpg", "image/jpeg", JPEG)),
    "words that look like a header": with_line("From: x\n.\n\n\n"),
}


async def _verdict(raw: bytes) -> Verdict:
    names = Published(KNOWN)  # no name server is asked for .test, so the last step is taken directly
    return await SenderCheck("", names, _verify)._own(
        raw, parse_mail(raw), "q@reponse.test", "reponse.test", names
    )


@pytest.mark.parametrize("name", MAILS)
async def test_whoever_looks_up_our_key_finds_our_mails_right(name: str) -> None:
    raw = SIGNER.sign(compose(MAILS[name]))
    assert raw.startswith(b"DKIM-Signature: ")
    assert await _verdict(raw) is Verdict.PASS
    assert await _verdict(raw.replace(b"\r\n", b"\n")) is Verdict.PASS


CHANGES = {
    "other words": (b"Marie", b"Maria"),
    "another subject": (b"Subject: ", b"Subject: !"),
    "a second sender": (b"From: ", b"From: <eve@evil.test>\r\nFrom: "),
    "a second subject": (b"Subject: ", b"Subject: x\r\nSubject: "),
    "a second kind of content": (b"Content-Type: ", b"Content-Type: text/html\r\nContent-Type: "),
    "another page to unsubscribe": (b"https://c.test", b"https://e.test"),
    "no click any more": (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_on_anything_else_it_is_worth_nothing(name: str) -> None:
    raw = SIGNER.sign(compose(REMINDER))
    changed = raw.replace(*CHANGES[name], 1) if "other" not in name else raw.replace(*CHANGES[name])
    assert changed != raw
    assert await _verdict(changed) is Verdict.FAIL


def test_the_record_has_the_keys_public_half() -> None:
    assert published_key(SIGNER.record) == public_key(SIGNER.key) == DER


@pytest.mark.parametrize("record", ["v=DKIM1; p=", "v=DKIM1; p=not base64!", "v=DKIM1"])
def test_a_revoked_or_broken_record_has_no_key(record: str) -> None:
    assert published_key(record) == b""


def _installed(folder: Path, key: Path, extra: str = "") -> Path:
    section = f"mail:\n  dkim:\n    selector: s1\n    key_file: {key.name}\n{extra}"
    sample = Path("config/config.yaml").read_text().replace("mail:\n", section, 1)
    (folder / "config.yaml").write_text(sample)
    (folder / "organisation.yaml").write_text(Path("config/organisation.yaml").read_text())
    return folder / "config.yaml"


def _made_as_the_document_says(folder: Path, bits: int = 2048) -> Path:
    """The key, by the very line of docs/mail.md."""
    line = r"^ +openssl (genrsa -out /etc/colloque/dkim.pem 2048)$"
    found = re.search(line, Path("docs/mail.md").read_text(), re.MULTILINE)
    assert found is not None
    key = folder / "dkim.pem"
    words = found[1].replace("/etc/colloque/dkim.pem", str(key)).replace("2048", str(bits)).split()
    openssl = shutil.which("openssl")
    assert openssl is not None
    subprocess.run([openssl, *words], check=True, capture_output=True)
    return key


async def test_a_key_made_as_documented_signs_and_its_printed_record_satisfies_the_doctor(
    tmp_path: Path,
) -> None:
    file = _installed(tmp_path, _made_as_the_document_says(tmp_path))
    ran = CliRunner().invoke(app, ["mail", "dkim-record", "-c", str(file)])
    assert ran.exit_code == 0, ran.output
    name = ran.output.split(". IN TXT")[0]
    strings = re.findall(r'"([^"]*)"', ran.output)
    assert all(len(string) <= 255 for string in strings)
    config = load_without_tokens(file, {}).config
    known = Published({name: ("".join(strings),)})
    findings = {one.check: one for one in await maildoctor.examined(config, known)}
    assert findings["DKIM"].state is State.OK


@pytest.mark.parametrize(
    ("records", "words"),
    [((), "has no key"), ((SIGNER.record, SIGNER.record), "2 keys"), (("v=DKIM1; p=QUJD",), "another key")],
)
async def test_a_record_that_does_not_fit_our_key_is_wrong(records: tuple[str, ...], words: str) -> None:
    finding = await maildoctor.own_dkim(SIGNER, Published({SIGNER.record_name: records}))
    assert finding.state is State.WRONG
    assert words in finding.said


@pytest.mark.parametrize("content", ["", "no key", PEM.decode().replace("M", "!", 20)])
def test_what_is_no_key_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "dkim.pem").write_text(content or " ")
    with pytest.raises(ConfigError) as refused:
        load_without_tokens(_installed(tmp_path, tmp_path / "dkim.pem"), {})
    assert any("mail.dkim" in str(mistake) for mistake in refused.value.mistakes)


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableKey, match="512 bits"):
        checked(_made_as_the_document_says(tmp_path, 512).read_text())


def test_a_signature_of_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    key = _made_as_the_document_says(tmp_path)
    with pytest.raises(ConfigError, match=re.escape("mail.dkim.domain")):
        load_without_tokens(_installed(tmp_path, key, "    domain: elsewhere.example\n"), {})


def test_without_a_key_there_is_no_record_to_print() -> None:
    ran = CliRunner().invoke(app, ["mail", "dkim-record", "-c", "config/config.yaml"])
    assert ran.exit_code == 2


class Unsteady:
    """A mail server that has gone when it should say whether it took the first mail."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def send(
        self, *, sender: str, recipients: Sequence[str], message: bytes, before_body: BeforeBody | None = None
    ) -> None:
        assert before_body is not None
        await before_body()
        self.got.append(message)
        if len(self.got) == 1:
            raise Ambiguous("gone")


@dataclass
class Kept(MemoryNames):
    """Keeps the bytes that were fixed."""

    body: bytes | None = None

    async def handing_over(self, task_id: int, body: bytes) -> None:
        self.body = body


async def test_a_mail_is_signed_once_and_offered_again_as_it_was() -> None:
    mailer, names = Unsteady(), Kept()
    settings = MailSettings("reponse.test", {"fr": "Le 15.", "en": "112."}, 10**6, 48, None, SIGNER)
    performer = MailPerformer(mailer, None, names, SystemClock(), ORGANISATION, settings)  # type: ignore[arg-type]
    effect = fx.TellSender("k", "derm", "fr", "marie@p.example", "Sujet", "unusable_empty", "<1@p>")
    with pytest.raises(Ambiguous):
        await performer.perform(Try(effect))
    assert names.body is not None
    await performer.perform(Try(effect, names.body, started=True, handing_over=True))
    assert mailer.got == [names.body, names.body]
    assert names.body.startswith(b"DKIM-Signature:")
