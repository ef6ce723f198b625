"""The calls that ship with voicecli: data only; changes when a call is added to them."""
