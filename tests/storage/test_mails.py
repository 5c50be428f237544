"""Mails as they are kept, turns and suppressed addresses: one contract for both databases."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.effects import Planned, Say, TellPatient
from bridge.domain.keeping import MANY
from bridge.storage import inbox, mails, outbox, suppressed, turns
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival, Input

QUESTION = "a" * 16
OTHER = "b" * 16


async def _kept(database: Database, *keys: str, conversation: str = QUESTION) -> None:
    rows = [Arrival(key, "mail", conversation, f"raw {key}".encode()) for key in keys]
    async with database.transaction() as connection:
        await inbox.put(connection, rows, 1.0)


async def _input(database: Database, key: str) -> Input:
    async with database.reading() as connection:
        found = await inbox.by_key(connection, key)
    assert found is not None
    return found


async def _held(database: Database, reason: str, *keys: str) -> None:
    for key in keys:
        number = (await _input(database, key)).id
        async with database.transaction() as connection:
            await inbox.quarantine(connection, number, reason)


async def test_a_mail_is_found_by_what_was_made_of_it(database: Database) -> None:
    await _kept(database, "mail:1", "mail:2")
    made = [("first:text", "$1"), ("mail:2:text", "$2")]
    async with database.transaction() as connection:
        for name, event_id in made:
            say = Say(f"{QUESTION}:{name}", QUESTION, "mail_empty", "fr")
            await outbox.add(connection, [Planned(say, QUESTION)], 1.0)
            row = await outbox.head(connection, (QUESTION, "matrix"))
            assert row is not None
            await outbox.finish(connection, row.id, {"event_id": event_id}, 1.0)
    async with database.reading() as connection:
        found = [await mails.behind(connection, QUESTION, event_id) for _, event_id in made]
        assert found == ["mail:1", "mail:2"]
        assert await mails.behind(connection, QUESTION, "$_") == ""
        assert await mails.latest(connection, QUESTION) == "mail:2"
        assert await mails.latest(connection, OTHER) == ""
        assert await mails.raw(connection, QUESTION, "mail:1") == b"raw mail:1"
        assert await mails.raw(connection, OTHER, "mail:1") == b""


async def test_a_held_mail_is_let_in_or_put_away_and_one_of_another_question_is_not_touched(
    database: Database,
) -> None:
    await _kept(database, "mail:1", "mail:2")
    await _kept(database, "mail:3", conversation=OTHER)
    await _held(database, "unverified", "mail:1", "mail:2", "mail:3")
    async with database.transaction() as connection:
        await mails.settle(connection, QUESTION, "mail:1", True, 2.0)
        await mails.settle(connection, QUESTION, "mail:2", False, 2.0)
        await mails.settle(connection, QUESTION, "mail:3", True, 2.0)
    assert [(await _input(database, f"mail:{n}")).status for n in (1, 2, 3)] == [
        "pending",
        "done",
        "quarantined",
    ]
    assert (await _input(database, "mail:2")).payload == b"raw mail:2"


async def test_what_is_held_because_there_is_much_comes_in_together_and_nothing_else_does(
    database: Database,
) -> None:
    await _kept(database, "mail:1", "mail:2", "mail:3")
    await _held(database, MANY, "mail:1", "mail:2")
    await _held(database, "unverified", "mail:3")
    async with database.transaction() as connection:
        await mails.let_in(connection, QUESTION, 2.0)
    assert [(await _input(database, f"mail:{n}")).status for n in (1, 2, 3)] == [
        "pending",
        "pending",
        "quarantined",
    ]


async def test_turns_are_given_away_so_many_to_an_hour_and_a_mail_keeps_its_own(database: Database) -> None:
    async def take(key: str, now: float, scope: str = "question:x") -> tuple[float, bool]:
        async with database.transaction() as connection:
            return await turns.take(connection, key, scope, 2, now)

    assert [await take(f"m{n}", 10.0 + n) for n in range(5)] == [
        (10.0, True),
        (11.0, True),
        (3610.0, True),
        (3611.0, False),
        (7210.0, False),
    ]
    assert await take("m2", 5000.0) == (3610.0, True)
    assert await take("other", 14.0, "question:y") == (14.0, True)


async def test_an_input_that_is_taken_back_does_not_wait_for_its_turn_any_more(database: Database) -> None:
    await _kept(database, "mail:1")
    await _held(database, MANY, "mail:1")
    async with database.transaction() as connection:
        await turns.take(connection, "earlier", "s", 1, 10.0)
        assert (await turns.take(connection, "mail:1", "s", 1, 11.0))[0] == 3610.0
        assert await inbox.take_back(connection, (await _input(database, "mail:1")).id, 20.0)
    async with database.transaction() as connection:
        assert (await turns.take(connection, "mail:1", "s", 1, 21.0))[0] == 20.0


def test_a_senders_address_is_not_kept_where_turns_are_counted() -> None:
    assert "marie" not in turns.scope_of("sender", "marie@p.example")
    assert turns.scope_of("sender", " Marie@P.example") == turns.scope_of("sender", "marie@p.example")


async def test_an_address_is_suppressed_until_it_is_lifted_whatever_its_case(database: Database) -> None:
    async with database.transaction() as connection:
        await suppressed.add(connection, "Marie@P.example", QUESTION, "5.1.1", 1.0)
        await suppressed.add(connection, "marie@p.example", OTHER, "5.2.2", 2.0)
        await suppressed.add(connection, "paul@p.example", OTHER, "5.2.2", 3.0)
    async with database.reading() as connection:
        assert await suppressed.status(connection, "MARIE@p.example") == "5.1.1"
        assert await suppressed.status(connection, "eve@p.example") == ""
        assert [one.address for one in await suppressed.listed(connection)] == [
            "paul@p.example",
            "marie@p.example",
        ]
    async with database.transaction() as connection:
        assert await suppressed.lift(connection, " Marie@p.example ")
        assert not await suppressed.lift(connection, "marie@p.example")
    async with database.reading() as connection:
        assert await suppressed.status(connection, "marie@p.example") == ""


async def test_who_wants_no_mail_gets_none_until_they_wish_so_themselves(database: Database) -> None:
    async with database.transaction() as connection:
        await suppressed.add(connection, "marie@p.example", QUESTION, "5.2.2", 1.0)
        await suppressed.stop(connection, "Marie@p.example", OTHER, 2.0)
        await suppressed.stop(connection, "marie@p.example", OTHER, 3.0)
        await suppressed.add(connection, "marie@p.example", QUESTION, "5.1.1", 4.0)
        assert not await suppressed.lift(connection, "marie@p.example", stopped=False)
    async with database.reading() as connection:
        assert await suppressed.status(connection, "marie@p.example") == "stopped"
    async with database.transaction() as connection:
        assert await suppressed.lift(connection, "marie@p.example", stopped=True)
        await suppressed.add(connection, "marie@p.example", QUESTION, "5.2.2", 5.0)
        assert await suppressed.lift(connection, "marie@p.example", stopped=False)


async def test_the_next_mail_of_a_lane_knows_whether_its_address_gets_any(database: Database) -> None:
    def tell(key: str, address: str) -> Planned:
        told = TellPatient(key, "q", "derm", "fr", address, "Marie", "T", "K7X3M2", "t", "closed", ())
        return Planned(told, "q")

    async def heads(connection: AsyncConnection) -> list[str]:
        found = []
        for key in ("k1", "k2"):
            row = await outbox.head(connection, ("q", "mail"))
            assert row is not None
            assert row.key == key
            found.append(row.suppressed)
            await outbox.finish(connection, row.id, {}, 1.0)
        return found

    async with database.transaction() as connection:
        await suppressed.stop(connection, "marie@p.example", "q", 1.0)
        await outbox.add(connection, [tell("k1", "Marie@p.example"), tell("k2", "eve@p.example")], 1.0)
    assert await database.write(heads) == ["stopped", ""]
