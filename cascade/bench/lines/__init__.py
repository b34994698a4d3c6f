"""Completing lines and statements of real packages, as MCCom measures it: either rung, and both together."""
