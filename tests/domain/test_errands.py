"""What patients ask of the service itself: known only where a mail says nothing else, and never eaten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.arriving import Errand, ErrandAsked
from bridge.domain.delivery import STOPPED
from bridge.domain.errands import errand_in
from bridge.domain.question import decide
from bridge.domain.state import Decision, Question, Status
from tests.domain.given import AT_ONCE, CLAIRE, NOW, after, asked, kinds, message, only

NAME = "Marie Dupont"
TAKEN = (asked(), message(CLAIRE, "$1"), ev.SealCompleted())
ERRANDS = {
    "STOP": Errand.STOP,
    "STOP.": Errand.STOP,
    "Stop e-mails": Errand.STOP,
    "stop mails svp": Errand.STOP,
    "STOP E-MAILS": Errand.STOP,
    "Bonjour,\nje ne veux plus recevoir de mails.\nMerci\nMarie Dupont": Errand.STOP,
    "Ne plus recevoir d'e-mails": Errand.STOP,
    "Désabonnez-moi s'il vous plaît": Errand.STOP,
    "Unsubscribe me, please!": Errand.STOP,
    "no more emails": Errand.STOP,
    "statut": Errand.STATUS,
    "Où en est ma question ?": Errand.STATUS,
    "Status of my question?": Errand.STATUS,
    "What's the status of my question": Errand.STATUS,
    "retirer ma question": Errand.WITHDRAW,
    "Bonjour, je souhaite retirer ma question. Merci beaucoup.\n\nMme Dupont": Errand.WITHDRAW,
    "Je retire ma question. Bien cordialement,\nMarie DUPONT": Errand.WITHDRAW,
    "Please withdraw my question": Errand.WITHDRAW,
    "cancel my question, thanks": Errand.WITHDRAW,
    "In English please": Errand.ENGLISH,
    "English, please.": Errand.ENGLISH,
    "en anglais svp": Errand.ENGLISH,
    "En français s'il vous plaît": Errand.FRENCH,
    "FRANÇAIS": Errand.FRENCH,
}
CLINICAL = (
    "Stop",
    "stop",
    "Je stoppe ?",
    "STOP la crème ?",
    "J'arrête la crème ou je continue ?",
    "Arrêter",
    "Faut-il arrêter les mails du laboratoire ?",
    "Plus de fièvre",
    "Ne plus prendre d'aspirine",
    "Annuler le rendez-vous",
    "Retirer les fils ?",
    "retirer ma question sur le grain de beauté, l'autre reste",
    "L'état de ma peau empire",
    "État stable",
    "statut vaccinal à jour",
    "HIV status?",
    "Le compte rendu est en anglais, ça va ?",
    "Je parle français",
    "Merci",
    "Marie Dupont",
    "Oui",
    "",
    "STOP " * 60,
    "statut\nJ'ai encore mal",
    "in English please, my chest hurts",
)


@pytest.mark.parametrize(("words", "errand"), ERRANDS.items())
def test_an_errand_is_understood_with_greetings_and_the_writers_name_around_it(
    words: str, errand: Errand
) -> None:
    assert errand_in(words, NAME) is errand


@pytest.mark.parametrize("words", CLINICAL)
def test_what_may_be_an_answer_to_the_practitioner_is_never_an_errand(words: str) -> None:
    assert errand_in(words, NAME) is None


def _question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def _ask(errand: Errand, *events: ev.Event, by_link: bool = False) -> Decision:
    before = after(*events).question
    assert before is not None
    words = "🔗" if by_link else "mots du patient"
    return decide(before, ErrandAsked("mail:7", errand, words, "<7@p>", by_link=by_link), NOW, AT_ONCE)


def _told(decision: Decision) -> list[str]:
    return [e.message for e in only(decision, fx.TellPatient) if isinstance(e, fx.TellPatient)]


@pytest.mark.parametrize("errand", Errand)
@pytest.mark.parametrize("status", Status)
def test_an_errand_reopens_nothing_and_keeps_nobody_waiting(errand: Errand, status: Status) -> None:
    before = replace(_question(after(*TAKEN, message(CLAIRE, "$2"))), status=status)
    decision = decide(before, ErrandAsked("mail:7", errand, "x"), NOW, AT_ONCE)
    moved = _question(decision)
    withdrawn = errand is Errand.WITHDRAW and status is Status.WAITING
    assert moved.status is (Status.WITHDRAWN if withdrawn else status)
    assert moved.waits_since == before.waits_since
    assert "PostText" not in kinds(decision)


@pytest.mark.parametrize("errand", [Errand.STATUS, Errand.STOP, Errand.ENGLISH, Errand.WITHDRAW])
def test_the_owner_sees_the_words_that_were_taken_for_an_errand(errand: Errand) -> None:
    said = [e for e in only(_ask(errand, *TAKEN), fx.Say) if isinstance(e, fx.Say)]
    assert [e.values["words"] for e in said] == ["mots du patient"]


@pytest.mark.parametrize("errand", [errand for errand in Errand if errand is not Errand.RESUME])
@pytest.mark.parametrize("status", Status)
def test_wherever_a_question_stands_the_words_are_shown_or_the_question_is_withdrawn(
    errand: Errand, status: Status
) -> None:
    before = replace(_question(after(*TAKEN)), status=status)
    decision = decide(before, ErrandAsked("mail:7", errand, "mots du patient"), NOW, AT_ONCE)
    said = [e.values.get("words") for e in only(decision, fx.Say) if isinstance(e, fx.Say)]
    withdrawn = errand is Errand.WITHDRAW and status is Status.WAITING
    assert said == ([] if withdrawn else ["mots du patient"])


def test_a_waiting_question_is_withdrawn_and_a_taken_one_is_its_owners_to_close() -> None:
    waiting = _ask(Errand.WITHDRAW, asked())
    assert _question(waiting).status is Status.WITHDRAWN
    assert _told(waiting) == ["errand_withdrawn"]
    assert waiting.acts[0].actor == "patient"
    taken = _ask(Errand.WITHDRAW, *TAKEN)
    assert _question(taken).status is Status.TAKEN
    assert _told(taken) == ["errand_withdraw_taken"]


def test_no_more_mails_is_confirmed_by_one_mail_and_nothing_after_it() -> None:
    mails = [plan.effect for plan in _ask(Errand.STOP, *TAKEN).effects if plan.lane == "mail"]
    assert [type(effect) for effect in mails] == [fx.TellPatient, fx.Suppress]
    assert isinstance(mails[1], fx.Suppress)
    assert (mails[1].status, mails[1].wish, mails[1].lifted) == (STOPPED, True, False)


def test_a_page_has_answered_already_so_no_mail_does() -> None:
    assert _told(_ask(Errand.STOP, *TAKEN, by_link=True)) == []
    assert _told(_ask(Errand.ENGLISH, *TAKEN, by_link=True)) == []


def test_mails_are_in_the_patients_language_and_the_room_stays_in_the_groups() -> None:
    spoken = _ask(Errand.ENGLISH, *TAKEN)
    assert [e.language for e in only(spoken, fx.TellPatient) if isinstance(e, fx.TellPatient)] == ["en"]
    answered = decide(_question(spoken), message(CLAIRE, "$3"), NOW, AT_ONCE)
    assert [e.language for e in only(answered, fx.Answer) if isinstance(e, fx.Answer)] == ["en"]
    told = decide(_question(spoken), ev.MailSetAside("mail:8", "empty"), NOW, AT_ONCE)
    assert [e.language for e in only(told, fx.Say) if isinstance(e, fx.Say)] == ["fr"]


def test_an_answer_that_nobody_wanted_says_so_and_only_the_patient_can_change_it() -> None:
    refused = after(*TAKEN, ev.AnswerFailed(1, ("$1",), STOPPED))
    assert "answer_stopped" in [e.message for e in only(refused, fx.Say) if isinstance(e, fx.Say)]
    again = [e for e in only(_ask(Errand.RESUME, *TAKEN), fx.Suppress) if isinstance(e, fx.Suppress)]
    assert [(e.lifted, e.wish) for e in again] == [(True, True)]


def test_whoever_asks_anew_gets_the_acknowledgement_that_they_wanted_none_of_before() -> None:
    decision = after(replace(asked(), resumes=True))
    mails = [type(plan.effect) for plan in decision.effects if plan.lane == "mail"]
    assert mails == [fx.Suppress, fx.Acknowledge]
