"""Where a question stands in personal spaces follows its life, whatever path it takes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.house import Section, ShowInSpace, TakeFromSpace
from bridge.domain.places import Place, moved, places
from bridge.domain.state import Question, Status
from tests.domain.given import CLAIRE, PAUL, after, asked, message, waiting


def _taken(owner: str = CLAIRE.user_id) -> Question:
    return replace(waiting(), status=Status.TAKEN, owner=owner)


def _listed(spaces: frozenset[Place], before: Question | None, now: Question, turn: int) -> frozenset[Place]:
    """What the spaces list after a change, as the homeserver would."""
    for planned in moved(before, now, turn):
        match planned.effect:
            case ShowInSpace(_, user_id, section, room):
                spaces |= {(user_id, section, room)}
            case TakeFromSpace(_, user_id, section, room):
                spaces -= {(user_id, section, room)}
    return spaces


def test_a_waiting_question_is_in_nobodys_space() -> None:
    assert moved(None, waiting(), 0) == ()


def test_a_question_that_is_taken_is_shown_to_its_owner_only() -> None:
    claim = after(asked(), message(CLAIRE, "$1")).question
    assert claim is not None
    (planned,) = moved(waiting(), claim, 3)
    assert planned.effect == ShowInSpace(
        f"q1:house:3:+{CLAIRE.user_id}:questions", CLAIRE.user_id, Section.QUESTIONS, "question:q1"
    )
    assert planned.conversation == f"personal:{CLAIRE.user_id}"


def test_another_owner_takes_it_over_in_their_space() -> None:
    effects = [planned.effect for planned in moved(_taken(), _taken(PAUL.user_id), 4)]
    assert [type(effect) for effect in effects] == [TakeFromSpace, ShowInSpace]
    assert [effect.user_id for effect in effects] == [CLAIRE.user_id, PAUL.user_id]  # type: ignore[union-attr]


def test_what_changes_nothing_of_that_moves_nothing() -> None:
    assert moved(_taken(), replace(_taken(), sealed=True), 5) == ()


OWNERS = st.sampled_from(["", CLAIRE.user_id, PAUL.user_id])


@given(st.lists(st.tuples(OWNERS, st.sampled_from(list(Status))), max_size=8))
def test_after_any_life_the_spaces_show_it_exactly_where_it_belongs(life: list[tuple[str, Status]]) -> None:
    question, spaces = waiting(), frozenset[Place]()
    keys: set[str] = set()
    for turn, (owner, status) in enumerate(life):
        changed = replace(question, owner=owner, status=status)
        planned = [plan.effect.key for plan in moved(question, changed, turn)]
        assert not keys & set(planned)
        keys |= set(planned)
        spaces = _listed(spaces, question, changed, turn)
        question = changed
    assert spaces == places(question)
