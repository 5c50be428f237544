"""Mails as patients' clients write them: headers, thread, the words, and what they answer quoted below."""

from __future__ import annotations

import html as html_words
import re
import textwrap
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr, make_msgid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.demo.mailbox import Mail

_DAYS = "lun.,mar.,mer.,jeu.,ven.,sam.,dim."
_MONTHS = "janv.,févr.,mars,avr.,mai,juin,juil.,août,sept.,oct.,nov.,déc."


def headed(to: str, subject: str, from_address: str, from_name: str, original: Mail | None) -> EmailMessage:
    """A mail without words yet; with an original it is an answer in the thread."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = formataddr((from_name, from_address))
    message["To"] = to
    message["Subject"] = _answer_subject(subject or original.subject) if original else subject
    message["Date"] = format_datetime(datetime.now().astimezone())
    message["Message-ID"] = make_msgid(domain=from_address.rpartition("@")[2] or "localhost")
    if original is not None and original.message_id:
        message["In-Reply-To"] = original.message_id
        message["References"] = " ".join(dict.fromkeys((*original.references, original.message_id)))
    return message


def _answer_subject(subject: str) -> str:
    return subject if re.match(r"re\s*:", subject, re.IGNORECASE) else f"Re: {subject}"


def fill(message: EmailMessage, text: str, original: Mail | None) -> None:
    """The words, plain and as HTML; the original below them, quoted."""
    page = '<div dir="ltr">' + html_words.escape(text).replace("\n", "<br>") + "</div>"
    if original is not None:
        attribution = _attribution(original)
        quoted = "\n".join(f"> {line}".rstrip() for line in original.text.splitlines())
        wrapped = textwrap.fill(attribution, 76, break_on_hyphens=False, break_long_words=False)
        text = f"{text}\n\n{wrapped}\n\n{quoted}\n"
        page += (
            f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
            f"{html_words.escape(attribution)}<br></div>"
            f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;'
            f'padding-left:1ex">{_inner_html(original)}</blockquote></div>'
        )
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(page, subtype="html", cte="quoted-printable")


def _attribution(original: Mail) -> str:
    at = original.at.astimezone()
    day = f"{_DAYS.split(',')[at.weekday()]} {at.day} {_MONTHS.split(',')[at.month - 1]} {at.year}"
    author = f"{original.from_name} <{original.from_address}>"
    return f"Le {day} à {at:%H:%M}, {author} a écrit\N{NO-BREAK SPACE}:"


def _inner_html(mail: Mail) -> str:
    body = re.search(r"<body[^>]*>(.*)</body>", mail.html, re.DOTALL | re.IGNORECASE)
    return body[1] if body else mail.html or html_words.escape(mail.text).replace("\n", "<br>")
