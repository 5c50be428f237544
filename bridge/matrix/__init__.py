"""The Matrix side: the client-server API, transactions, parsing and performing."""
