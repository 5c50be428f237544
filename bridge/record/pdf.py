"""A transcript as PDF: what was said with its photos, the consents, the act record, the files' hashes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from fpdf import FPDF, FontFace, XPos, YPos
from PIL import Image

from bridge.domain.acts import COLLOQUE
from bridge.domain.wording import BY_COLLEAGUE
from bridge.locale import catalogue, text
from bridge.record.transcript import Entry, File, Recorded, Transcript

FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu"
INK, GREY, RULE = (31, 41, 51), (82, 96, 109), (203, 210, 217)
FOR_PROGRAMS = ("events", "event", "input")
"""Details that name something by an ID, for programs: they stand in the JSON."""
CODES = ("how", "code", "act", "judgement")
"""Details whose values are codes of ours."""
TINTS = {"patient": (238, 244, 250), "owner": (255, 255, 255), "colleague": (250, 246, 235)}
NOTE = (255, 248, 220)
WIDEST_MM, TALLEST_MM = 110.0, 120.0
PHOTO_PIXELS = 1400
"""Photos are shown at most this wide or high; the originals go along in the JSON."""


class _Pages(FPDF):
    """A4 pages with a footer that says whose they are."""

    def __init__(self, line: Callable[[], str], page: Callable[[int], str]) -> None:
        super().__init__(format="A4")
        self._line, self._page = line, page
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.glyphs: set[int] = set(self.fonts[FAMILY.lower()].cmap)  # type: ignore[union-attr]
        self.set_margins(18, 16, 18)
        self.set_auto_page_break(auto=True, margin=20)

    def footer(self) -> None:
        """The line at the end of every page."""
        self.set_y(-14)
        self.set_font(FAMILY, "", 7)
        self.set_text_color(*GREY)
        self.cell(0, 5, self._line())
        self.set_x(self.l_margin)
        self.cell(0, 5, self._page(self.page_no()), align="R")


def as_pdf(transcript: Transcript, language: str) -> bytes:
    """The document, in this language; the same transcript gives the same bytes."""
    return _Document(transcript, language).render()


class _Document:
    """One document while it is written."""

    def __init__(self, transcript: Transcript, language: str) -> None:
        self._transcript = transcript
        self._language = language
        self._asker = BY_COLLEAGUE if transcript.by_colleague else {}
        self._zone = ZoneInfo(transcript.time_zone)
        made = self._when(transcript.made_at)
        footer = self._say("footer", reference=transcript.reference, when=made, by=transcript.made_by)
        self._pdf = _Pages(
            lambda: self._shown(footer), lambda number: self._say("page", number=number, of="{nb}")
        )
        if _joins(transcript):
            self._pdf.set_text_shaping(True)  # takes its time, and only some scripts need it
        self._pdf.set_title(f"{transcript.reference} · {transcript.organisation}")
        self._pdf.set_creator("Colloque")
        self._pdf.set_lang(language)
        self._pdf.set_creation_date(transcript.made_at.astimezone(UTC))

    def render(self) -> bytes:
        """Write every part, in order."""
        self._pdf.add_page()
        self._head()
        self._heading("conversation")
        if not self._transcript.entries:
            self._small(self._say("nothing"))
        for entry in self._transcript.entries:
            self._entry(entry)
        if self._transcript.consents:
            self._heading("consents")
            self._acts(self._transcript.consents)
        self._heading("acts")
        self._acts(self._transcript.acts)
        self._files()
        return bytes(self._pdf.output())

    # --- words ---

    def _say(self, key: str, **values: object) -> str:
        return text(self._language, f"transcript.{key}", **self._asker, **values)

    def _named(self, section: str, code: str) -> str:
        """A code's wording, or the code itself for one that has none."""
        key = f"{section}.{code}"
        return text(self._language, key, **self._asker) if key in catalogue(self._language) else code

    def _when(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime(
            "%d/%m/%Y %H:%M" if self._language == "fr" else "%Y-%m-%d %H:%M"
        )

    def _shown(self, words: str) -> str:
        """What the font can show; a sign that it can't is named, never left out."""
        return "".join(letter if self._has(letter) else _name(letter) for letter in words)

    def _has(self, letter: str) -> bool:
        return letter in "\n\t" or ord(letter) in self._pdf.glyphs

    # --- parts ---

    def _head(self) -> None:
        pdf, transcript = self._pdf, self._transcript
        self._font(9, GREY)
        self._line(f"{transcript.organisation} · {transcript.group}", 5)
        self._font(16, INK, bold=True)
        self._line(transcript.title, 8)
        rows = {
            "reference": transcript.reference,
            "patient": f"{transcript.requester} <{transcript.address}>"
            if transcript.address
            else transcript.requester,
            "practitioner": transcript.owner or self._say("nobody"),
            "asked": self._when(transcript.asked_at),
            "status": self._named("status", transcript.status),
            "zone": transcript.time_zone,
        }
        pdf.ln(1)
        for key, value in rows.items():
            self._font(9, GREY)
            pdf.cell(38, 5, self._say(key))
            self._font(9, INK)
            self._line(value, 5)

    def _heading(self, key: str) -> None:
        pdf = self._pdf
        if pdf.get_y() > pdf.h - 45:
            pdf.add_page()
        pdf.ln(5)
        self._font(12, INK, bold=True)
        self._line(self._say(key), 7)
        pdf.set_draw_color(*RULE)
        pdf.line(pdf.l_margin, pdf.get_y(), pdf.w - pdf.r_margin, pdf.get_y())
        pdf.ln(2)

    def _entry(self, entry: Entry) -> None:
        pdf = self._pdf
        if pdf.get_y() > pdf.h - 40:
            pdf.add_page()
        self._font(8.5, INK, bold=True)
        role = self._say(f"role_{entry.role}")
        pdf.cell(0, 5, self._shown(f"{entry.who} · {role}"))
        pdf.set_x(pdf.l_margin)
        self._font(8, GREY)
        pdf.cell(0, 5, self._when(entry.at), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if entry.internal:
            self._small(self._say("internal"))
        if entry.text:
            pdf.set_fill_color(*(NOTE if entry.internal else TINTS.get(entry.role, (245, 245, 245))))
            self._font(9.5, INK)
            pdf.multi_cell(
                0,
                5,
                self._shown(entry.text),
                fill=True,
                align="L",
                padding=(2, 2),
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
            )
        for file in entry.files:
            self._file(file)
        if entry.delivery:
            self._small(self._delivery(entry))
        pdf.ln(3)

    def _delivery(self, entry: Entry) -> str:
        when = self._when(entry.delivered_at) if entry.delivered_at else ""
        return self._say(f"mail_{entry.delivery}", when=when, reason=entry.problem)

    def _file(self, file: File) -> None:
        picture = _picture(file)
        if picture is not None:
            width, height = picture.size
            scale = min(WIDEST_MM / width, TALLEST_MM / height, 25.4 / 72)
            if self._pdf.get_y() + height * scale > self._pdf.h - 24:
                self._pdf.add_page()
            self._pdf.ln(1)
            self._pdf.image(picture, w=width * scale, h=height * scale, alt_text=file.name)
        self._small(self._say("file", name=file.name, kind=file.mimetype, size=_size(file, self._language)))

    def _acts(self, acts: tuple[Recorded, ...]) -> None:
        rows = [(self._when(act.at), act.who, self._named("did", act.did), self._about(act)) for act in acts]
        self._table(("when", "who", "what", "details"), rows, (30, 33, 41, 70))

    def _about(self, act: Recorded) -> str:
        by_itself = act.actor == COLLOQUE  # then the reason is a code of ours, and not somebody's words
        why = self._named("value" if by_itself else "word", act.why) if act.why else ""
        colon = " : " if self._language == "fr" else ": "
        told = [
            f"{self._named('detail', key)}{colon}{self._value(key, value)}"
            for key, value in act.details
            if key not in FOR_PROGRAMS
        ]
        return "\n".join([*([why] if why else []), *told])

    def _value(self, key: str, value: str) -> str:
        if key == "start":
            return self._when(datetime.fromisoformat(value))
        return self._named("value", value) if key in CODES else value

    def _files(self) -> None:
        if not self._transcript.files:
            return
        self._heading("files")
        rows = [
            (file.name, file.mimetype, _size(file, self._language), file.sha256 or self._say("not_kept"))
            for _, file in self._transcript.files
        ]
        self._table(("name", "kind", "size", "hash"), rows, (46, 30, 22, 76))

    def _table(
        self, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], widths: tuple[int, ...]
    ) -> None:
        self._font(7.5, INK)
        self._pdf.set_fill_color(255, 255, 255)
        style = FontFace(emphasis="BOLD", fill_color=(238, 241, 244))
        with self._pdf.table(
            col_widths=widths,
            headings_style=style,
            line_height=4,
            padding=(0.8, 1),
            text_align="LEFT",
            borders_layout="HORIZONTAL_LINES",
        ) as table:
            table.row([self._say(f"column_{column}") for column in columns])
            for row in rows:
                table.row([self._shown(cell) for cell in row])

    # --- small things ---

    def _font(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self._pdf.set_font(FAMILY, "B" if bold else "", size)
        self._pdf.set_text_color(*colour)

    def _line(self, words: str, height: float) -> None:
        self._pdf.multi_cell(0, height, self._shown(words), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    def _small(self, words: str) -> None:
        self._font(7.5, GREY)
        self._line(words, 4)


def _joins(transcript: Transcript) -> bool:
    """Whether some word is in a script whose letters join or run from right to left."""
    words = "".join((transcript.title, transcript.requester, *(entry.text for entry in transcript.entries)))
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in words)


def _name(letter: str) -> str:
    """How a sign that the font lacks is read; marks that only shape their neighbours go."""
    if unicodedata.category(letter) in ("Cc", "Cf", "Mn", "Cs") or "\U0001f3fb" <= letter <= "\U0001f3ff":
        return ""
    name = unicodedata.name(letter, "")
    if not name or name.startswith(("CJK", "HANGUL")):
        return f"[U+{ord(letter):04X}]"
    return f"[{name.lower()}]"


def _picture(file: File) -> Image.Image | None:
    """A photo at the size that a page shows, or ``None`` for anything that isn't one."""
    if file.content is None or not file.mimetype.startswith("image/"):
        return None
    try:
        with Image.open(BytesIO(file.content)) as opened:
            opened.thumbnail((PHOTO_PIXELS, PHOTO_PIXELS))
            picture = opened.convert("RGBA") if opened.mode in ("P", "LA", "PA") else opened.copy()
    except Exception:  # whatever can't be shown is still named, with its hash
        return None
    if picture.mode == "RGBA":
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        return paper
    return picture.convert("RGB")


def _size(file: File, language: str) -> str:
    if file.content is None:
        return "–"
    size, byte = len(file.content), "o" if language == "fr" else "B"
    if size < 1024:
        return f"{size} {byte}"
    return f"{size / 1024:.0f} Ki{byte}" if size < 1 << 20 else f"{size / (1 << 20):.1f} Mi{byte}"
