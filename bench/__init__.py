"""Figures: what the main job costs on a real homeserver, measured within one run."""
