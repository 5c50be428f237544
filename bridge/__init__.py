"""Colloque: one patient, one practitioner, over e-mail and Matrix."""

__version__ = "0.1.0"
