"""An OpenAI-compatible server on transformers: it verifies drafts, and spends fewer layers (Stop & Exit).

Only what is below this folder imports torch and transformers, which are the extra `gpu`.
"""
