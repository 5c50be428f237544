"""`colloque doctor mail` says of each thing that it is right, or what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from bridge import maildoctor
from bridge.cli import app
from bridge.config import Config, load_without_tokens
from bridge.demo.freeport import free_port
from bridge.desk.finding import Finding, State
from bridge.mail.signed import LookupFailed

DOMAIN = "hopital.example"


class Published:
    """Name servers that know this much."""

    def __init__(self, txt: dict[str, tuple[str, ...]], mx: tuple[str, ...] = (), *, silent: bool = False):
        self._txt, self._mx, self._silent = txt, mx, silent

    async def txt(self, name: str) -> tuple[str, ...]:
        if self._silent:
            raise LookupFailed("Timeout")
        return self._txt.get(name, ())

    async def mx(self, name: str) -> tuple[str, ...]:
        return self._mx


def _config(folder: Path, setting: str) -> Config:
    """The sample with this line in its section for mail."""
    sample = Path("config/config.yaml").read_text().replace("mail:\n", f"mail:\n{setting}", 1)
    (folder / "config.yaml").write_text(sample)
    (folder / "organisation.yaml").write_text(Path("config/organisation.yaml").read_text())
    return load_without_tokens(folder / "config.yaml", {}).config


def right(finding: Finding) -> bool:
    return finding.state is State.OK


async def test_a_domain_with_all_its_records_is_right() -> None:
    known = Published(
        {
            DOMAIN: ("v=spf1 mx -all", "site-verification=x"),
            f"s1._domainkey.{DOMAIN}": ("v=DKIM1; k=rsa; p=MIIB",),
            f"_dmarc.{DOMAIN}": ("v=DMARC1; p=reject",),
        },
        ("mx.hopital.example",),
    )
    lines = [
        await maildoctor.mx(DOMAIN, known),
        await maildoctor.spf(DOMAIN, known),
        await maildoctor.dkim(DOMAIN, "s1", known),
        await maildoctor.dmarc(DOMAIN, known),
    ]
    assert [line for line in lines if not right(line)] == []


async def test_a_domain_without_records_is_told_what_to_publish() -> None:
    known = Published({})
    lines = [
        await maildoctor.mx(DOMAIN, known),
        await maildoctor.spf(DOMAIN, known),
        await maildoctor.dkim(DOMAIN, "s1", known),
        await maildoctor.dmarc(DOMAIN, known),
    ]
    assert not any(right(line) for line in lines)
    assert all("publish" in line.remedy for line in lines)


@pytest.mark.parametrize(
    ("setting", "silent", "state"),
    [("", False, State.OK), ("", True, State.WRONG), ("  authserv_id: mx.hopital.example\n", True, State.OK)],
)
async def test_verifying_without_name_servers_is_warned_of(
    tmp_path: Path, setting: str, silent: bool, state: State
) -> None:
    line = await maildoctor.senders(_config(tmp_path, setting), Published({}, silent=silent))
    assert line.state is state
    assert ("resolver" in line.remedy) is (state is State.WRONG)


@pytest.mark.parametrize("records", [("v=spf1 mx -all", "v=spf1 -all"), ("v=spf1 +all",), ("v=spf1 ?all",)])
async def test_an_spf_record_that_protects_nothing_is_wrong(records: tuple[str, ...]) -> None:
    assert not right(await maildoctor.spf(DOMAIN, Published({DOMAIN: records})))


async def test_a_revoked_key_is_wrong() -> None:
    known = Published({f"s1._domainkey.{DOMAIN}": ("v=DKIM1; p=",)})
    assert "revoked" in (await maildoctor.dkim(DOMAIN, "s1", known)).said


async def test_the_record_of_the_domain_above_counts_for_dmarc() -> None:
    known = Published({"_dmarc.hopital.fr": ("v=DMARC1; p=none",)})
    assert right(await maildoctor.dmarc("questions.hopital.fr", known))


@pytest.mark.parametrize(("ours", "state"), [(True, State.OK), (False, State.WRONG), (None, State.WRONG)])
async def test_links_have_to_lead_to_us(tmp_path: Path, ours: bool | None, state: State) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=404, headers={"X-Colloque": "page"} if ours else {})

    app = web.Application()
    app.router.add_get("/m/status/doctor", answer)
    async with TestServer(app) as server:
        base = str(server.make_url("")).rstrip("/") if ours is not None else "http://127.0.0.1:9"
        config = _config(tmp_path, "")
        section = config.web.model_copy(update={"public_url": base})
        finding = await maildoctor.links(config.model_copy(update={"web": section}))
    assert finding.state is state


async def test_without_an_address_of_our_own_that_is_advised(tmp_path: Path) -> None:
    assert (await maildoctor.links(_config(tmp_path, ""))).state is State.ADVICE


def test_the_command_names_what_is_wrong_and_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, other = free_port(), free_port()
    sample = Path("config/config.yaml").read_text()
    sample = sample.replace("port: 2524", f"port: {port}").replace("port: 25 ", f"port: {other} ")
    (tmp_path / "config.yaml").write_text(sample)
    (tmp_path / "organisation.yaml").write_text(Path("config/organisation.yaml").read_text())
    monkeypatch.setattr("bridge.mail.dns.NameServers", lambda: Published({}, silent=True))
    ran = CliRunner().invoke(app, ["doctor", "mail", "-c", str(tmp_path / "config.yaml")])
    assert ran.exit_code == 1, ran.output
    assert "SMTP: localhost" in ran.output
    assert f"nothing listens on 127.0.0.1:{port}" in ran.output
    assert "SPF: no name server answers" in ran.output
