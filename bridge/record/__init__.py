"""The transcript of a question: gathered from storage, written as PDF and JSON for the patient's record."""
