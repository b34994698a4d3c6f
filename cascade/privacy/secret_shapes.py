"""Shapes of keys and tokens that give themselves away, whatever the name beside them."""

from __future__ import annotations

import re

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

PLUGINS: tuple[BasePlugin, ...] = (
    ArtifactoryDetector(),
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    JwtTokenDetector(),
    MailchimpDetector(),
    NpmDetector(),
    OpenAIDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)

MORE_SHAPES = {
    "a private key": re.compile(
        r"-----(?:BEGIN|END) [A-Z0-9 ]{0,30}PRIVATE KEY|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1"
    ),
    "an API key of OpenAI or Anthropic": re.compile(r"\bsk-(?:ant|proj|svcacct|or)-[\w-]{20}"),
    "a token of GitHub": re.compile(r"\bgithub_pat_\w{22}"),
    "an API key of Google": re.compile(r"\bAIza[\w-]{35}"),
    "a token of Hugging Face": re.compile(r"\bhf_[A-Za-z0-9]{30}"),
    "a token of DigitalOcean": re.compile(r"\bdo[opr]_v1_[0-9a-f]{64}"),
    "a token of Slack": re.compile(r"\bxapp-\d-\w{8,}-\d+-\w{20}"),
}
"""Shapes that detect-secrets 1.5 does not know."""


def shape_of(line: str) -> str | None:
    """What a key in `line` is; None where no shape is in it."""
    for plugin in PLUGINS:
        if any(plugin.analyze_string(line)):
            return plugin.secret_type
    return next((kind for kind, shape in MORE_SHAPES.items() if shape.search(line)), None)
