"""What a question is and what happens to it: pure, without I/O, clocks or other modules of ours."""
