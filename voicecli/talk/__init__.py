"""A live conversation at this computer."""
