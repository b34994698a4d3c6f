"""Python of all kinds, made up by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.sampled_from(("alpha", "b", "configuration", "größe", "x1"))
ATOMS = st.one_of(
    NAMES, st.integers(0, 999).map(str), st.sampled_from(('"a b"', "f'{alpha!r:>{b}}'", "'''two\nlines'''"))
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda both: f"{both[0]} + {both[1]}"),
        st.lists(inner, max_size=3).map(lambda items: f"call({', '.join(items)})"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda items: "[\n        " + ",\n        ".join(items) + ",\n    ]"
        ),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.tuples(NAMES, VALUES).map(lambda both: f"{both[0]} = {both[1]}"),
    VALUES.map(lambda value: f"return {value}"),
    VALUES.map(lambda value: f"if {value}:\n        pass"),
    VALUES.map(lambda value: f"assert {value}  # why"),
    st.sampled_from(('"""A docstring."""', "# a comment", "import os", "a = 1; b = 2", "x = 1 + \\\n        2", "")),
)
SOURCES = st.lists(STATEMENTS, max_size=6).map(
    lambda bodies: "def function():\n    pass\n" + "".join(f"    {body}\n" for body in bodies)
)
