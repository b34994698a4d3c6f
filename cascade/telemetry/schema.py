"""The tables, as the migrations that make them.

Times are UTC, ISO 8601 with milliseconds, so that they sort as text. The ledger's money is in whole 10^-9 $, so that
limits are compared exactly. No table but `texts` and `step_texts` holds source text or the name of a file.
"""

from __future__ import annotations

from dataclasses import dataclass

NANO = 1_000_000_000
"""The ledger's units in a $."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. A released migration never changes: a later one follows it."""

    name: str
    statements: tuple[str, ...]


_REQUESTS = Migration(
    "001 requests and steps",
    (
        """
        CREATE TABLE requests (
            id TEXT PRIMARY KEY,
            at TEXT NOT NULL,
            project TEXT,               -- root folder; NULL outside any project
            language TEXT NOT NULL,
            kind TEXT NOT NULL,
            trigger TEXT NOT NULL,
            decision TEXT,              -- of the step that answered, else of the last; NULL without a step
            answered_by TEXT,           -- rung; NULL where nothing was answered
            score REAL,
            asked INTEGER NOT NULL,     -- rungs that were
            seconds REAL,
            cost_usd REAL,
            top_rung TEXT,              -- the ladder's last rung at that time, with its $ per million tokens
            top_input_usd REAL,
            top_output_usd REAL,
            top_cost_usd REAL,          -- what it cost here; NULL if it was not asked
            basis_prompt INTEGER,       -- tokens that the top rung would have been asked with and answered
            basis_answer INTEGER,       -- NULL: nothing to estimate from
            outcome TEXT,
            outcome_at TEXT
        )
        """,
        "CREATE INDEX requests_by_time ON requests (at)",
        "CREATE INDEX requests_by_project ON requests (project, at)",
        """
        CREATE TABLE steps (
            request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            rung TEXT NOT NULL,
            remote INTEGER NOT NULL,
            decision TEXT NOT NULL,
            asked INTEGER NOT NULL,
            theta REAL,
            prompt INTEGER NOT NULL,    -- tokens
            cached INTEGER NOT NULL,
            generated INTEGER NOT NULL,
            accepted_draft INTEGER NOT NULL,
            rejected_draft INTEGER NOT NULL,
            counted INTEGER NOT NULL,   -- 0: the server did not count, the tokens are an estimate
            seconds REAL,
            cost_usd REAL,
            score REAL,                 -- NULL: no attempt, or one that was adopted unscored
            k INTEGER,                  -- from here on NULL without a self-test
            test_lines INTEGER,
            passed_lines INTEGER,
            agreement INTEGER,
            PRIMARY KEY (request_id, position)
        ) WITHOUT ROWID
        """,
    ),
)

_LEDGER = Migration(
    "002 ledger",
    (
        """
        CREATE TABLE ledger (
            id INTEGER PRIMARY KEY,
            at TEXT NOT NULL,           -- of the reservation: its day pays, even if it is settled after midnight
            project TEXT,
            request_id TEXT NOT NULL,
            rung TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released', 'expired')),
            tokens INTEGER NOT NULL CHECK (tokens >= 0),
            nano_usd INTEGER NOT NULL CHECK (nano_usd >= 0),
            expires_at TEXT NOT NULL
        )
        """,
        "CREATE INDEX ledger_by_project ON ledger (project, at)",
        "CREATE INDEX ledger_by_time ON ledger (at)",
        "CREATE INDEX ledger_by_request ON ledger (request_id, rung, state, nano_usd)",
        "CREATE INDEX ledger_open ON ledger (expires_at) WHERE state = 'reserved'",
    ),
)

_TEXTS = Migration(
    "003 source text",
    (
        """
        CREATE TABLE texts (
            request_id TEXT PRIMARY KEY REFERENCES requests (id) ON DELETE CASCADE,
            prefix TEXT NOT NULL,       -- its end
            suffix TEXT NOT NULL,       -- its beginning
            answer TEXT
        )
        """,
        """
        CREATE TABLE step_texts (
            request_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (request_id, position),
            FOREIGN KEY (request_id, position) REFERENCES steps (request_id, position) ON DELETE CASCADE
        ) WITHOUT ROWID
        """,
    ),
)

MIGRATIONS = (_REQUESTS, _LEDGER, _TEXTS)
