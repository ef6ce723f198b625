"""voicecli: the program around the voice agent (commands, screens, wires to the outside)."""
