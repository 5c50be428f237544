"""Whether somebody says yes or no: only what leaves no doubt counts, all else is for a person to read."""

from __future__ import annotations

import re
from enum import StrEnum

from bridge.domain.commands import folded


class Word(StrEnum):
    """What an answer comes to."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    """It begins like an answer, and says more than that."""
    NONE = "none"
    """It is no answer."""


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_POLITE = _words(
    "bonjour bonsoir bjr salut hello hi dear good morning evening afternoon docteur dr doctor "
    "monsieur madame mme mr m merci thanks thank you"
)
"""What may stand before the answer itself."""
_YES = (
    *("oui", "ouais", "yes", "yep", "ok", "okay", "agreed", "volontiers", "d'accord", "daccord"),
    *("j'accepte", "je consens", "je suis d'accord", "je donne mon accord"),
    *("i agree", "i accept", "i consent"),
)
_NO = (
    *("non", "no", "nope", "je refuse", "je n'accepte pas", "je ne suis pas d'accord"),
    *("i refuse", "i do not agree", "i don't agree"),
)
_BESIDE = _POLITE | _words(
    "oui ouais yes yep ok okay agreed volontiers d'accord daccord j'accepte je suis consens donne mon accord "
    "i agree accept consent confirme confirm veux vous pouvez allez y bien sur tout a fait absolument "
    "evidemment certainement parfait entendu avec plaisir beaucoup d'avance of course sure absolutely "
    "certainly please very much cordialement respectueusement salutations best kind regards bonne journee "
    "soiree nice day envoye de depuis iphone ipad android smartphone telephone sent from my mobile"
)
"""What may stand beside a yes and leaves it one. A yes with any other word, however short, may be put off,
or be for a part only (« oui, j'attends de voir »): a person reads it."""
_HARMLESS = _words("probleme problem problems objection objections worries souci doubt doute")
"""A no to these is a yes, or nearly: a person reads it."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def answer_in(text: str, name: str = "") -> Word:
    """What a person's words come to as an answer to a question that is answered by yes or no.

    Their own ``name`` at the end changes nothing.
    """
    words = _WORD.findall(_plain(text))
    while words and words[0] in _POLITE:
        words = words[1:]
    said = f"{' '.join(words)} "
    if any(said.startswith(f"{no} ") for no in _NO):
        return Word.UNCLEAR if _HARMLESS & set(words[:6]) or "?" in text else Word.NO
    start = next((yes for yes in sorted(_YES, key=len, reverse=True) if said.startswith(f"{yes} ")), None)
    if start is None:
        return Word.NONE
    more = set(words[len(start.split()) :]) - _BESIDE - set(_WORD.findall(_plain(name)))
    return Word.UNCLEAR if more or "?" in text else Word.YES


_TAKEN_BACK = re.compile(
    r"\b(?:"
    r"(?:je (?:retire|annule|revoque|reprends|reviens sur)|j'annule) mon (?:accord|consentement)"
    r"|je (?:veux|voudrais|souhaite|desire|prefere) (?:retirer|annuler|revoquer) mon (?:accord|consentement)"
    r"|(?:retirez|annulez|retrait de|^retirer|^annuler) mon (?:accord|consentement)"
    r"|je ne (?:suis|serais) plus d'accord|je n'accepte plus|je ne consens plus|je ne donne plus mon accord"
    r"|i (?:hereby )?(?:withdraw|revoke|retract|take back|cancel) my (?:consent|agreement)"
    r"|(?:i want to|i wish to|i would like to|i'd like to|please) "
    r"(?:withdraw|revoke|retract|take back|cancel) my (?:consent|agreement)"
    r"|i no longer (?:agree|consent|accept)|i (?:do not|don't) (?:agree|consent) any ?(?:more|longer)"
    r")\b"
)
_ABOUT = _words("pour a au aux que quant concernant sur avec to for that about on with")
"""What may follow, and names something else than an opinion (« je ne suis plus d'accord avec la crème »)."""
_OPINION = re.compile(
    r"avis\b|opinion|expert|confrere|collegue|colleague|specialist|partag|transm|photo|share"
)
_IF = re.compile(r"\b(?:si|s'il|if|whether|peut-etre|maybe|perhaps)\b")


def taken_back_in(text: str) -> Word:
    """Whether these words take an agreement back: ``YES``, ``UNCLEAR`` for a person to read, or ``NONE``.

    What else is said beside it changes nothing; a question, a condition, or another matter does.
    """
    found = Word.NONE
    for sentence in re.findall(r"[^.!?;\n]+[.!?;\n]?", _plain(text)):
        said = " ".join(sentence.split())
        match = _TAKEN_BACK.search(said)
        if match is None:
            continue
        more = said[match.end() :].strip(" .!?;")
        elsewhere = more.split(maxsplit=1)[:1] and more.split()[0] in _ABOUT and not _OPINION.search(more)
        if elsewhere or said.endswith("?") or _IF.search(said[: match.start()]):
            found = Word.UNCLEAR
            continue
        return Word.YES
    return found


def plain_no_in(text: str, name: str = "") -> bool:
    """Whether these words are a no, and nothing more."""
    if answer_in(text, name) is not Word.NO:
        return False
    words = [word for word in _WORD.findall(_plain(text)) if word not in _POLITE]
    no = next(no for no in sorted(_NO, key=len, reverse=True) if f"{' '.join(words)} ".startswith(f"{no} "))
    return not set(words[len(no.split()) :]) - _BESIDE - {"finalement"} - set(_WORD.findall(_plain(name)))


def _plain(text: str) -> str:
    return folded(text).replace("’", "'")
