"""Asking on Matrix: a short dialogue in the chat with the bot, until it is sent or given up.

A practitioner begins with ``!question dermatologie Title``; someone from outside the organisation just
writes, and chooses the group from a list. What they add goes along; ``send`` makes it a question like any.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain import patient
from bridge.domain.answers import told
from bridge.domain.commands import SIGN, TABLE, Command
from bridge.domain.content import Line
from bridge.domain.drafting import Dialogue, OpenAsked, asked_key
from bridge.domain.house import Welcome
from bridge.domain.meant import group_meant
from bridge.domain.organisation import ExpertGroup
from bridge.domain.state import Decision, Policy
from bridge.domain.wishes import language_named

TITLE_LENGTH = 80
MOST_LINES, MOST_FILES = 200, 20
"""A question has an end: more than this belongs into the conversation that follows."""


def taken_up(event: ev.BotAsked, now: datetime, policy: Policy) -> Decision | None:
    """What this means for a question that is being written; ``None`` when it has nothing to do with one."""
    if event.guest and event.unreadable == "encrypted":
        return _encrypted(event)
    dialogue = event.dialogue
    if event.guest and dialogue is not None and dialogue.language:
        event = _speaking(event, dialogue.language)
    order = _order(event)
    if order == "ask":
        return _begin(event, policy)
    if dialogue is None or not dialogue.begun:
        return _greet(event, policy) if event.guest else None
    match order:
        case "send":
            return _send(event, dialogue, now, policy)
        case "cancel" | "undo" if not _argument(event):
            return _told(event, _cleared(dialogue), "cancelled")
        case "":
            return _add(event, dialogue, policy)
        case _:
            return None


def nothing_begun(
    event: ev.BotAsked, _command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``send`` or ``cancel`` without a question that is being written."""
    return told(event, fx.Phrase("asking.nothing_begun", _words(event)))


def _order(event: ev.BotAsked) -> str:
    """The command that this is, if it is meant as one: a text may just begin with such a word."""
    command = event.command
    if not isinstance(command, Command):
        return ""
    alone = command.name in ("send", "cancel", "undo") and not command.argument
    if event.guest:
        return command.name if alone else ""
    begun = event.dialogue is not None and event.dialogue.begun
    signed = event.line is not None and event.line.text.lstrip().startswith(SIGN)
    return command.name if signed or alone or not begun else ""


def _argument(event: ev.BotAsked) -> str:
    return event.command.argument if isinstance(event.command, Command) else ""


# --- beginning ---


def _begin(event: ev.BotAsked, policy: Policy) -> Decision:
    """``!question dermatologie Title``, with words on the lines below, and the message that it answers."""
    assert isinstance(event.command, Command)
    groups = policy.organisation.groups
    first, _, rest = event.command.argument.partition("\n")
    chosen = group_meant(first, groups)
    if chosen is None:
        keys = ", ".join(group.key for group in groups)
        return Decision(None, told(event, fx.Phrase("asking.which_group", {"groups": keys, **_words(event)})))
    group, title = chosen
    dialogue = replace(_fresh(event), group=group.key, title=_shortened(title), heard=(event.event_id,))
    if event.quoted is not None:
        dialogue = _with(dialogue, event.quoted)
    if rest.strip():
        dialogue = _with(dialogue, Line(event.event_id, rest.strip()))
    begun = _told(event, dialogue, "begun", group=group.called(event.author.language))
    if not event.reply_to:
        return begun
    note = fx.Phrase("asking.not_quoted" if event.quoted is None else "asking.quoted", {})
    phrase = fx.Phrase("asking.begun", {"group": group.called(event.author.language), **_words(event)})
    return replace(begun, effects=told(event, note, phrase))


def _fresh(event: ev.BotAsked) -> Dialogue:
    """Nothing written yet; the names of what may become of it are chosen already."""
    assert event.fresh is not None
    kept = event.dialogue or Dialogue(event.author.user_id)
    return Dialogue(
        user_id=kept.user_id,
        version=kept.version,
        language=kept.language,
        question_id=event.fresh.question_id,
        ghost=event.fresh.ghost,
        reference=event.fresh.reference,
    )


def _greet(event: ev.BotAsked, policy: Policy) -> Decision:
    """Someone from outside writes: their words are kept, and they choose a group."""
    groups = policy.organisation.groups
    if not groups:
        return Decision(None, told(event, fx.Phrase("asking.nobody", {})))
    spoken = _language(event)
    if spoken:
        kept = replace(event.dialogue or Dialogue(event.author.user_id), language=spoken)
        return _told(_speaking(event, spoken), kept, "hello")
    if event.line is None:
        return Decision(None, told(event, fx.Phrase("asking.hello", _words(event))))
    dialogue = _with(_fresh(event), event.line)
    if len(groups) == 1:
        name = groups[0].called(event.author.language)
        return _told(event, replace(dialogue, group=groups[0].key), "begun", group=name)
    return _choosing(event, dialogue, groups, "choose")


def _choosing(
    event: ev.BotAsked, dialogue: Dialogue, groups: tuple[ExpertGroup, ...], message: str
) -> Decision:
    language = event.author.language
    listed = "\n".join(f"{number}. {group.called(language)}" for number, group in enumerate(groups, 1))
    return _told(event, dialogue, message, groups=listed)


# --- going on ---


