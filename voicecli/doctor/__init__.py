"""Whether this computer can hold a call, and how well."""
