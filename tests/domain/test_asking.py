"""Asking on Matrix: the dialogue, what a requester is spared, and that nobody claims their own question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.claim import why_not
from bridge.domain.commands import Command
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.drafting import Dialogue, Fresh, OpenAsked, Relay, TellRequester
from bridge.domain.house import Welcome
from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.places import places
from bridge.domain.question import decide
from bridge.domain.sight import scopes
from bridge.domain.state import Decision, Question, Status
from tests.domain.given import AT_ONCE, CLAIRE, NOW, NURSE, PAUL, bot_asked, kinds, message, only

DERM = ExpertGroup(
    "derm", "Dermatologie", "derm@h.example", (CLAIRE.user_id, PAUL.user_id), Notify.ANNOUNCE, "fr"
)
CARDIO = ExpertGroup("cardio", "Soins du cœur", "c@h.example", (PAUL.user_id,), Notify.INVITE, "fr")
HOUSE = Organisation(
    "H",
    "fr",
    tuple(Practitioner(who.user_id, who.name, "fr") for who in (CLAIRE, PAUL, NURSE)),
    (DERM, CARDIO),
)
POLICY = replace(AT_ONCE, organisation=HOUSE)
GUEST = ev.Author("@marie:h.example", "Marie", ev.Standing.STRANGER)
FRESH = Fresh("q1", "colloque_p_abc", "K7X3M2")
PHOTO = Attachment(Kind.IMAGE, "photo.jpg", "image/jpeg", 10, mxc="mxc://h.example/abc")


class Chat:
    """A bot chat with what is kept between two messages."""

    def __init__(self, author: ev.Author, *, guest: bool = False) -> None:
        self.author, self.guest, self.number = author, guest, 0
        self.dialogue: Dialogue | None = None

    def say(self, text: str, attachment: Attachment | None = None, **more: object) -> Decision:
        self.number += 1
        changes: dict[str, object] = {"guest": self.guest, "fresh": FRESH, "dialogue": self.dialogue}
        changes |= more
        if attachment is not None:
            changes |= {"line": Line(f"${self.number}", text, attachment=attachment), "command": None}
        decision = decide(None, bot_asked(self.author, text, f"${self.number}", **changes), NOW, POLICY)
        self.dialogue = decision.dialogue or self.dialogue
        return decision


def asked_by(author: ev.Author) -> Decision:
    chat = Chat(author)
    chat.say("!question dermatologie Éruption\nDepuis mardi.")
    chat.say("", PHOTO)
    return chat.say("envoyer")


def question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def phrases(decision: Decision) -> list[str]:
    return [
        p.text for told in only(decision, fx.TellAll) if isinstance(told, fx.TellAll) for p in told.phrases
    ]


def test_a_practitioner_asks_a_group_with_words_and_photos() -> None:
    decision = asked_by(NURSE)
    new = question(decision)
    assert (new.status, new.group, new.title) == (Status.WAITING, "derm", "Éruption")
    assert (new.requester, new.address, new.name) == (NURSE.user_id, NURSE.user_id, NURSE.name)
    (opened,) = only(decision, OpenAsked)
    assert isinstance(opened, OpenAsked)
    assert (opened.text, opened.files, opened.heard) == ("Depuis mardi.", (PHOTO,), ("$1", "$2"))
    assert phrases(decision) == ["asking.sent"]
    assert decision.dialogue == Dialogue(NURSE.user_id)


def test_a_message_that_the_order_answers_is_part_of_the_question_with_its_photo() -> None:
    chat = Chat(NURSE)
    forwarded = Line("$f", "Vu ce matin.", attachment=PHOTO)
    begun = chat.say("!question dermatologie Éruption\nÀ revoir ?", quoted=forwarded, reply_to="$f")
    assert phrases(begun) == ["asking.quoted", "asking.begun"]
    (opened,) = only(chat.say("envoyer"), OpenAsked)
    assert isinstance(opened, OpenAsked)
    assert (opened.text, opened.files) == ("Vu ce matin.\nÀ revoir ?", (PHOTO,))
    assert opened.heard == ("$1", "$f")


def test_an_answer_to_what_is_not_theirs_takes_nothing_and_says_so() -> None:
    chat = Chat(NURSE)
    assert phrases(chat.say("!question derm Éruption", reply_to="$b")) == [
        "asking.not_quoted",
        "asking.begun",
    ]
    assert phrases(chat.say("envoyer")) == ["asking.empty"]


def test_a_question_of_a_requester_makes_no_mail_whatever_happens_to_it() -> None:
    decision = asked_by(NURSE)
    answer = decide(decision.question, message(CLAIRE, "$a", "Montrez-moi cela."), NOW, POLICY)
    order = ev.Ordered(message(CLAIRE, "$c", "!clore", internal=True), Command("close"))
    closed = decide(answer.question, order, NOW, POLICY)
    assert isinstance(only(answer, Relay)[0], Relay)
    for made in (decision, answer, closed):
        assert not [plan for plan in made.effects if plan.lane == fx.Lane.MAIL]


def test_the_owners_words_come_in_their_name_and_nothing_else_does() -> None:
    taken = decide(asked_by(NURSE).question, message(CLAIRE, "$a", "Montrez-moi cela."), NOW, POLICY)
    (relay,) = only(taken, Relay)
    assert isinstance(relay, Relay)
    assert (relay.owner_name, [line.text for line in relay.lines]) == (CLAIRE.name, ["Montrez-moi cela."])
    note = decide(taken.question, message(CLAIRE, "$n", "!note eczéma ?", internal=True), NOW, POLICY)
    assert only(note, Relay) == only(note, TellRequester) == []


def test_what_a_requester_says_in_their_room_is_the_patients_word() -> None:
    taken = decide(asked_by(NURSE).question, message(CLAIRE, "$a", "Bonjour"), NOW, POLICY)
    wrote = decide(taken.question, ev.PatientWrote("$w", "Voici.", (PHOTO,), ""), NOW, POLICY)
    assert kinds(wrote)[:2] == ["PostText", "PostFile"]
    unheard = decide(taken.question, ev.RequesterUnheard("$p", "poll"), NOW, POLICY)
    assert kinds(unheard) == ["TellRequester"]


def test_who_takes_it_is_told_that_a_colleague_reads_their_words_and_not_a_patient() -> None:
    taken = decide(asked_by(NURSE).question, message(CLAIRE, "$a", "Montrez-moi cela."), NOW, POLICY)
    (said,) = [say for say in only(taken, fx.Say) if isinstance(say, fx.Say)]
    assert (said.message, said.values["who"]) == ("asked_taken", NURSE.name)
    order = ev.Ordered(message(CLAIRE, "$h", "!aide", internal=True), Command("help"))
    (told,) = only(decide(taken.question, order, NOW, POLICY), fx.SayAll)
    assert isinstance(told, fx.SayAll)
    assert (told.phrases[0].text, told.phrases[0].values["asker"]) == ("bot.asked_help_owner", NURSE.name)


@pytest.mark.parametrize("words", ["cardio Éruption", "Soin: Éruption", "CARD Éruption"])
def test_the_beginning_of_a_groups_name_names_it(words: str) -> None:
    begun = Chat(NURSE).say(f"!question {words}")
    assert begun.dialogue is not None
    assert (begun.dialogue.group, begun.dialogue.title) == ("cardio", "Éruption")


@pytest.mark.parametrize("words", ["car Éruption", "s Éruption", "cardiol Éruption", ""])
def test_what_begins_like_no_group_or_says_too_little_names_none(words: str) -> None:
    assert phrases(Chat(NURSE).say(f"!question {words}")) == ["asking.which_group"]


def test_words_that_are_no_command_are_said_to_have_gone_nowhere_in_a_line() -> None:
    assert phrases(Chat(NURSE).say("Voici la photo.", PHOTO)) == ["bot.unheard"]
    assert phrases(Chat(NURSE).say("!aide"))[0] == "bot.help"


@pytest.mark.parametrize("how", ["hand", "words", "offer"])
def test_nobody_takes_their_own_question(how: str) -> None:
    waiting = question(asked_by(CLAIRE))
    assert why_not(waiting, CLAIRE) == "own_question"
    if how == "hand":
        decision = decide(waiting, ev.HandRaised(CLAIRE, "$h"), NOW, POLICY)
    elif how == "words":
        decision = decide(waiting, message(CLAIRE, "$h", "C'est moi."), NOW, POLICY)
    else:
        taken = decide(waiting, message(PAUL, "$a", "Bonjour"), NOW, POLICY).question
        order = ev.Ordered(
            message(PAUL, "$o", "!transmettre", internal=True), Command("handover", CLAIRE.user_id)
        )
        decision = decide(taken, order, NOW, POLICY)
        assert question(decision).offered_to == ""
    assert question(decision).owner != CLAIRE.user_id
    assert "own_question" in str(decision.effects) or "requester_meant" in str(decision.effects)


def test_a_colleague_of_the_group_takes_it() -> None:
    taken = question(decide(asked_by(CLAIRE).question, ev.HandRaised(PAUL, "$h"), NOW, POLICY))
    assert taken.owner == PAUL.user_id
    shown = {(who, room) for who, _, room in places(taken)}
    assert shown == {(PAUL.user_id, "question:q1"), (CLAIRE.user_id, "asked:q1")}
    assert set(scopes(taken)) == {f"owner:{PAUL.user_id}", f"asked:{CLAIRE.user_id}"}


def test_someone_from_outside_writes_and_chooses_by_number() -> None:
    chat = Chat(GUEST, guest=True)
    assert phrases(chat.say("Bonjour, j'ai une tache.")) == ["asking.choose"]
    assert phrases(chat.say("2")) == ["asking.begun"]
    assert kinds(chat.say("", PHOTO)) == ["React"]
    decision = chat.say("envoyer")
    new = question(decision)
    assert (new.group, new.requester, new.name) == ("cardio", GUEST.user_id, "Marie")
    (opened,) = only(decision, OpenAsked)
    assert isinstance(opened, OpenAsked)
    assert opened.text == "Bonjour, j'ai une tache."


def test_someone_from_outside_changes_the_language_before_and_within() -> None:
    chat = Chat(GUEST, guest=True)
    assert only(chat.say("English"), fx.TellAll)[0].language == "en"  # type: ignore[union-attr]
    chat.say("I have a spot.")
    chat.say("dermatologie")
    sent = chat.say("send")
    assert question(sent).language == "en"


def test_a_guests_words_are_never_taken_for_a_practitioners_command() -> None:
    chat = Chat(GUEST, guest=True)
    for words in ("!attente", "!message @claire", "!groupe derm", "liste", "aide"):
        assert {type(plan.effect) for plan in chat.say(words).effects} <= {fx.TellAll, fx.React}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("!question", "asking.which_group"),
        ("!question neurologie Vertiges", "asking.which_group"),
        ("!question soins du coeur : Palpitations", "asking.begun"),
        ("envoyer", "asking.nothing_begun"),
    ],
)
def test_what_is_said_to_begin_with(words: str, answer: str) -> None:
    assert phrases(Chat(NURSE).say(words)) == [answer]


def test_while_one_writes_a_sentence_that_begins_with_a_command_is_part_of_it() -> None:
    chat = Chat(NURSE)
    chat.say("!question derm Éruption")
    assert kinds(chat.say("Message de la famille : depuis mardi.")) == ["React"]
    assert chat.dialogue is not None
    assert chat.dialogue.lines == ("Message de la famille : depuis mardi.",)
    assert phrases(chat.say("!attente")) == []  # a signed command is one still
    assert phrases(chat.say("!annuler K7X3M2")) == []  # another question's last act
    assert phrases(chat.say("annuler")) == ["asking.cancelled"]
    assert chat.dialogue == Dialogue(NURSE.user_id)


def test_nothing_is_sent_of_nothing() -> None:
    chat = Chat(NURSE)
    chat.say("!question derm")
    assert phrases(chat.say("envoyer")) == ["asking.empty"]


def test_a_guest_who_turns_encryption_on_is_led_elsewhere() -> None:
    event = ev.BotAsked(GUEST, "$e", unreadable="encrypted", guest=True, room_id="!theirs")
    moved = only(decide(None, event, NOW, POLICY), Welcome)
    assert moved == [Welcome("welcome:$e", GUEST.user_id, "fr", "!theirs", guest=True)]


@pytest.mark.parametrize(("guest", "unknown"), [(True, False), (False, True)])
def test_whoever_may_not_ask_gets_no_answer(guest: bool, unknown: bool) -> None:
    event = ev.BotInvited(GUEST, "$i", "!theirs", guest=guest)
    (welcome,) = only(decide(None, event, NOW, POLICY), Welcome)
    assert isinstance(welcome, Welcome)
    assert (welcome.guest, welcome.unknown) == (guest, unknown)
