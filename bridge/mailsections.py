"""The sections of config.yaml about mail: their keys, defaults and limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridge.section import Section
from bridge.values import Domain, Host, Name, Port, Secret


class ListenSection(Section):
    """Where mail comes in."""

    protocol: Literal["smtp", "lmtp"] = Field("lmtp", description="What your mail server speaks to us.")
    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(2524, description="TCP port to listen on.")
    max_size_mb: Annotated[int, Field(ge=1, le=200)] = Field(35, description="Largest mail, in MB.")


class SmtpSection(Section):
    """Where mail goes out."""

    host: Host = Field("127.0.0.1", description="Your mail server.")
    port: Port = Field(25, description="Its TCP port.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is protected; none only to this machine."
    )
    username: str = Field("", description="Login, if it wants one.")
    password: Secret | None = Field(None, description="Password of that login.")


class ImapSection(Section):
    """A mailbox that mail is fetched from, where no mail server can deliver to us."""

    host: Host = Field(description="Your mail server.")
    port: Port = Field(993, description="Its TCP port.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "tls", description="How the connection is protected; none only to this machine."
    )
    username: Name = Field(description="Login of the mailbox.")
    password: Secret = Field(description="Password of that login.")
    folder: Name = Field("INBOX", description="Folder that mail comes into.")


class DkimSection(Section):
    """Our own signature on each mail, where no mail server of yours signs."""

    selector: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$")] = Field(
        description="Name of the key, as in SELECTOR._domainkey.DOMAIN."
    )
    domain: Domain | None = Field(None, description="Whose signature it is; mail.domain by default.")
    key: Secret = Field(description="Private RSA key in PEM; best given as key_file, which openssl writes.")


class LimitsSection(Section):
    """How much mail one hour lets in; what is beyond is held, and comes in when its turn has come."""

    of_question: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        60, description="Mails to one question in an hour; further ones are held, and nothing is lost."
    )
    of_sender: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        20, description="New questions of one sender in an hour; further ones are held, and nothing is lost."
    )


class MailSection(Section):
    """E-mail with patients."""

    domain: Domain = Field(description="Domain of the reply addresses.")
    listen: ListenSection = Field(default_factory=ListenSection, description="Where mail comes in.")
    imap: ImapSection | None = Field(None, description="A mailbox that mail is fetched from, too.")
    smtp: SmtpSection = Field(default_factory=SmtpSection, description="Where mail goes out.")
    authserv_id: str = Field(
        "",
        description="Whose Authentication-Results are our mail server's; empty: we verify DKIM and DMARC.",
    )
    verify_senders: bool = Field(
        True, description="Verify by name servers when our mail server gave no verdict."
    )
    limits: LimitsSection = Field(
        default_factory=LimitsSection, description="How much mail one hour lets in."
    )
    dkim: DkimSection | None = Field(None, description="Signs mails where no mail server of yours does.")
    quiet_period_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        20.0, description="Seconds an answer waits, so that an edit still counts."
    )
    max_attachments_mb: Annotated[int, Field(ge=1, le=100)] = Field(
        18, description="Most that one mail's attachments may weigh, in MB."
    )
