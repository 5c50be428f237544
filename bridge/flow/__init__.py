"""The way of every input: inbox, decision, outbox, performer."""
