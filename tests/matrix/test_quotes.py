"""An owner answers a note in the room: what goes to the patient are their words, not those of the note."""

from __future__ import annotations

import pytest

from bridge.domain.content import Line
from bridge.domain.events import Author, MemberWrote, Standing
from bridge.matrix.asked import _contents
from bridge.matrix.parse import read_event
from bridge.ports import Json

OWNER = Author("@claire:h.example", "Dr Claire", Standing.MEMBER, "fr")
OPINION = "AVIS-DU-CONFRERE"
QUOTE = f'<mx-reply><blockquote><a href="https://matrix.to/#/!r/$n">In reply to</a><br>{OPINION}</blockquote>'
ANSWER = {"m.in_reply_to": {"event_id": "$n"}}


def _line(**content: object) -> Line:
    event: Json = {
        "type": "m.room.message",
        "event_id": "$a",
        "content": {"msgtype": "m.text", "m.relates_to": ANSWER, **content},
    }
    happened = read_event(event, OWNER)
    assert isinstance(happened, MemberWrote)
    assert happened.line is not None
    return happened.line


@pytest.mark.parametrize(
    ("html", "left"),
    [
        (f"{QUOTE}</mx-reply>Bonjour <b>Marie</b>", "Bonjour <b>Marie</b>"),
        (f"{QUOTE.replace('mx-reply', 'MX-Reply')}</MX-Reply >Bonjour <b>Marie</b>", "Bonjour <b>Marie</b>"),
        (f"{QUOTE}Bonjour", ""),
        (f"<mx-reply>{QUOTE}</mx-reply>{OPINION}</mx-reply>Bonjour", ""),
        (f"Bonjour{QUOTE}</mx-reply>{QUOTE}</mx-reply>", ""),
        ("Bonjour <b>Marie</b>", "Bonjour <b>Marie</b>"),
    ],
)
def test_the_formatted_words_lose_what_they_answer(html: str, left: str) -> None:
    body = f"> <@bot:h.example> {OPINION}\n\nBonjour Marie"
    line = _line(body=body, format="org.matrix.custom.html", formatted_body=html)
    assert (line.html, line.text) == (left, "Bonjour Marie")
    assert OPINION not in str(_contents(line))


@pytest.mark.parametrize(
    "quote", [f"> <@bot:h> {OPINION}\n> plus", f"> * <@bot:h> {OPINION}", f"> <@bot:h> avis\n>\n> {OPINION}"]
)
def test_so_do_plain_words_and_what_is_said_of_a_photo(quote: str) -> None:
    words = f"{quote}\n\nBonjour"
    assert _line(body=words).text == "Bonjour"
    photo = _line(msgtype="m.image", url="mxc://h/a", filename="a.jpg", body=words)
    assert photo.text == "Bonjour"
