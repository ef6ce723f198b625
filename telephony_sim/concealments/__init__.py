"""What a line asks of packet loss concealment; one method a file.

A concealment is the `Decoder` of a codec whose payloads are samples: it passes on what came and
invents what did not.
"""
