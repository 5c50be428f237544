"""Performs what practitioners wish for themselves, and welcomes them on their first morning."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain import wishes
from bridge.domain.commands import SIGN, TABLE
from bridge.domain.organisation import Organisation
from bridge.domain.sight import groups_of
from bridge.locale import text
from bridge.matrix.botchat import BotChat
from bridge.matrix.links import Part, Row, link_to, written
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Outcome, Task

SHOWN = 10
"""Groups that a welcome names; the space shows all of them."""


@dataclass(frozen=True, slots=True)
class Wishing:
    """See :mod:`bridge.domain.wishes`."""

    outlet: Outlet
    organisation: Organisation
    kept: wishes.Wishes

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            wishes.KeepLanguage: self.keep_language,
            wishes.KeepDigest: self.keep_digest,
            wishes.Greet: self.greet,
        }

    async def keep_language(self, task: Task, effect: wishes.KeepLanguage) -> Outcome:
        """From now on in this language, this answer first."""
        await self.kept.set_language(effect.user_id, effect.language)
        return await self._say(task, effect.user_id, effect.language, "wish.language_kept")

    async def keep_digest(self, task: Task, effect: wishes.KeepDigest) -> Outcome:
        """From tomorrow on, or still today."""
        await self.kept.set_digest(effect.user_id, effect.at)
        if effect.at == wishes.OFF:
            return await self._say(task, effect.user_id, effect.language, "wish.digest_off")
        hour = f"{effect.at // 60}:{effect.at % 60:02}"
        command = _command("digest", effect.language)
        return await self._say(
            task, effect.user_id, effect.language, "wish.digest_kept", hour=hour, command=command
        )

    async def _say(self, task: Task, user_id: str, language: str, message: str, **values: str) -> Outcome:
        said = text(language, message, **values)
        await BotChat(self.outlet).tell(task.key, user_id, language, said, doubtful=task.started)
        return Outcome()

    async def greet(self, task: Task, effect: wishes.Greet) -> Outcome:
        """The three things to know, each with what to tap or to write."""
        person = self.organisation.practitioner(effect.user_id)
        if person is None:
            return Outcome()
        language = person.language
        words = {name: _command(name, language) for name in ("help", "digest")}
        parts = [
            Part(text(language, "greet.hello", name=person.name, organisation=self.organisation.name)),
            self._where(effect.user_id, language),
            Part(text(language, "greet.take"), plain=True),
            Part(text(language, "greet.here", **words), plain=True),
            Part(text(language, "greet.other_language"), plain=True),
        ]
        body, html = written(parts)
        await BotChat(self.outlet).tell(task.key, effect.user_id, language, body, html, doubtful=task.started)
        return Outcome()

    def _where(self, user_id: str, language: str) -> Part:
        """Where questions wait: a link for each group."""
        place, groups = self.outlet.place, groups_of(user_id, self.organisation)
        rows = tuple(
            Row(group.called(language), link_to(place, f"w_{group.key}")) for group in groups[:SHOWN]
        )
        return Part(text(language, "greet.where" if rows else "greet.no_group"), rows, plain=True)


def _command(name: str, language: str) -> str:
    return SIGN + next(spec for spec in TABLE if spec.name == name).word(language)
