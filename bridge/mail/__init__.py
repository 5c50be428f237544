"""The e-mail side: receiving, parsing, composing and sending."""
