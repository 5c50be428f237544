"""What a mail server's answers decide."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from bridge.mail.send import SmtpMailer
from bridge.ports import Ambiguous, Permanent, PortError, Temporary, TransportDown
from tests.mail.servers import BODY, ODD_ADDRESSES, SENDER, Server, World, failure, slow_server, submit


async def test_a_mail_arrives_with_its_exact_bytes(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie")
    assert server.accepted == [(SENDER, ["marie@patients.test"], BODY)]


async def test_a_large_mail_arrives_with_its_exact_bytes(mailer: SmtpMailer, server: Server) -> None:
    message = BODY + b".0123456789" * 6 + b"\r\n" + (b"." + b"x" * 70 + b"\r\n") * 40_000
    await submit(mailer, "marie", message=message)
    assert server.accepted[0][2] == message


async def test_the_null_sender_stays_null(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie", sender="")
    assert server.accepted[0][0] in ("", "<>")


async def test_several_recipients_get_one_mail(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie", "jean")
    assert [recipients for _, recipients, _ in server.accepted] == [
        ["marie@patients.test", "jean@patients.test"]
    ]


@pytest.mark.parametrize(("recipient", "bodies"), [("full", 0), ("late", 1)])
async def test_a_transient_refusal_is_temporary(
    mailer: SmtpMailer, server: Server, recipient: str, bodies: int
) -> None:
    error = await failure(mailer, recipient)
    assert isinstance(error, Temporary)
    assert not isinstance(error, TransportDown)
    assert (server.accepted, server.bodies) == ([], bodies)


@pytest.mark.parametrize(("recipient", "code"), [("gone", "550"), ("large", "552")])
async def test_a_permanent_refusal_keeps_its_code(
    mailer: SmtpMailer, server: Server, recipient: str, code: str
) -> None:
    error = await failure(mailer, recipient)
    assert isinstance(error, Permanent)
    assert error.code == code
    assert server.accepted == []


@pytest.mark.parametrize("recipient", ["busy", "closing"])
async def test_a_server_that_closes_its_service_is_a_transport_that_is_down(
    mailer: SmtpMailer, recipient: str
) -> None:
    assert isinstance(await failure(mailer, recipient), TransportDown)


async def test_a_server_that_wants_a_login_does_not_condemn_the_mail(mailer: SmtpMailer) -> None:
    assert isinstance(await failure(mailer, "login"), TransportDown)


@pytest.mark.parametrize(
    ("recipients", "code"),
    [(("marie", "gone"), "550"), (("gone", "full"), "550"), (("full", "marie", "gone"), "550")],
)
async def test_among_several_recipients_a_permanent_refusal_counts(
    mailer: SmtpMailer, server: Server, recipients: tuple[str, ...], code: str
) -> None:
    error = await failure(mailer, *recipients)
    assert isinstance(error, Permanent)
    assert error.code == code
    accepted = [got for _, got, _ in server.accepted]
    assert accepted == ([["marie@patients.test"]] if "marie" in recipients else [])


async def test_a_transient_refusal_of_one_recipient_is_not_passed_over(
    mailer: SmtpMailer, server: Server
) -> None:
    assert isinstance(await failure(mailer, "marie", "full"), Temporary)
    assert len(server.accepted) == 1


@pytest.mark.parametrize("recipient", ["full", "gone", "late", "large", "busy", "closing", "drop"])
async def test_after_a_failure_the_next_mail_arrives(
    mailer: SmtpMailer, server: Server, recipient: str
) -> None:
    await failure(mailer, recipient)
    await submit(mailer, "marie")
    assert [recipients for _, recipients, _ in server.accepted][-1] == ["marie@patients.test"]


@pytest.mark.parametrize("recipient", ["full", "gone", "late", "large", "busy", "closing"])
async def test_an_error_names_nobody(mailer: SmtpMailer, recipient: str) -> None:
    error = await failure(mailer, recipient)
    assert "@" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize("address", ODD_ADDRESSES)
async def test_a_recipient_that_could_be_read_as_another_is_refused_unasked(
    mailer: SmtpMailer, server: Server, address: str
) -> None:
    with pytest.raises(Permanent) as caught:
        await mailer.send(sender=SENDER, recipients=["marie@patients.test", address], message=BODY)
    assert caught.value.code == "553"
    assert "test" not in str(caught.value)
    assert (server.connections, server.bodies) == ([], 0)


@pytest.mark.parametrize("address", [odd for odd in ODD_ADDRESSES if odd])
async def test_a_sender_that_could_be_read_as_another_is_refused_unasked(
    mailer: SmtpMailer, server: Server, address: str
) -> None:
    with pytest.raises(Permanent):
        await submit(mailer, "marie", sender=address)
    assert server.connections == []


async def test_a_mail_to_nobody_is_an_error(mailer: SmtpMailer) -> None:
    with pytest.raises(ValueError, match="recipient"):
        await submit(mailer)


async def test_a_server_that_drops_after_the_body_may_have_it(mailer: SmtpMailer, server: Server) -> None:
    error = await failure(mailer, "drop")
    assert isinstance(error, Ambiguous)
    assert server.bodies == 1


def _impatient(mailer: SmtpMailer) -> SmtpMailer:
    """Only the reply to a body counts on this short time: all before it may take as long as it takes."""
    mailer._timeout = 0.1
    return mailer


async def test_a_server_that_hangs_after_the_body_may_have_it(mailer: SmtpMailer, server: Server) -> None:
    error = await failure(_impatient(mailer), "hang")
    assert isinstance(error, Ambiguous)
    assert server.bodies == 1


async def test_the_reply_to_the_body_is_waited_for_longer_than_others(world: World, server: Server) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await failure(_impatient(world.mailer(server, timeout=30)), "hang")
    assert 0.9 <= loop.time() - start < 30


@pytest.mark.parametrize("how", ["timeout", "cancelled"])
async def test_a_late_reply_is_never_taken_for_the_reply_to_the_next_mail(how: str) -> None:
    got_body, late = asyncio.Event(), asyncio.Event()
    listening = await slow_server(got_body, late)
    port = listening.sockets[0].getsockname()[1]
    mailer = SmtpMailer(host="127.0.0.1", port=port, tls="none", timeout=5, hostname="bridge.test")
    if how == "timeout":
        _impatient(mailer)
    first = asyncio.create_task(submit(mailer, "marie"))
    async with asyncio.timeout(15):
        await got_body.wait()
        if how == "timeout":
            await asyncio.wait([first])
    first.cancel()
    with pytest.raises((Temporary, asyncio.CancelledError)):
        await first
    late.set()
    assert isinstance(await failure(mailer, "gone"), Permanent)
    await mailer.close()
    listening.close()
    await listening.wait_closed()


async def test_a_cancelled_mail_leaves_the_mailer_usable(mailer: SmtpMailer, server: Server) -> None:
    hanging = asyncio.create_task(submit(mailer, "hang"))
    async with asyncio.timeout(5):
        await server.got_body.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await submit(mailer, "marie")
    assert len(server.connections) == 2
    assert len(server.accepted) == 1


@pytest.mark.parametrize("recipient", ["marie", "late", "large", "drop", "full", "gone", "closing"])
async def test_what_is_noted_of_a_mail_has_ended_before_the_server_has_its_body(
    mailer: SmtpMailer, server: Server, recipient: str
) -> None:
    told: list[int] = []

    async def before_body() -> None:
        await asyncio.sleep(0.05)  # longer than the envelope takes
        told.append(server.bodies)

    with contextlib.suppress(PortError):
        await mailer.send(
            sender=SENDER, recipients=[f"{recipient}@patients.test"], message=BODY, before_body=before_body
        )
    assert told == [0]


async def test_a_mail_that_could_not_be_noted_is_not_offered(mailer: SmtpMailer, server: Server) -> None:
    async def before_body() -> None:
        raise KeyError("the database is away")

    with pytest.raises(KeyError):
        await mailer.send(
            sender=SENDER, recipients=["marie@patients.test"], message=BODY, before_body=before_body
        )
    assert server.bodies == 0
    await submit(mailer, "marie")
    assert len(server.accepted) == 1


@pytest.mark.parametrize("recipient", ["full", "gone", "late", "large", "busy", "closing", "login"])
async def test_an_answered_refusal_is_never_ambiguous(mailer: SmtpMailer, recipient: str) -> None:
    assert not isinstance(await failure(mailer, recipient), Ambiguous)
