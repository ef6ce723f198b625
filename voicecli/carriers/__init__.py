"""Carriers: who brings the calls, each in a package of its own behind one protocol."""
