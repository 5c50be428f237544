"""How mail programs write the earlier mail below an answer, and an answer to try them with."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROGRAMS = tomllib.loads((Path(__file__).parent / "clients.toml").read_text())
FRENCH: dict[str, str] = _PROGRAMS["french"]
OTHERS: dict[str, str] = _PROGRAMS["others"]
MARKER = "── Répondez au-dessus de cette ligne ──"
BODY = """\
Bonjour Madame,

Depuis quand avez-vous de la fièvre ? Prenez-vous un traitement ?
Merci d'envoyer une photo de l'éruption.

Dr Léa Martin
Réseau de santé — ne répondez pas en cas d'urgence, appelez le 15."""
REPLY = """\
Bonjour docteur,

J'ai de la fièvre depuis lundi (38,5 °C).
Je prends du Doliprane : 1 g trois fois par jour.

Merci d'avance"""


def written(template: str, *, reply: str = REPLY, marker: bool = True) -> str:
    """An answer above the earlier mail as this program writes it."""
    body = f"{MARKER}\n\n{BODY}" if marker else BODY
    quoted = "\n".join(f"> {line}".rstrip() for line in body.split("\n"))
    return f"{reply}\n\n{template.format(body=body, quoted=quoted)}\n"