def _add(event: ev.BotAsked, dialogue: Dialogue, policy: Policy) -> Decision:
    spoken = _language(event)
    if spoken:
        changed, speaking = replace(dialogue, language=spoken), _speaking(event, spoken)
        if not dialogue.group:
            return _choosing(speaking, changed, policy.organisation.groups, "choose")
        return _told(speaking, changed, "more")
    if event.line is None:
        return _told(event, dialogue, "unreadable")
    if not dialogue.group:
        return _choose(event, dialogue, event.line, policy)
    if len(dialogue.lines) >= MOST_LINES or len(dialogue.files) >= MOST_FILES:
        return _told(event, dialogue, "full")
    conversation = f"bot:{dialogue.user_id}"
    mark = fx.React(f"added:{event.event_id}", conversation, event_id=event.event_id, symbol="📎")
    return Decision(None, (fx.Planned(mark, conversation),), dialogue=_with(dialogue, event.line))


def _choose(event: ev.BotAsked, dialogue: Dialogue, line: Line, policy: Policy) -> Decision:
    """A number or a name chooses the group; anything else is part of the question."""
    groups = policy.organisation.groups
    said = line.text.strip().rstrip(".)")
    group: ExpertGroup | None = None
    if said.isascii() and said.isdigit() and 1 <= int(said) <= len(groups):
        group = groups[int(said) - 1]
    elif (found := group_meant(said, groups)) and not found[1]:
        group = found[0]
    if group is None:
        return _choosing(event, _with(dialogue, line), groups, "choose_again")
    return _told(
        event, replace(dialogue, group=group.key), "begun", group=group.called(event.author.language)
    )


def _with(dialogue: Dialogue, line: Line) -> Dialogue:
    """The dialogue with what this line says."""
    files = dialogue.files if line.attachment is None else (*dialogue.files, line.attachment)
    lines = (*dialogue.lines, line.text) if line.text.strip() else dialogue.lines
    return replace(
        dialogue, lines=lines, files=files, heard=tuple(dict.fromkeys((*dialogue.heard, line.event_id)))
    )


def _send(event: ev.BotAsked, dialogue: Dialogue, now: datetime, policy: Policy) -> Decision:
    """What was written becomes a question."""
    groups = policy.organisation.groups
    group = next((group for group in groups if group.key == dialogue.group), None)
    if group is None:
        return _choosing(event, dialogue, groups, "choose_again")
    if not dialogue.lines and not dialogue.files:
        return _told(event, dialogue, "empty")
    asked = _question(event, dialogue, group)
    decided = patient.asked(None, asked, now, policy)
    opened = [_opened(planned, asked, dialogue) for planned in decided.effects]
    sent = _told(event, _cleared(dialogue), "sent", title=asked.subject, reference=dialogue.reference)
    return replace(decided, effects=(*opened, *sent.effects), dialogue=sent.dialogue)


def _question(event: ev.BotAsked, dialogue: Dialogue, group: ExpertGroup) -> ev.QuestionAsked:
    words = "\n".join(dialogue.lines)
    title = dialogue.title or _shortened(words.strip().partition("\n")[0]) or group.name
    return ev.QuestionAsked(
        question_id=dialogue.question_id,
        group=group.key,
        members=tuple(member for member in group.on_duty if member != dialogue.user_id),
        invite_members=group.notify == "invite",
        language=dialogue.language or event.author.language,
        subject=title,
        address=dialogue.user_id,
        name=event.author.name,
        text=words,
        files=dialogue.files,
        message_id="",
        token="",
        ghost=dialogue.ghost,
        reference=dialogue.reference,
        requester=dialogue.user_id,
    )


def _opened(planned: fx.Planned, asked: ev.QuestionAsked, dialogue: Dialogue) -> fx.Planned:
    """In the place of the acknowledgement by mail, the requester's room."""
    effect = planned.effect
    if not isinstance(effect, fx.Acknowledge):
        return planned
    opened = OpenAsked(
        effect.key,
        effect.question_id,
        asked.requester,
        effect.group,
        effect.language,
        effect.subject,
        effect.reference,
        effect.unattended,
        asked.text,
        asked.files,
        (*dialogue.heard,),
    )
    return fx.Planned(opened, asked_key(effect.question_id))


# --- saying ---


def _told(event: ev.BotAsked, dialogue: Dialogue, message: str, **values: str) -> Decision:
    phrase = fx.Phrase(f"asking.{message}", {**values, **_words(event)})
    return Decision(None, told(event, phrase), dialogue=dialogue)


def _words(event: ev.BotAsked) -> dict[str, str]:
    """The words to say next, in the language of who is asked to."""
    language = event.author.language
    words = {spec.name: spec.word(language) for spec in TABLE if spec.name in ("ask", "send", "cancel")}
    return {**words, "ask": SIGN + words["ask"]}


def _language(event: ev.BotAsked) -> str:
    """The language that someone from outside names, alone on a line."""
    return language_named(event.line.text) if event.guest and event.line else ""


def _speaking(event: ev.BotAsked, language: str) -> ev.BotAsked:
    return replace(event, author=replace(event.author, language=language))


def _cleared(dialogue: Dialogue) -> Dialogue:
    return Dialogue(dialogue.user_id, dialogue.version, dialogue.language)


def _shortened(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def _encrypted(event: ev.BotAsked) -> Decision:
    """Someone turned encryption on in their own room: there is no way back, so we talk elsewhere."""
    author = event.author
    move = Welcome(f"welcome:{event.event_id}", author.user_id, author.language, event.room_id, guest=True)
    return Decision(None, (fx.Planned(move, f"bot:{author.user_id}"),))
