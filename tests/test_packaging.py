"""The image, the composition and the unit say what the documents promise of them."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

TOP = Path(__file__).parent.parent
DOCKERFILE = (TOP / "Dockerfile").read_text()


def _composition() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((TOP / "compose.yaml").read_text())
    return found


def test_the_image_has_nothing_of_its_build_and_no_root() -> None:
    stages = re.findall(r"^FROM \S+", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2
    last = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert "pip install" not in last
    (user,) = re.findall(r"^USER (\d+)$", last, re.MULTILINE)
    assert int(user) > 0
    assert "HEALTHCHECK" in last


def test_the_image_is_built_of_what_the_package_needs() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    files = {name for names in copied for name in names.split()}
    assert {"pyproject.toml", "README.md", "LICENSE", "bridge"} == files
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in files} <= set(ignored)


def test_the_container_of_colloque_can_write_nothing_but_its_volume() -> None:
    colloque = _composition()["services"]["colloque"]
    assert colloque["read_only"] is True
    assert colloque["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in colloque["security_opt"]
    assert "./deploy/colloque:/etc/colloque:ro" in colloque["volumes"]


def test_what_is_said_in_clear_stays_in_one_network_stack_and_secrets_in_the_environment() -> None:
    services = _composition()["services"]
    assert {services[name]["network_mode"] for name in ("colloque", "synapse")} == {"service:mail"}
    outside = [port for service in services.values() for port in service.get("ports", [])]
    assert outside == ["25:25", "127.0.0.1:8008:8008"]
    text = (TOP / "compose.yaml").read_text()
    assert re.findall(r"(?i)password: (?!\$\{)\S+", text) == []
    assert {"synapse", "postgres", "mail", "colloque"} == set(services)


def test_the_mail_container_s_script_is_a_shell_script_and_relays_for_nobody_else() -> None:
    subprocess.run(["sh", "-n", str(TOP / "contrib/postfix/start")], check=True)
    main = (TOP / "contrib/postfix/main.cf").read_text()
    assert "mynetworks = 127.0.0.0/8 [::1]/128\n" in main
    assert "reject_unauth_destination" in main
    assert "colloque_destination_recipient_limit = 1" in main


def test_the_unit_confines_the_service() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(TOP / "contrib/colloque.service")
    service = unit["Service"]
    assert service["User"] == "colloque"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["UMask"] == "0077"
    assert service["RestartPreventExitStatus"] == "2"
    assert int(service["TimeoutStopSec"]) > 10  # it ends within ten seconds by itself
    assert service["ExecStart"].split()[1:] == ["run", "-c", "/etc/colloque/config.yaml"]
