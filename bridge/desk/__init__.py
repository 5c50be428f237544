"""The administrator's desk: the plan before a change, its application, and what the files say."""
