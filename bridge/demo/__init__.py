"""The demonstration: a local homeserver, a local mailbox and an example hospital."""
