"""What tele-expertise does on Matrix: looks up what was chosen, asks the expert, and notes what they say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from html import escape
from typing import Protocol

from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.drafting import Fresh
from bridge.domain.events import (
    AnswerHandedOver,
    ChoiceGathered,
    OpinionRecalled,
    OpinionTold,
    PatientWrote,
    QuestionAsked,
)
from bridge.domain.opinions import (
    AskMore,
    BringBack,
    Chosen,
    GatherChosen,
    Link,
    NoteOpinion,
    OpenLinked,
    PreviewMarked,
    Recall,
    Recognise,
)
from bridge.domain.wording import BY_COLLEAGUE
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import Handlers, Outlet
from bridge.matrix.parse import read_line
from bridge.matrix.replay import NOTE, SAID
from bridge.ports import Json, Outcome, Permanent, Task

LARGEST = 40 * 1024 * 1024
"""Bytes of a photo that is looked at."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A photo without its metadata. Sizes are in pixels; ``extension`` has no dot."""

    content: bytes
    mimetype: str
    extension: str
    width: int
    height: int


class Materials(Protocol):
    """What choosing needs of the world."""

    async def event(self, room_id: str, event_id: str) -> Json | None:
        """One event as it stands; ``None`` where there is none, or none for us. Raises port errors."""

    async def cleaned(self, content: bytes) -> Cleaned | None:
        """A photo without its metadata, ``None`` if it isn't one that can be opened."""

    async def keep(self, content: bytes, question_id: str) -> None:
        """Keep these bytes, for a question, under their SHA-256."""

    def fresh(self) -> Fresh:
        """Names for a question that may come of it."""


