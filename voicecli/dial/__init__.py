"""A caller for any agent that speaks Twilio Media Streams, and what it measures."""
