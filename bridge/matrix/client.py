"""The homeserver's client-server API, as bot or ghost of the application service.

Plain typed calls on one connection pool: every transaction ID, power level and membership is ours
to decide, which a convenience layer that joins, invites or merges on its own would take away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

from bridge.matrix.calls import HomeserverCalls
from bridge.matrix.inside import state_inside
from bridge.ports import Json, Member, Permanent, Temporary, TransportDown


def _q(part: str) -> str:
    """A path segment, slashes included."""
    return quote(part, safe="")


def _nothing_made() -> Callable[[str], None]:
    return lambda _room_id: None


MXC = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]*[A-Za-z0-9\]])/([A-Za-z0-9_-]+)")
"""Server name and media ID; anything else could lead elsewhere (client-server API, "mxc:// URIs")."""


class MatrixClient(HomeserverCalls):
    """The :class:`bridge.ports.Homeserver` of one homeserver."""

    def __init__(
        self, *, url: str, domain: str, as_token: str, bot: str, service_id: str, timeout: float = 60
    ) -> None:
        super().__init__(url, as_token, user_id=f"@{bot}:{domain}", timeout=timeout)
        self._domain = domain
        self._service_id = service_id
        self.bot_id = f"@{bot}:{domain}"
        self.on_making: Callable[[], Callable[[str], None]] = _nothing_made
        """Called before a room is made, and what it returns with the ID of the new room."""

    # --- calling ---

    async def _client(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return await self._call(method, f"/client/v3{path}", body, **options)

    # --- accounts ---

    async def is_registered(self) -> bool:
        """Whether the bot has an account."""
        try:
            await self._client("GET", "/account/whoami")
        except Permanent as error:
            if error.code != "M_FORBIDDEN":
                raise
            return False
        return True

    async def register(self, localpart: str) -> None:
        """Register a ghost or the bot; an existing one is fine."""
        body = {
            "type": "m.login.application_service",
            "username": localpart,
            "inhibit_login": True,
        }
        try:
            await self._call("POST", "/client/v3/register", body, as_user=f"@{localpart}:{self._domain}")
        except Permanent as error:
            if error.code != "M_USER_IN_USE":
                raise

    async def look_without_bot(self) -> None:
        """As long as the bot has no account, ask as the service itself: it may look, too."""
        try:
            await self._client("GET", "/account/whoami")
        except Permanent as error:
            if error.code != "M_FORBIDDEN":
                raise
            self._user_id = ""

    async def set_displayname(self, name: str, *, as_user: str | None = None) -> None:
        """Set the profile's display name when it differs."""
        user = as_user or self.bot_id
        path = f"/profile/{_q(user)}/displayname"
        try:
            if (await self._client("GET", path)).get("displayname") == name:
                return
        except Permanent as error:
            if error.code != "M_NOT_FOUND":
                raise
        await self._client("PUT", path, {"displayname": name}, as_user=as_user)

    async def account_exists(self, user_id: str) -> bool:
        """Whether the homeserver knows this account (its profile, that is).

        Someone of another server that can't be asked counts as unknown. A homeserver that shows
        profiles to nobody says nothing about its own people: they count as known.
        """
        ours = user_id.endswith(f":{self._domain}")
        try:
            await self._client("GET", f"/profile/{_q(user_id)}")
        except TransportDown:
            if ours:
                raise
            await self._call("GET", "/client/versions")  # raises if it is our own homeserver that is away
            return False
        except Permanent as error:
            return ours and error.code == "M_FORBIDDEN"
        return True

    async def default_room_version(self) -> str:
        """The room version this homeserver gives new rooms."""
        capabilities = (await self._client("GET", "/capabilities"))["capabilities"]
        return str(capabilities.get("m.room_versions", {}).get("default", "11"))

    async def room_versions(self) -> frozenset[str]:
        """The room versions that this homeserver has."""
        capabilities = (await self._client("GET", "/capabilities"))["capabilities"]
        return frozenset(capabilities.get("m.room_versions", {}).get("available", {}))

    async def upload_limit(self) -> int | None:
        """How many bytes a file may have; ``None`` when the homeserver doesn't say."""
        limit = (await self._call("GET", "/client/v1/media/config")).get("m.upload.size")
        return limit if isinstance(limit, int) else None

    async def alive(self) -> None:
        """Ask for something that costs nothing. Raises port errors."""
        await self._call("GET", "/client/versions")

    async def ping(self) -> None:
        """Ask the homeserver to ping us back (application service API, ``/ping``)."""
        await self._call("POST", f"/client/v1/appservice/{_q(self._service_id)}/ping", {})

    # --- rooms ---

    async def create_room(self, content: Json) -> str:
        """Create a room; the one that already has its alias is completed and returned instead.

        The homeserver assigns the alias first: a creation that was refused or cut short leaves a
        room without power levels, join rule or invites behind it.
        """
        try:
            return await self._create(content)
        except Permanent as error:
            if error.code != "M_ROOM_IN_USE":
                raise
        alias = f"#{content['room_alias_name']}:{self._domain}"
        room_id = await self.resolve_alias(alias)
        if room_id is None:
            raise Temporary("the room alias is taken and leads nowhere")
        state = await state_inside(self, room_id, self.bot_id)
        if state is None:
            # Only we make these and we never leave one: it was removed, or cut short before we were in.
            await self._client("DELETE", f"/directory/room/{_q(alias)}")
            return await self._create(content)
        there = {(event["type"], event.get("state_key", "")) for event in state}
        for event_type, state_key, body in _first_state(content, alias, self.bot_id):
            if (event_type, state_key) not in there:
                await self.put_state(room_id, event_type, state_key, body)
        return room_id

    async def _create(self, content: Json) -> str:
        made = self.on_making()
        room_id = str((await self._client("POST", "/createRoom", content))["room_id"])
        made(room_id)
        return room_id

    async def resolve_alias(self, alias: str) -> str | None:
        """The room ID behind a full room alias, or ``None``."""
        try:
            return str((await self._client("GET", f"/directory/room/{_q(alias)}"))["room_id"])
        except Permanent as error:
            if error.code == "M_NOT_FOUND":
                return None
            raise

    async def send(
        self, room_id: str, event_type: str, content: Json, *, txn_id: str, as_user: str | None = None
    ) -> str:
        """Send a message event under a deterministic transaction ID."""
        path = f"/rooms/{_q(room_id)}/send/{_q(event_type)}/{_q(txn_id)}"
        return str((await self._client("PUT", path, content, as_user=as_user))["event_id"])

    async def redact(
        self,
        room_id: str,
        event_id: str,
        *,
        txn_id: str,
        reason: str | None = None,
        as_user: str | None = None,
    ) -> str:
        """Redact an event; one that is redacted already is redacted again, which changes nothing."""
        path = f"/rooms/{_q(room_id)}/redact/{_q(event_id)}/{_q(txn_id)}"
        body = {"reason": reason} if reason else {}
        return str((await self._client("PUT", path, body, as_user=as_user))["event_id"])

    async def put_state(
        self, room_id: str, event_type: str, state_key: str, content: Json, *, as_user: str | None = None
    ) -> str:
        """Send a state event."""
        path = f"/rooms/{_q(room_id)}/state/{_q(event_type)}/{_q(state_key)}"
        return str((await self._client("PUT", path, content, as_user=as_user))["event_id"])

    async def state(self, room_id: str) -> list[Json]:
        """All current state events of a room."""
        events: Any = await self._client("GET", f"/rooms/{_q(room_id)}/state")
        return list(events)

    async def state_event(self, room_id: str, event_type: str, state_key: str = "") -> Json | None:
        """The content of one state event, or ``None``."""
        path = f"/rooms/{_q(room_id)}/state/{_q(event_type)}/{_q(state_key)}"
        try:
            content: Json = await self._client("GET", path)
        except Permanent as error:
            if error.code == "M_NOT_FOUND":
                return None
            raise
        return content

    async def event(self, room_id: str, event_id: str) -> Json:
        """One event as the bot sees it; a redacted one has no content. Raises port errors."""
        found: Json = await self._client("GET", f"/rooms/{_q(room_id)}/event/{_q(event_id)}")
        return found

    async def members(self, room_id: str) -> list[Member]:
        """Every member event of the room, whatever the membership."""
        answer = await self._client("GET", f"/rooms/{_q(room_id)}/members")
        return [_member(event) for event in answer["chunk"]]

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite someone; already invited or joined is fine."""
        try:
            await self._client("POST", f"/rooms/{_q(room_id)}/invite", {"user_id": user_id})
        except Permanent as error:
            if await self._membership(room_id, user_id) not in ("join", "invite"):
                raise error from None

    async def _membership(self, room_id: str, user_id: str) -> str:
        content = await self.state_event(room_id, "m.room.member", user_id)
        return str((content or {}).get("membership", "leave"))

    async def join(self, room_id_or_alias: str, *, as_user: str | None = None) -> str:
        """Join as bot or ghost."""
        answer = await self._client("POST", f"/join/{_q(room_id_or_alias)}", {}, as_user=as_user)
        return str(answer["room_id"])

    async def leave(self, room_id: str, *, as_user: str | None = None) -> None:
        """Leave as bot or ghost."""
        await self._client("POST", f"/rooms/{_q(room_id)}/leave", {}, as_user=as_user)

    async def forget(self, room_id: str, *, as_user: str | None = None) -> None:
        """Forget a room that was left, so that a homeserver may delete it."""
        await self._client("POST", f"/rooms/{_q(room_id)}/forget", {}, as_user=as_user)

    async def remove_alias(self, alias: str) -> None:
        """Take an alias of ours away; one that isn't there is fine."""
        try:
            await self._client("DELETE", f"/directory/room/{_q(alias)}")
        except Permanent as error:
            if error.code != "M_NOT_FOUND":
                raise

    async def kick(self, room_id: str, user_id: str, *, reason: str | None = None) -> None:
        """Remove a member or withdraw an invite; someone already out is fine."""
        body = {"user_id": user_id, **({"reason": reason} if reason else {})}
        try:
            await self._client("POST", f"/rooms/{_q(room_id)}/kick", body)
        except Permanent as error:
            if await self._membership(room_id, user_id) not in ("leave", "ban"):
                raise error from None

    async def messages(
        self, room_id: str, *, direction: str = "b", start: str | None = None, limit: int = 50
    ) -> tuple[list[Json], str | None]:
        """One page of ``/messages`` as the bot sees it."""
        query = {"dir": direction, "limit": str(limit)} | ({"from": start} if start else {})
        answer = await self._client("GET", f"/rooms/{_q(room_id)}/messages", query=query)
        return list(answer["chunk"]), answer.get("end")

    async def newest(self, room_id: str, limit: int) -> tuple[list[Json], str | None]:
        """A room's newest ``limit`` events or some more, newest first, and where the page before them is.

        Backwards from now, a homeserver leaves out the newest event as long as it isn't sure to have stored
        all that it began before; a Synapse on SQLite that was killed isn't until it stores another one.
        Forwards, from where that page ends, it tells everything it has.
        """
        page, start = await self.messages(room_id, limit=limit)
        forwards, _ = await self.messages(room_id, direction="f", start=start, limit=2 * limit)
        shown = {event["event_id"] for event in page}
        hidden = [event for event in reversed(forwards) if event["event_id"] not in shown]
        return [*hidden, *page], start

    # --- media ---

    async def upload(
        self, content: bytes, *, mimetype: str, filename: str, as_user: str | None = None
    ) -> str:
        """Upload media and return its ``mxc://`` URI."""
        answer = await self._call(
            "POST",
            "/media/v3/upload",
            as_user=as_user,
            query={"filename": filename},
            data=BytesIO(content),  # read in parts, so that a large file doesn't hold up the loop
            headers={"Content-Type": mimetype},
        )
        return str(answer["content_uri"])

    async def download(self, mxc: str, *, limit: int) -> bytes:
        """Download media (authenticated, Matrix 1.11), at most ``limit`` bytes."""
        match = MXC.fullmatch(mxc)
        if match is None:
            raise Permanent("not the address of a file", code="M_INVALID_PARAM")
        server, media_id = match.groups()
        return await self._file(f"/client/v1/media/download/{_q(server)}/{_q(media_id)}", limit)


