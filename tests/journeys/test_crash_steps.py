"""SIGKILL in the middle of what an owner asks for and of what time brings: everything once, all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.demo.hospital import Hospital
from bridge.demo.mailbox import Attached
from bridge.demo.person import Person
from bridge.demo.photos import skin_jpeg
from bridge.demo.stack import NotReady
from bridge.ports import Json
from tests.support.clinic import DOMAIN, PATIENT, Asked, Clinic, body, eventually, hospital, is_card
from tests.support.fragile import PATIENCE_S, dying, mail_with, mails_with, points, said_in, taken, times
from tests.support.opinions import answer, choose, reference_in
from tests.support.service import crash_at, kills

pytestmark = pytest.mark.timeout(900)
SECOND = 1 / 3600
SOON = {"care": {"undo_within_s": 1}}
DECIDING = "kept:matrix decided:matrix"


async def _hears(person: Person, room_id: str, *words: str) -> Json:
    def said(event: Json) -> bool:
        return event["sender"].startswith("@colloque") and all(word in body(event) for word in words)

    return await person.wait_for(room_id, said, deadline_s=PATIENCE_S)


async def _killed(clinic: Clinic, *wanted: str) -> None:
    """The bridge died where it was to, so that what is seen is seen among kills; it dies no more."""

    async def died() -> bool:
        return set(kills(clinic)) >= set(wanted)

    assert await eventually(died, PATIENCE_S), kills(clinic)
    crash_at(clinic, "")

    async def again() -> bool:
        try:
            await clinic.stack.bridge.wait_ready()
        except NotReady:  # it was dying just now
            return False
        return True

    assert await eventually(again, PATIENCE_S)


async def _asks(clinic: Clinic, key: str) -> Asked:
    """A question whose card may be long in coming, since the bridge dies meanwhile."""
    subject = await clinic.write(key, "Est-ce grave ?")
    reader = clinic.members(key)[0]
    waiting = await reader.join(f"#colloque_w_{key}:{DOMAIN}")
    await reader.wait_for(waiting, lambda e: is_card(e, subject), deadline_s=PATIENCE_S)
    return await clinic.found(key, subject)


async def _patient_writes(clinic: Clinic, asked: Asked, words: str) -> None:
    await answer(clinic, await mail_with(clinic, asked, "je regarde"), words)


async def test_a_transcript_comes_once_though_the_bridge_dies_while_it_is_made(tmp_path: Path) -> None:
    async with dying(tmp_path, hospital({"duo": 2}), SOON) as clinic:
        asked, owner, _ = await taken(clinic)
        chat = await clinic.bot_room(owner)
        before = await said_in(owner, chat)
        within = "uploaded:application/pdf uploaded:application/json sent:m.notice sent:m.file"
        crash_at(clinic, f"{within} {points('Export')} {DECIDING}")
        await owner.say(asked.room_id, "!export")
        file = await owner.wait_for(chat, lambda e: body(e).endswith(".json"), deadline_s=PATIENCE_S)
        await _killed(
            clinic,
            *("uploaded application/pdf", "uploaded application/json", "sent m.file", "sent m.notice"),
            *("performed Export", "recorded Export", "kept matrix"),
        )
        await owner.say(chat, "aide")  # lines to one person keep their order: what was to come is there
        await _hears(owner, chat, "clore")
        new = (await said_in(owner, chat)) - before
        assert [times(new, words) for words in (".pdf", ".json", "Voici la transcription")] == [1, 1, 1]
        await _hears(owner, asked.room_id, "La transcription arrive")
        assert times(await said_in(owner, asked.room_id), "La transcription arrive") == 1
        written: dict[str, Any] = json.loads(await owner.download(file["content"]["url"]))
        assert [act["did"] for act in written["acts"]].count("exported") == 1
        assert not [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if "transcription" in m.text]


async def test_silence_is_answered_once_and_kept_among_kills(tmp_path: Path) -> None:
    care = {"care": {"silent_after_h": 6 * SECOND, "remind_after_h": 6 * SECOND, "undo_within_s": 1}}
    async with dying(tmp_path, hospital({"duo": 2}), care) as clinic:
        muted, owner, colleague = await taken(clinic)
        chat = await clinic.bot_room(owner)
        crash_at(clinic, f"{points('KeepMute', 'SayAll', 'TellAll')} sent:m.notice {DECIDING}")
        await owner.say(muted.room_id, "!muet 2 jours")
        await _hears(owner, muted.room_id, "Plus de rappels pour", muted.subject)
        await owner.say(chat, "muet duo")
        await _hears(owner, chat, "Plus de rappels pour", "Duo")
        heard = await _asks(clinic, "duo")
        other = await clinic.bot_room(colleague)
        await _hears(colleague, other, heard.subject, "attend une réponse")
        await owner.say(chat, "sonore duo")
        await _hears(owner, chat, "Les rappels reprennent")
        await owner.say(heard.room_id, "Bonjour, je regarde.")
        await clinic.sealed(heard, owner, PATIENCE_S)
        for asked in (muted, heard):
            await _patient_writes(clinic, asked, "Cela empire.")
        # This one nobody muted: what comes of it would have come of the other before.
        await _hears(owner, chat, heard.subject, "attend votre réponse")
        await _killed(
            clinic,
            *("performed KeepMute", "performed SayAll", "performed TellAll"),
            *("sent m.notice", "kept matrix"),
        )
        said = await said_in(owner, chat)
        assert not any(muted.subject in words for words in said)
        assert not any(heard.subject in words and "attend une réponse" in words for words in said)
        assert [times(said, "Plus de rappels pour"), times(said, "Les rappels reprennent")] == [1, 1]
        assert times(await said_in(owner, muted.room_id), "Plus de rappels pour") == 1
        reminded = [words for words in (await said_in(colleague, other)).elements() if heard.subject in words]
        assert len(reminded) == 1


async def test_what_was_refused_is_sent_again_once_among_kills(tmp_path: Path) -> None:
    async with dying(tmp_path, hospital({"duo": 2}), SOON) as clinic:
        asked, owner, _ = await taken(clinic)
        clinic.stack.mailbox.refuse_next(PATIENT.address)
        said = await owner.say(asked.room_id, "REFUSEE-UNE-FOIS")

        async def marks() -> list[str]:
            found = await owner.messages(asked.room_id, limit=200)
            relations = [e["content"].get("m.relates_to", {}) for e in found if e["type"] == "m.reaction"]
            return [str(one.get("key"))[0] for one in relations if one.get("event_id") == said]

        async def warned() -> bool:
            return "⚠" in await marks()

        assert await eventually(warned, PATIENCE_S)
        crash_at(clinic, f"{points('Answer', 'React', 'ClearMark', 'SayAll', 'Suppress')} {DECIDING}")
        await owner.say(asked.room_id, "!renvoyer")
        await mail_with(clinic, asked, "REFUSEE-UNE-FOIS")
        await owner.wait_for(asked.room_id, lambda e: body(e) == "Renvoyé.", deadline_s=PATIENCE_S)

        async def delivered() -> bool:
            return await marks() == ["✅"]

        assert await eventually(delivered, PATIENCE_S)
        await _killed(clinic, "performed Answer", "performed React", "performed SayAll", "kept matrix")
        lines = await said_in(owner, asked.room_id)
        assert lines["Renvoyé."] == 1
        assert len(mails_with(clinic, asked, "REFUSEE-UNE-FOIS")) == 1


def _with_fallback() -> Hospital:
    place = hospital({"derm": 3, "duo": 2})
    groups = tuple(
        replace(group, fallback="derm") if group.key == "duo" else group
        for group in place.organisation.groups
    )
    return replace(place, organisation=replace(place.organisation, groups=groups))


async def test_a_question_that_nobody_answers_reminds_widens_and_tells_its_patient_once_among_kills(
    tmp_path: Path,
) -> None:
    care = {"remind_after_h": 4 * SECOND, "widen_after_h": 12 * SECOND, "tell_patient_after_h": 20 * SECOND}
    async with dying(tmp_path, _with_fallback(), {"care": care}) as clinic:
        crash_at(clinic, f"{points('Remind', 'Widen', 'TellPatient', 'PostCard')} decided:result")
        asked = await _asks(clinic, "duo")
        await mail_with(clinic, asked, "n'a pas encore reçu de réponse")
        reader, third = clinic.members("duo")[1], clinic.members("derm")[2]
        for person in clinic.members("duo"):
            await _hears(person, await clinic.bot_room(person), asked.subject, "attend une")
        await _hears(third, await clinic.bot_room(third), asked.subject)
        waiting = await third.join(f"#colloque_w_derm:{DOMAIN}")
        await third.wait_for(waiting, lambda e: is_card(e, asked.subject), deadline_s=PATIENCE_S)
        await _killed(clinic, "performed Remind", "performed Widen", "performed TellPatient")
        for person in (clinic.members("duo")[0], reader):
            said = await said_in(person, await clinic.bot_room(person))
            assert (
                sum(n for words, n in said.items() if asked.subject in words and "attend une" in words) == 1
            )
        widened = await said_in(third, await clinic.bot_room(third))
        assert times(widened, asked.subject) == 1
        assert len([e for e in await third.messages(waiting) if is_card(e, asked.subject)]) == 1
        assert len(mails_with(clinic, asked, "n'a pas encore reçu de réponse")) == 1


async def test_a_question_is_reopened_and_archived_once_each_among_kills(tmp_path: Path) -> None:
    async with dying(tmp_path, hospital({"duo": 2}), SOON) as clinic:
        asked, owner, _ = await taken(clinic)
        kinds = (
            "SayAll",
            "Say",
            "React",
            "SetSpeaking",
            "InviteMembers",
            "PostText",
            "Unlist",
            "TellPatient",
        )
        crash_at(clinic, f"{points(*kinds, 'TellPatient')} {DECIDING}")
        await owner.say(asked.room_id, "!clore")
        await mail_with(clinic, asked, "Votre question est close")
        await _patient_writes(clinic, asked, "Encore une chose.")
        await owner.wait_for(asked.room_id, lambda e: body(e) == "Encore une chose.", deadline_s=PATIENCE_S)
        await owner.say(asked.room_id, "!archiver fini")
        await _hears(owner, asked.room_id, "archivée")
        await _killed(
            clinic, "performed SetSpeaking", "performed PostText", "performed Unlist", "performed SayAll"
        )
        said = await said_in(owner, asked.room_id)
        assert [said["Encore une chose."], times(said, "archivée")] == [1, 1]
        assert times(said, "Question close par") == 2
        assert len(mails_with(clinic, asked, "Votre question est close")) <= 2
        space = (await owner.call("GET", f"/v3/directory/room/%23colloque_g_duo%3A{DOMAIN}"))["room_id"]
        child = f"/v3/rooms/{space}/state/m.space.child/{asked.room_id}"
        assert not await owner.call("GET", child)


async def test_a_consent_that_is_taken_back_among_kills_is_closed_and_told_once(tmp_path: Path) -> None:
    async with dying(tmp_path, hospital({"derm": 3, "duo": 2}), SOON) as clinic:
        photo = Attached("bras.jpg", "image/jpeg", skin_jpeg())
        asked = await clinic.ask("duo", "Il a grossi.", (photo,))
        owner = clinic.members("duo")[0]
        await owner.say(asked.room_id, "Bonjour, je regarde.")
        await clinic.sealed(asked, owner, PATIENCE_S)
        preview = await choose(owner, asked, "!avis derm")
        await owner.react(asked.room_id, preview["event_id"], "📮")
        consent = await mail_with(clinic, asked, "souhaite l'avis")
        await answer(clinic, consent, "Oui")
        reference = reference_in(body(await _hears(owner, asked.room_id, "est partie")))
        expert = clinic.members("derm")[2]
        waiting = await expert.join(f"#colloque_w_derm:{DOMAIN}")
        card = await expert.wait_for(waiting, lambda e: is_card(e, reference), deadline_s=PATIENCE_S)
        room_id = await expert.join(body(card).partition("matrix.to/#/")[2].partition("/")[0])
        crash_at(clinic, f"{points('Recall', 'Say', 'TellPatient', 'CloseFormer', 'CloseJoin')} decided:mail")
        await answer(clinic, consent, "Je retire mon accord.")
        await mail_with(clinic, asked, "votre accord est retiré")

        async def out() -> bool:
            return room_id not in (await expert.call("GET", "/v3/joined_rooms"))["joined_rooms"]

        assert await eventually(out, PATIENCE_S)
        await _hears(owner, asked.room_id, "a retiré son accord", reference)
        await _killed(
            clinic, "performed Recall", "performed CloseFormer", "performed TellPatient", "performed Say"
        )
        assert times(await said_in(owner, asked.room_id), "a retiré son accord") == 1
        assert len(mails_with(clinic, asked, "votre accord est retiré")) == 1
