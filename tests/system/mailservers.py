"""Real mail servers on the loopback interface: Postfix before the bridge, Dovecot with the mailboxes.

Both are Debian's packages with a configuration of their own in a folder that is removed afterwards. Postfix
needs root; Dovecot runs as an ordinary user, so nothing of it outlives the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imap_tools import MailBoxUnencrypted

from bridge.demo.freeport import free_port
from bridge.demo.mailbox import LocalMailbox

PASSWORD = "secret"
START_WITHIN_S = 60.0
HOST = "127.0.0.1"

POSTFIX = """
compatibility_level=3.6
queue_directory={top}/spool
data_directory={top}/data
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
mail_owner=postfix
setgid_group=postdrop
maillog_file={top}/postfix.log
maillog_file_prefixes={prefix}
inet_interfaces=127.0.0.1
inet_protocols=ipv4
myhostname=mx.{domain}
mydestination=
alias_maps=
recipient_delimiter=+
message_size_limit=52428800
virtual_mailbox_domains={domain},{patients}
virtual_mailbox_maps=inline:{{ {{@{domain}=x}},{{@{patients}=x}} }}
virtual_transport={hospital_transport}
transport_maps=inline:{{ {{{patients}=lmtp:inet:127.0.0.1:{dovecot_lmtp}}} }}
bridge_destination_recipient_limit=1
default_transport=error:off
minimal_backoff_time=1s
maximal_backoff_time=3s
queue_run_delay=1s
"""

# Postfix looks again a minute later at a mail that its agent still held as its next try came; it finds it
# when it wakes, every five seconds here.
SERVICES = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 5 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
bridge    unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

DOVECOT = """
protocols = imap lmtp
base_dir = {top}/run
state_dir = {top}/state
log_path = {top}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
mail_location = maildir:{top}/mail/%u
first_valid_uid = 1
imap_idle_notify_interval = 1 min
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={top}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol lmtp {{
  auth_username_format = %{{if;%d;eq;{domain};colloque@{domain};%u}}
  lmtp_save_to_detail_mailbox = no
}}
"""


@contextlib.contextmanager
def open_folder(logs: Path) -> Iterator[Path]:
    """A new folder that every user of this machine may enter, since servers give up root; their logs stay."""
    top = Path(tempfile.mkdtemp(prefix="mailservers-", dir="/tmp"))
    top.chmod(0o755)
    try:
        yield top
    finally:
        for log in top.glob("*/*.log"):
            shutil.copy(log, logs)
        shutil.rmtree(top, ignore_errors=True)


async def _answers(port: int, server: str, log: Path) -> None:
    """Wait until something listens on this port."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(HOST, port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)
    raise TimeoutError(f"{server} did not start; its log is {log}")


class Dovecot:
    """Holds mailboxes: each address that mail comes to has its own, but the hospital's share one."""

    def __init__(self, top: Path, *, domain: str) -> None:
        self.top = top / "dovecot"
        self.imap, self.lmtp = free_port(), free_port()
        self._domain = domain
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it as an ordinary user."""
        user = pwd.getpwnam("dovecot") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for name in ("run", "state", "mail"):
            (self.top / name).mkdir(parents=True, exist_ok=True)
        names = {"user": user.pw_name, "group": grp.getgrgid(user.pw_gid).gr_name, "top": self.top}
        file = self.top / "dovecot.conf"
        file.write_text(
            DOVECOT.format(imap=self.imap, lmtp=self.lmtp, password=PASSWORD, domain=self._domain, **names)
        )
        become: dict[str, Any] = {}
        if os.geteuid() == 0:
            for path in (self.top, *self.top.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
            become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._process = await asyncio.create_subprocess_exec(
            "/usr/sbin/dovecot", "-F", "-c", str(file), **become
        )
        await _answers(self.imap, "Dovecot", self.top / "dovecot.log")
        await _answers(self.lmtp, "Dovecot", self.top / "dovecot.log")

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await self._process.wait()


class Postfix:
    """Takes mail by SMTP: gives the hospital's to the bridge (or a mailbox), the patients' to Dovecot."""

    def __init__(
        self, top: Path, *, domain: str, patients: str, dovecot_lmtp: int, bridge: int | None
    ) -> None:
        self.top = top / "postfix"
        self.smtp = free_port()
        self._values = {
            "top": self.top,
            "prefix": self.top,
            "domain": domain,
            "patients": patients,
            "dovecot_lmtp": dovecot_lmtp,
            "hospital_transport": f"bridge:inet:127.0.0.1:{bridge}"
            if bridge
            else f"lmtp:inet:127.0.0.1:{dovecot_lmtp}",
        }

    async def start(self) -> None:
        """Start it; it is its own daemon."""
        for name in ("spool", "data"):
            (self.top / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.top / "data", "postfix")
        (self.top / "main.cf").write_text(POSTFIX.format(**self._values))
        (self.top / "master.cf").write_text(SERVICES.format(smtp=self.smtp))
        await self._command("start")
        await _answers(self.smtp, "Postfix", self.top / "postfix.log")

    async def stop(self) -> None:
        """End it."""
        await self._command("abort")

    async def _command(self, word: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "/usr/sbin/postfix",
            "-c",
            str(self.top),
            word,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode and word == "start":
            raise RuntimeError(f"postfix {word}: {output.decode(errors='replace')}")

    def deferred(self) -> int:
        """How often a delivery had to be tried again, by its log."""
        return (self.top / "postfix.log").read_text(errors="replace").count("status=deferred")


class RealMailbox(LocalMailbox):
    """The patients' side over real servers: writes by SMTP to Postfix, reads by IMAP from Dovecot."""

    def __init__(self, directory: Path, *, postfix: int, imap: int, addresses: tuple[str, ...]) -> None:
        super().__init__(directory, port=postfix)
        self._imap = imap
        self._addresses = addresses
        self._reading: asyncio.Task[None] | None = None
        self._seen: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Begin to read the mailboxes; Postfix and Dovecot run already."""
        self._reading = asyncio.create_task(self._read_for_ever())

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def submit(self, sender: str, to: str, raw: bytes) -> None:
        """Give Postfix these bytes."""
        await self._submit(sender, to, raw, 30)

    async def _read_for_ever(self) -> None:
        while True:
            for address in self._addresses:
                for sender, raw in await asyncio.to_thread(self._new, address):
                    await self._keep(False, datetime.now(UTC), raw, sender, (address,))
            await asyncio.sleep(0.2)

    def _new(self, address: str) -> list[tuple[str, bytes]]:
        found = []
        with MailBoxUnencrypted(HOST, self._imap).login(address, PASSWORD) as box:
            for uid in box.uids():
                if (address, uid) not in self._seen:
                    self._seen.add((address, uid))
                    raw = bytes(box.client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1])
                    sender = re.search(rb"^Return-Path: <([^>]*)>", raw)
                    found.append((sender[1].decode() if sender else "", raw))
        return found
