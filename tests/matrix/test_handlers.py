"""Every effect of the Matrix lane has someone who performs it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from bridge.asking import asked, asking
from bridge.choosing import expertise
from bridge.domain.effects import MatrixEffect
from bridge.domain.organisation import Organisation
from bridge.matrix.administering import Administration
from bridge.matrix.attention import Attention
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from bridge.sections import CareSection

NOBODY: Any = None


@pytest.mark.parametrize("effect", get_args(MatrixEffect), ids=lambda kind: kind.__name__)
def test_every_effect_of_the_lane_is_performed(effect: type) -> None:
    outlet = Outlet(NOBODY, NOBODY, Place("@bot:h", "h", "colloque_", "12"))
    organisation = Organisation("H", "fr", (), ())
    more = {
        **asking(outlet, organisation, *[NOBODY] * 4),
        **expertise(outlet, *[NOBODY] * 3),
        **asked(outlet, organisation, CareSection()),
        **Attention(outlet, NOBODY).handlers,
        **Administration(outlet, organisation, NOBODY, NOBODY).handlers,
    }
    performer = MatrixPerformer(outlet, organisation, grant_at_once_up_to=1, more=more)
    assert effect in performer.handlers
