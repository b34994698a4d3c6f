"""Real files typed beside the real language server, and beside llama.vim's way of asking llama-server."""
