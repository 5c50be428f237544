"""What happens to a question after it is taken: one module per kind of act, each act done and checked."""

from __future__ import annotations

from bridge.demo.acts import closing, expert, inside, moving, waiting
from bridge.demo.acts.scene import Scene


async def play(scene: Scene) -> None:
    """Every act, on this question and on one that waits meanwhile."""
    await inside.note(scene)
    await inside.video(scene)
    await expert.expertise(scene)
    await expert.export(scene)
    await closing.close_and_reopen(scene)
    other = await waiting.ask(scene)
    await moving.release(scene)
    await moving.hand_over(scene)
    await closing.archive(scene)
    await waiting.play(other)
    inside.stayed(scene)
