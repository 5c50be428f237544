"""What each event means to a question, as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.delivery import SHOWN_AFTER_S
from bridge.domain.question import UnknownQuestion, decide
from bridge.domain.state import THREAD_KEPT, Decision, Policy, Question, Status
from tests.domain.given import (
    AT_ONCE,
    CLAIRE,
    NOW,
    NURSE,
    PAUL,
    QUIET,
    STRANGER,
    after,
    asked,
    kinds,
    message,
    only,
    waiting,
)

SEAL = ["Lock", "CloseJoin", "HideHistory", "RemoveOthers", "CoverExposed", "GrantOwner", "RedactOwn"]
PHOTO = Attachment(Kind.IMAGE, "photo.jpg", "image/jpeg", 3, blob="abc", width=2, height=2)


def _question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


# --- asking ---


def test_a_new_question_gets_its_room_card_listing_and_one_acknowledgement() -> None:
    decision = after(asked(files=(PHOTO,)))
    assert kinds(decision) == [
        "CreateQuestionRoom",
        "JoinGhost",
        "PostText",
        "PostFile",
        "PostCard",
        "ListInSpace",
        "React",
        "Acknowledge",
        "CountWaiting",
    ]
    assert _question(decision).status is Status.WAITING


def test_the_same_question_asked_again_changes_nothing() -> None:
    assert after(asked(), asked()).effects == ()


def test_members_are_invited_only_when_the_group_wants_that() -> None:
    invites = only(after(asked(invite_members=True)), fx.InviteMembers)
    assert [effect.members for effect in invites if isinstance(effect, fx.InviteMembers)] == [
        (CLAIRE.user_id, PAUL.user_id)
    ]


def test_the_patient_of_a_group_without_members_is_told_at_once() -> None:
    (effect,) = only(after(asked(members=())), fx.Acknowledge)
    assert isinstance(effect, fx.Acknowledge)
    assert effect.unattended


def test_a_question_of_only_a_photo_links_its_card_to_the_photo() -> None:
    decision = after(asked(text="", files=(PHOTO,)))
    (card,), (post,) = only(decision, fx.PostCard), only(decision, fx.PostFile)
    assert isinstance(card, fx.PostCard)
    assert card.links_to == post.key


def test_what_could_not_be_read_is_said_in_the_room() -> None:
    (say,) = only(after(asked(problems=("broken_mime",))), fx.Say)
    assert isinstance(say, fx.Say)
    assert (say.message, say.values) == ("mail_problems", {"problems": "broken_mime"})


def test_a_mail_that_cannot_become_a_question_is_answered_with_the_reason() -> None:
    event = ev.MailUnusable("mail:1", "derm", "marie@patients.example", "fr", "empty", "", "<1@x>")
    decision = after(event)
    assert decision.question is None
    (tell,) = only(decision, fx.TellSender)
    assert isinstance(tell, fx.TellSender)
    assert tell.message == "unusable_empty"


def test_an_event_for_a_question_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownQuestion):
        decide(None, message(CLAIRE, "$1"), NOW, AT_ONCE)


# --- the claim ---


def test_the_first_message_of_a_member_takes_the_question_and_is_mailed() -> None:
    decision = after(asked(), message(CLAIRE, "$1"))
    assert _question(decision).owner == CLAIRE.user_id
    assert kinds(decision)[:7] == SEAL
    (answer,) = only(decision, fx.Answer)
    assert isinstance(answer, fx.Answer)
    assert [line.event_id for line in answer.lines] == ["$1"]


def test_a_raised_hand_takes_the_question_and_mails_nothing() -> None:
    decision = after(asked(), ev.HandRaised(CLAIRE, "$1"))
    assert _question(decision).owner == CLAIRE.user_id
    assert only(decision, fx.Answer) == []


def test_the_second_message_is_redacted_and_handed_back_and_never_mailed() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), message(PAUL, "$2", "Moi aussi"))
    assert kinds(decision) == ["RedactEvent", "HandBack"]
    (back,) = only(decision, fx.HandBack)
    assert isinstance(back, fx.HandBack)
    assert back.user_id == PAUL.user_id
    assert back.line == Line("$2", "Moi aussi")
    assert back.values["owner"] == CLAIRE.name


def test_the_second_hand_learns_who_has_the_question() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), ev.HandRaised(PAUL, "$2"))
    assert kinds(decision) == ["HandBack"]


def test_the_owners_own_hand_changes_nothing() -> None:
    assert after(asked(), message(CLAIRE, "$1"), ev.HandRaised(CLAIRE, "$2")).effects == ()


@pytest.mark.parametrize("author", [NURSE, STRANGER])
@pytest.mark.parametrize("how", ["message", "hand"])
def test_nobody_outside_the_group_takes_a_question(author: ev.Author, how: str) -> None:
    event: ev.Event = message(author, "$1") if how == "message" else ev.HandRaised(author, "$1")
    decision = after(asked(), event)
    assert _question(decision).status is Status.WAITING
    assert decision.effects != ()
    assert only(decision, fx.Answer) == []


@pytest.mark.parametrize(
    "event",
    [
        message(CLAIRE, "$1", "!aide", internal=True),
        message(CLAIRE, "$1", "corrigé", replaces=True, relates_to="$0"),
        ev.MemberWrote(CLAIRE, "$1", None, "poll"),
        ev.MemberRedacted(CLAIRE, "$0"),
    ],
)
def test_commands_edits_polls_and_deletions_do_not_take_a_question(event: ev.Event) -> None:
    assert _question(after(asked(), event)).status is Status.WAITING


def test_effects_of_the_patient_keep_the_order_of_the_room() -> None:
    wrote = ev.PatientWrote("mail:2", "Et aussi…", (), "<2@x>")
    before = after(asked(), wrote)
    later = after(asked(), message(CLAIRE, "$1"), wrote)
    assert [plan.conversation for plan in (*before.effects, *later.effects)] == ["q1", "q1"]
    exposed = [effect.exposed for effect in only(before, fx.PostText) if isinstance(effect, fx.PostText)]
    sealed = [effect.exposed for effect in only(later, fx.PostText) if isinstance(effect, fx.PostText)]
    assert (exposed, sealed) == ([True], [False])


# --- the seal ---


def test_an_edit_of_an_exposed_message_is_taken_back_and_quoted() -> None:
    sealed = ev.SealCompleted((("$1", "$copy"),), others=True)
    edit = message(CLAIRE, "$3", "corrigé", replaces=True, relates_to="$1")
    decision = after(asked(), message(CLAIRE, "$1"), sealed, edit)
    assert kinds(decision)[:2] == ["RedactEvent", "PutBack"]


def test_an_edit_that_came_before_the_seal_was_known_is_taken_back_then() -> None:
    edit = message(CLAIRE, "$3", "corrigé", replaces=True, relates_to="$1")
    sealed = ev.SealCompleted((("$1", "$copy"),), others=True)
    decision = after(asked(), message(CLAIRE, "$1"), edit, sealed, policy=QUIET)
    assert kinds(decision) == ["RedactEvent", "PutBack"]
    assert _question(decision).unsettled == ()


def test_a_thread_reply_on_an_exposed_message_is_taken_back_and_still_mailed() -> None:
    sealed = ev.SealCompleted((("$1", "$copy"),), others=True)
    reply = message(CLAIRE, "$3", "suite", relates_to="$1")
    decision = after(asked(), message(CLAIRE, "$1"), sealed, reply)
    assert kinds(decision) == ["RedactEvent", "PutBack", "Answer", "React"]


def test_where_others_ever_read_no_thread_reply_stays_whatever_its_root() -> None:
    sealed = ev.SealCompleted((("$1", "$copy"),), others=True)
    reply = message(CLAIRE, "$3", "suite", relates_to="$colleague")
    decision = after(asked(), message(CLAIRE, "$1"), sealed, reply)
    assert kinds(decision) == ["RedactEvent", "PutBack", "Answer", "React"]


def test_a_thread_reply_sent_during_the_seal_is_taken_back_when_that_is_complete() -> None:
    reply = message(CLAIRE, "$3", "suite", relates_to="$colleague")
    decision = after(asked(), message(CLAIRE, "$1"), reply, ev.SealCompleted((), others=True))
    assert kinds(decision) == ["RedactEvent", "PutBack"]


def test_who_was_always_alone_may_use_threads() -> None:
    reply = message(CLAIRE, "$3", "suite", relates_to="$2")
    decision = after(asked(), message(CLAIRE, "$1"), ev.SealCompleted(), message(CLAIRE, "$2"), reply)
    assert kinds(decision) == ["Answer", "React"]


def test_messages_after_the_seal_stay() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), ev.SealCompleted(), message(CLAIRE, "$2"))
    assert kinds(decision) == ["Answer", "React"]


# --- mail to the patient ---


def test_lines_within_the_quiet_period_become_one_mail() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), message(CLAIRE, "$2"), ev.DraftDue(1), policy=QUIET)
    (answer,) = only(decision, fx.Answer)
    assert isinstance(answer, fx.Answer)
    assert [line.event_id for line in answer.lines] == ["$1", "$2"]


def test_an_edit_and_a_deletion_before_sending_count() -> None:
    decision = after(
        asked(),
        message(CLAIRE, "$1", "un"),
        message(CLAIRE, "$2", "deux"),
        message(CLAIRE, "$3", "UN", replaces=True, relates_to="$1"),
        ev.MemberRedacted(CLAIRE, "$2"),
        ev.DraftDue(1),
        policy=QUIET,
    )
    (answer,) = only(decision, fx.Answer)
    assert isinstance(answer, fx.Answer)
    assert [(line.event_id, line.text) for line in answer.lines] == [("$1", "UN")]


def test_a_draft_that_was_deleted_is_not_mailed() -> None:
    decision = after(
        asked(), message(CLAIRE, "$1"), ev.MemberRedacted(CLAIRE, "$1"), ev.DraftDue(1), policy=QUIET
    )
    assert decision.effects == ()


def test_a_timer_that_rings_twice_mails_once() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), ev.DraftDue(1), ev.DraftDue(1), policy=QUIET)
    assert decision.effects == ()


def test_an_edit_after_sending_says_that_the_mail_is_out() -> None:
    edit = message(CLAIRE, "$2", "x", replaces=True, relates_to="$1")
    decision = after(asked(), message(CLAIRE, "$1"), ev.SealCompleted(), edit)
    assert [effect.message for effect in only(decision, fx.Say) if isinstance(effect, fx.Say)] == [
        "edit_after_sending"
    ]


@pytest.mark.parametrize("kind", ["poll", "encrypted", "call"])
def test_what_mail_cannot_carry_is_told_to_the_owner(kind: str) -> None:
    decision = after(asked(), message(CLAIRE, "$1"), ev.MemberWrote(CLAIRE, "$2", None, kind))
    assert kinds(decision) == ["Say"]


def test_notices_and_commands_of_the_owner_stay_inside() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), message(CLAIRE, "$2", "!aide", internal=True))
    assert only(decision, fx.Answer) == []


def test_a_refused_mail_shows_on_the_message_and_in_words() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), ev.AnswerFailed(1, ("$1",), "550"))
    assert kinds(decision) == ["ClearMark", "React", "Say", "React"]


def test_a_mail_that_leaves_at_once_is_not_shown_as_one_that_waits() -> None:
    settled = (asked(), message(CLAIRE, "$1"), ev.SealCompleted(()))
    for policy, wanted in ((AT_ONCE, SHOWN_AFTER_S), (QUIET, 0.0)):
        said = after(*settled, message(CLAIRE, "$2"), policy=policy)
        (mark,) = [plan for plan in said.effects if isinstance(plan.effect, fx.React)]
        assert (mark.effect.key, mark.delay_s) == ("q1:queued:$2", wanted)


def test_the_delivery_state_of_a_covered_message_shows_on_its_copy() -> None:
    decision = after(
        asked(),
        message(CLAIRE, "$1"),
        ev.SealCompleted((("$1", "$copy"),)),
        ev.AnswerHandedOver(1, ("$1",)),
        ev.MarksDue(1),
    )
    (react,) = only(decision, fx.React)
    assert isinstance(react, fx.React)
    assert react.event_id == "$copy"


@pytest.mark.parametrize("reason", ["unverified", "automatic", "bounced", "empty", "refused"])
def test_mail_that_is_set_aside_is_said_and_never_posted_as_the_patient(reason: str) -> None:
    decision = after(asked(), ev.MailSetAside("mail:2", reason))
    assert kinds(decision) == ["Say"]


def test_references_stay_bounded_and_keep_the_first_mail() -> None:
    question = waiting()
    for number in range(60):
        decision = decide(question, ev.PatientWrote(f"m{number}", "x", (), f"<{number}@x>"), NOW, AT_ONCE)
        question = _question(decision)
    assert len(question.thread) == THREAD_KEPT
    assert question.thread[0] == "<1@patients.example>"
    assert question.thread[-1] == "<59@x>"


# --- for every sequence of events ---

AUTHORS = st.sampled_from([CLAIRE, PAUL, NURSE, STRANGER])
IDS = st.integers(0, 400).map(lambda number: f"${number}")
EVENTS = st.one_of(
    st.builds(message, AUTHORS, IDS, st.sampled_from(["oui", "non"])),
    st.builds(lambda a, i, t: message(a, i, "edit", replaces=True, relates_to=t), AUTHORS, IDS, IDS),
    st.builds(lambda a, i: message(a, i, "!note", internal=True), AUTHORS, IDS),
    st.builds(ev.HandRaised, AUTHORS, IDS),
    st.builds(ev.MemberRedacted, AUTHORS, IDS),
    st.builds(lambda n: ev.PatientWrote(f"mail:{n}", "bonjour", (), f"<{n}@x>"), st.integers(0, 99)),
    st.builds(ev.DraftDue, st.integers(0, 5)),
    st.just(ev.SealCompleted()),
)


@hypothesis_given(st.lists(EVENTS, max_size=30), st.sampled_from([AT_ONCE, QUIET]))
def test_there_is_one_owner_at_most_and_only_the_owners_words_are_mailed(
    events: list[ev.Event], policy: Policy
) -> None:
    question: Question | None = waiting()
    owners: set[str] = set()
    for event in events:
        decision = decide(question, event, NOW, policy)
        question = decision.question
        assert question is not None
        owners |= {question.owner} - {""}
        for effect in only(decision, fx.Answer):
            assert isinstance(effect, fx.Answer)
            for line in effect.lines:
                assert line.text != "!note"
                assert any(
                    e.author.user_id == question.owner
                    for e in events
                    if isinstance(e, ev.MemberWrote) and e.event_id == line.event_id
                )
    assert len(owners) <= 1
    assert owners <= {CLAIRE.user_id, PAUL.user_id}


@hypothesis_given(st.lists(EVENTS, max_size=20))
def test_effect_keys_are_never_used_for_two_different_things(events: list[ev.Event]) -> None:
    question: Question | None = waiting()
    seen: dict[str, fx.Effect] = {}
    fresh = {getattr(e, "event_id", getattr(e, "input_id", str(n))): e for n, e in enumerate(events)}
    for event in fresh.values():
        decision = decide(question, event, NOW, AT_ONCE)
        question = decision.question
        for plan in decision.effects:
            assert seen.setdefault(plan.effect.key, plan.effect) == plan.effect


# --- on record ---


def test_everything_that_happens_goes_on_record_with_who_did_it() -> None:
    question: Question | None = None
    recorded = []
    events: list[ev.Event] = [
        asked(files=(PHOTO,)),
        message(CLAIRE, "$1"),
        ev.AnswerHandedOver(1, ("$1",)),
        ev.PatientWrote("mail:2", "Merci", (), "<2@x>"),
        ev.MailSetAside("mail:3", "bounced"),
        message(CLAIRE, "$2"),
        ev.AnswerFailed(2, ("$2",), "550"),
    ]
    for event in events:
        decision = decide(question, event, NOW, AT_ONCE)
        question = decision.question
        recorded += [(str(act.did), act.actor, act.why) for act in decision.acts]
    assert recorded == [
        ("asked", "patient", ""),
        ("taken", CLAIRE.user_id, ""),
        ("answered", CLAIRE.user_id, ""),
        ("delivered", "colloque", ""),
        ("patient_wrote", "patient", ""),
        ("mail_set_aside", "colloque", "bounced"),
        ("answered", CLAIRE.user_id, ""),
        ("failed", "colloque", "550"),
    ]