@dataclass(frozen=True, slots=True)
class Expertise:
    """Performs :data:`bridge.domain.opinions.OpinionEffect`."""

    outlet: Outlet
    materials: Materials

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            GatherChosen: self.gather,
            OpenLinked: self.open,
            BringBack: self.bring_back,
            NoteOpinion: self.note,
            AskMore: self.ask_more,
            Recall: self.recall,
            Recognise: self.recognise,
        }

    # --- choosing ---

    async def gather(self, _task: Task, effect: GatherChosen) -> Outcome:
        """Read the chosen events, and nothing else of the room."""
        room_id = await self.outlet.room(f"question:{effect.question_id}")
        chosen: list[Chosen] = []
        problems: list[str] = []
        for target in effect.targets:
            event = await self.materials.event(room_id, target)
            found = await self._read(effect, event, len([one for one in chosen if one.file]) + 1)
            if isinstance(found, Chosen):
                chosen.append(found)
            else:
                problems.append(found)
        gathered = ChoiceGathered(effect.number, tuple(chosen), tuple(problems), self.materials.fresh())
        return Outcome(question_id=effect.question_id, events=(gathered,))

    async def recognise(self, _task: Task, effect: Recognise) -> Outcome:
        """Whether a mark is on the preview that it is meant for."""
        right = await self.outlet.earlier(effect.preview) == effect.target
        marked = PreviewMarked(
            effect.user_id,
            effect.name,
            effect.language,
            effect.standing,
            effect.event_id,
            effect.number,
            right,
        )
        return Outcome(question_id=effect.question_id, events=(marked,))

    async def _read(self, effect: GatherChosen, event: Json | None, number: int) -> Chosen | str:
        """What goes along of an event, or the code of why nothing does."""
        content = _as_it_stands(event) if event else {}
        if not event or not content or event.get("type") not in ("m.room.message", "m.sticker"):
            return "not_found"
        sender = event.get("sender")
        if sender == self.outlet.place.bot and SAID not in content and rooms.COPY_OF not in content:
            return "of_the_bot"
        line, _ = read_line(event, content, "")
        if line is None:
            return "not_words"
        patient = sender == self.outlet.place.ghost(effect.ghost)
        words = line.text.lstrip().removeprefix(NOTE).strip()
        if line.attachment is None:
            return Chosen(patient, words)
        file = await self._photo(effect.question_id, line.attachment, number)
        # A caption goes along as words, like any; a file's own name never does.
        return replace(Chosen(patient, words), file=file) if isinstance(file, Attachment) else file

    async def _photo(self, question_id: str, attachment: Attachment, number: int) -> Attachment | str:
        if attachment.kind is not Kind.IMAGE:
            return "file"
        try:
            raw = await self.outlet.homeserver.download(attachment.mxc, limit=LARGEST)
        except Permanent as error:
            return "too_large" if error.code == "too_large" else "not_found"
        photo = await self.materials.cleaned(raw)
        if photo is None:
            return "photo"
        await self.materials.keep(photo.content, question_id)
        return Attachment(
            Kind.IMAGE,
            f"photo-{number}.{photo.extension}",
            photo.mimetype,
            len(photo.content),
            blob=hashlib.sha256(photo.content).hexdigest(),
            width=photo.width,
            height=photo.height,
        )

    # --- asking ---

    async def open(self, _task: Task, effect: OpenLinked) -> Outcome:
        """The linked question: its words are made here, of what was chosen."""
        language, linked = effect.language, effect.linked
        for one in effect.chosen:
            content = await self.outlet.names.blob(one.file.blob) if one.file else None
            if content is not None:
                await self.materials.keep(content, linked.question_id)
        asked = QuestionAsked(
            question_id=linked.question_id,
            group=effect.group,
            members=effect.members,
            invite_members=effect.invite_members,
            language=language,
            subject=text(language, "opinion.title", who=effect.name),
            address=effect.who,
            name=effect.name,
            text=_words(effect),
            files=tuple(one.file for one in effect.chosen if one.file is not None),
            message_id="",
            token="",
            ghost=linked.ghost,
            reference=linked.reference,
            link=Link(effect.question_id, effect.who, bool(effect.expert), about=effect.about),
        )
        return Outcome(question_id=linked.question_id, events=(asked,))

    async def ask_more(self, _task: Task, effect: AskMore) -> Outcome:
        """What the owner says further enters as any requester's words do."""
        wrote = PatientWrote(effect.key, effect.text, (), "")
        return Outcome(question_id=effect.linked, events=(wrote,))

    async def recall(self, _task: Task, effect: Recall) -> Outcome:
        """To the linked question, which decides what is left to take back."""
        return Outcome(question_id=effect.linked, events=(OpinionRecalled(effect.key, effect.who),))

    # --- what comes back ---

    async def bring_back(self, _task: Task, effect: BringBack) -> Outcome:
        """From the linked question to the one that it is about."""
        told = OpinionTold(effect.key, effect.question_id, effect.message, effect.values, effect.said)
        return Outcome(question_id=effect.origin, events=(told,))

    async def note(self, task: Task, effect: NoteOpinion) -> Outcome:
        """The expert's words as a note, marked as theirs; a next owner's room gets them again."""
        room_id = await self.outlet.room(f"question:{effect.question_id}")
        given, sent = effect.said, []
        for number, line in enumerate(given.lines):
            content = self._noted(effect, line) | {
                SAID: {"sender": given.user_id, "at": int(given.at * 1000), "opinion": effect.linked}
            }
            key = f"{task.key}:{number}"
            sent.append(await self.outlet.send(room_id, content, key=key, doubtful=task.started))
        events = tuple(line.event_id for line in given.lines)
        return Outcome(
            result={"event_id": sent[0] if sent else "", "event_ids": sent},
            question_id=effect.linked,
            events=(AnswerHandedOver(given.number, events),),
        )

    def _noted(self, effect: NoteOpinion, line: Line) -> Json:
        key = "opinion.corrected" if effect.said.correction else "opinion.note"
        asker = BY_COLLEAGUE if effect.by_colleague else {}
        who = text(effect.language, key, who=effect.said.name, reference=effect.reference, **asker)
        if line.attachment is not None:
            file = rooms.file(line.attachment, line.attachment.mxc)
            words = f"{who}\n{line.text}" if line.text else who
            return file | {"body": words}
        shown = escape(line.text).replace("\n", "<br>")
        html = f"<strong>{escape(who)}</strong><blockquote>{shown}</blockquote>"
        return rooms.words(f"{who}\n{line.text}", html, notice=True)


def _as_it_stands(event: Json) -> Json:
    """The content with its author's latest edit (the homeserver bundles it)."""
    content = event.get("content")
    content = content if isinstance(content, dict) else {}
    edit = event.get("unsigned", {}).get("m.relations", {}).get("m.replace")
    if isinstance(edit, dict) and edit.get("sender") == event.get("sender"):
        new = edit.get("content", {}).get("m.new_content")
        return new if isinstance(new, dict) else content
    return content


def _words(effect: OpenLinked) -> str:
    """What the expert reads first: who wants to know what, and the texts that were chosen."""
    language = effect.language
    parts = [text(language, "opinion.intro", who=effect.name)]
    if effect.asks:
        parts.append(effect.asks)
    chosen = [one for one in effect.chosen if one.text]
    for one in chosen:
        patient = one.patient and not effect.by_colleague
        wrote = "opinion.patient" if patient else "opinion.practitioner"
        parts.append(text(language, wrote, text=one.text))
    photos = len([one for one in effect.chosen if one.file is not None])
    if photos:
        parts.append(text(language, "opinion.photos", count=str(photos)))
    return "\n\n".join((*parts, text(language, "opinion.how_to_answer", who=effect.name)))
