"""Makes checkpoints of others: with a vocabulary trimmed for code, or with other types of numbers.

Only its commands import this; the language server does not.
"""

from rung.models.reshape.child import pieces
from rung.models.reshape.choosing import Wanted
from rung.models.reshape.errors import ReshapeFailed
from rung.models.reshape.layout import vocabulary_size
from rung.models.reshape.quantizing import FTYPES, HEADS, quantize
from rung.models.reshape.trimming import Trimmed, trim

__all__ = ["FTYPES", "HEADS", "ReshapeFailed", "Trimmed", "Wanted", "pieces", "quantize", "trim", "vocabulary_size"]
