"""The transcript of a question as documents: for people (PDF) and for programs (JSON)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge.domain.content import Document
from bridge.domain.organisation import Organisation
from bridge.ports import Permanent
from bridge.record.gather import Sources, gather
from bridge.record.transcript import Transcript, as_json
from bridge.storage import questions
from bridge.storage.database import Database


def documents_of(transcript: Transcript, language: str, *, files: bool = True) -> tuple[Document, ...]:
    """Both documents, named by the question's reference."""
    from bridge.record.pdf import as_pdf  # fonts and pictures take memory that few processes need

    name = f"colloque-{transcript.reference}"
    return (
        Document(f"{name}.pdf", "application/pdf", as_pdf(transcript, language)),
        Document(f"{name}.json", "application/json", as_json(transcript, files=files)),
    )


@dataclass(frozen=True, slots=True)
class StoredTranscripts:
    """Transcripts from the database."""

    database: Database
    organisation: Organisation
    now: Callable[[], datetime]

    async def documents(
        self, question_id: str, *, language: str, by: str, files: bool = True
    ) -> tuple[Document, ...]:
        """The transcript as it is now. Raises :class:`bridge.ports.Permanent` for an erased question."""
        async with self.database.reading() as connection:
            stored = await questions.load(connection, question_id)
            if stored is None:
                raise Permanent("there is no such question", code="missing")
            sources = Sources(connection, self.organisation, language)
            transcript = await gather(sources, stored.question, made_at=self.now(), made_by=by)
        return await asyncio.to_thread(documents_of, transcript, language, files=files)
