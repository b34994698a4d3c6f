"""A user who types real code beside a tool that offers to write it: keys, pauses, what is accepted, and figures."""
