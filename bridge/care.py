"""What decisions go by, from the configuration and the organisation in force."""

from __future__ import annotations

import hashlib

from bridge.domain.consulting import VideoPolicy
from bridge.domain.organisation import Organisation
from bridge.domain.state import Policy, Waits
from bridge.sections import CareSection, Config


def policy(config: Config, organisation: Organisation) -> Policy:
    """The policy of this configuration; the organisation may be exchanged while it holds on to it."""
    secret = secret_for("video", config).hex()
    video = VideoPolicy(config.video.link or "", secret, config.video.minutes, config.video.remind_before_min)
    return Policy(
        config.mail.quiet_period_s,
        organisation.time_zone,
        video,
        waits=waits(config.care),
        organisation=organisation,
        acting=config.homeserver.acting_token is not None,
    )


def secret_for(purpose: str, config: Config) -> bytes:
    """A secret of the installation: whoever can guess it can act as the service anyway."""
    token = config.homeserver.as_token.get_secret_value()
    return hashlib.sha256(f"{purpose} {token}".encode()).digest()


def waits(care: CareSection) -> Waits:
    """How long what may wait."""
    return Waits(
        remind_h=care.remind_after_h,
        widen_h=care.widen_after_h,
        tell_patient_h=care.tell_patient_after_h,
        alert_h=care.alert_admin_after_h,
        silent_h=care.silent_after_h,
        silent_alert_h=care.silent_alert_after_h,
        silent_release_h=care.silent_release_after_h,
        idle_h=care.idle_after_h,
        archive_h=care.archive_after_h,
        handover_h=care.handover_expires_after_h,
        consent_h=care.consent_expires_after_h,
        undo_s=care.undo_within_s,
    )
