"""Configuration: defaults, the user's file, and a project's file, which may only tighten until it is trusted."""

from rung.cascade.config.keys import KeyLookup, look_up_key, resolve_key
from rung.cascade.config.layers import HeldBack, Origin
from rung.cascade.config.problems import ConfigError
from rung.cascade.config.schema import (
    Budget,
    Config,
    Deadline,
    PriceConfig,
    RungConfig,
    Telemetry,
    Theta,
    ThetaOverride,
    Timeouts,
)
from rung.cascade.config.settings import Preview, Settings, load, preview
from rung.cascade.config.trust import untrust

__all__ = [
    "Budget",
    "Config",
    "ConfigError",
    "Deadline",
    "HeldBack",
    "KeyLookup",
    "Origin",
    "Preview",
    "PriceConfig",
    "RungConfig",
    "Settings",
    "Telemetry",
    "Theta",
    "ThetaOverride",
    "Timeouts",
    "load",
    "look_up_key",
    "preview",
    "resolve_key",
    "untrust",
]
