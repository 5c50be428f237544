"""``python -m bridge`` is ``colloque``."""

from bridge.cli import main

main()