def _first_state(content: Json, alias: str, bot: str) -> Iterator[tuple[str, str, Json]]:
    """The state events of a createRoom body, power levels first and invites last."""
    levels = content.get("power_level_content_override")
    if levels is not None:
        yield "m.room.power_levels", "", levels
    for event in content.get("initial_state", ()):
        yield event["type"], event.get("state_key", ""), event["content"]
    given = {event["type"] for event in content.get("initial_state", ())}
    # What the preset private_chat stands for.
    for event_type, body in (
        ("m.room.join_rules", {"join_rule": "invite"}),
        ("m.room.history_visibility", {"history_visibility": "shared"}),
        ("m.room.canonical_alias", {"alias": alias}),
    ):
        if event_type not in given:
            yield event_type, "", body
    if "name" in content:
        yield "m.room.name", "", {"name": content["name"]}
    direct = {"is_direct": True} if content.get("is_direct") else {}
    for user_id in content.get("invite", ()):
        if user_id != bot:
            yield "m.room.member", user_id, {"membership": "invite", **direct}


def _member(event: Json) -> Member:
    content = event.get("content", {})
    membership = str(content.get("membership", "leave"))
    before = event.get("unsigned", {}).get("prev_content", event.get("prev_content")) or {}
    # Without knowledge of what came before, somebody who is out may have been in.
    was_joined = membership == "join" or (
        membership in ("leave", "ban") and before.get("membership") not in ("invite", "knock")
    )
    return Member(str(event["state_key"]), membership, was_joined, content.get("displayname"))
