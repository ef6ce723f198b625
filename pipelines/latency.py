"""How long each part of a turn took: a fold over the journal."""
