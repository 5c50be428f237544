"""Writes docs/configuration.md from the sections themselves, so that the two can't drift apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bridge.sections import Config, OrganisationFile

INTRODUCTION = """# Configuration

Written from the code by `colloque reference > docs/configuration.md`; a test keeps it true.

`colloque check -c config/config.yaml` prints every mistake of both files at once, as
`file:line: path: what is wrong and what is allowed`, and exits 2. Nothing starts on a wrong configuration.
Unknown keys are refused, with the nearest known one. The organisation file is found beside config.yaml, or
where `organisation_file` says.

Editors that speak YAML Language Server complete and check as you type: the samples' first line names the
schema (`config/schema/`, or `colloque schema config` and `colloque schema organisation`). Keys that got
another name still count, with a warning; `colloque config migrate` renames them in your files, comments and
order kept (`--dry-run` shows it).

People may also come from CSV: `practitioners_csv` (columns `id`, `name`, and if wanted `language`, `active`)
and a group's `members_csv` (column `id`). The first line names the columns; commas or semicolons, UTF-8.
They add to those in the YAML.

Secrets (`homeserver.as_token`, `homeserver.hs_token`, `homeserver.admin_token`, `mail.smtp.password`,
`mail.imap.password`, `mail.dkim.key`) and `database.url` may stand in the file, in a file named by
`<key>_file`, or in the environment as `COLLOQUE_<SECTION>_<KEY>` (`COLLOQUE_HOMESERVER_AS_TOKEN`,
`COLLOQUE_DATABASE_URL`). The environment wins over the file, and that over the value.
Tokens that stand nowhere are read from `homeserver.registration_file`
(`registration.yaml` beside config.yaml by default).
"""


def reference() -> str:
    """The whole document."""
    parts = [INTRODUCTION]
    for title, model in (("config.yaml", Config), ("organisation.yaml", OrganisationFile)):
        parts.append(f"## {title}\n\n| key | default | meaning |\n|---|---|---|")
        parts += [f"| `{key}` | {shown} | {meaning} |" for key, shown, meaning in rows(model, "")]
        parts.append("")
    return "\n".join(parts)


def rows(model: type[BaseModel], above: str) -> Iterator[tuple[str, str, str]]:
    """Every key of a section and of those below it: dotted name, default, meaning."""
    for name, field in model.model_fields.items():
        inner = _section_in(field.annotation)
        listed = "list[" in str(field.annotation)
        key = f"{above}{name}{'[]' if listed else ''}"
        if inner is None:
            yield key, _default(field), field.description or (model.__doc__ or "").splitlines()[0]
        else:
            yield from rows(inner, f"{key}.")


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = get_args(annotation)
    if any(str in (part, *get_args(part)) for part in parts):  # a name is a string, or both languages
        return None
    return next((found for part in parts if (found := _section_in(part))), None)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if value is None or isinstance(value, SecretStr) or value == "":
        return ""
    return f"`{value}`"
