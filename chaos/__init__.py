"""A bounded run of faults on real parts, which counts every message on both sides."""
