"""How well and how fast code of a repository is found, on any source tree."""
