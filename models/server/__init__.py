"""An OpenAI-compatible server on transformers: it verifies drafts, and spends fewer layers (Stop & Exit).

Only what is below this folder imports torch and transformers, which are the extra `gpu`.
"""

import os

# torch reads it when it is loaded. On a processor its threads wait for each other after every operation; by their own
# default they spin so long that a token takes four times as long beside any other work, and gain nothing without it.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
