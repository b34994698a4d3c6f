from __future__ import annotations

import random
import string
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.privacy.secret_text import find_secret

# In two parts, so that no scanner of repositories takes these made-up keys for real ones.
SECRETS = {
    "AWS key id": 'client = boto3.client("s3", aws_access_key_id="AKIA' + 'QYLPMN5HHHFPZAM2")',
    "AWS secret": 'aws_secret_access_key = "wJalrXUtnFEMI' + '/K7MDENG/bPxRfiCYzEXBMPLEKEY"',
    "GitHub": 'TOKEN = "ghp_' + '16C7e42F292c6912E7710c838347Ae178B4a"',
    "GitHub, fine-grained": "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ",
    "GitLab": 'headers = {"PRIVATE-TOKEN": "glpat-' + 'x7Kf9_2mQwErTyUiOpAs"}',
    "Slack": 'slack = WebClient("xoxb-' + '2433284329-24332843292-AbCdEfGh12345678")',
    "Slack webhook": "https://hooks.slack.com/services/" + "T01ABCDEF/B01ABCDEF/a1B2c3D4e5F6g7H8",
    "Stripe": 'stripe.api_key = "sk_live_' + '4eC39HqLyjWDarjtT1zdp7dc"',
    "OpenAI": "sk-proj-" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "Anthropic": 'Anthropic(api_key="sk-ant-' + 'api03-aBcDeFgHiJkLmNoPqRsTuVwX")',
    "Google": 'maps = googlemaps.Client(key="AIza' + 'SyD3x9KfLmNqRsTuVwXyZ01234567890ab")',
    "Hugging Face": 'login("hf_' + 'aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH")',
    "PyPI": "password = pypi-AgEIcHlwaS5vcmc" + "C" * 80,
    "SendGrid": "SG." + "a1B2c3D4e5F6g7H8i9J0k1.a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
    "JSON web token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "Azure": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + "a1B2" * 21 + "c3==",
    "Twilio": 'Client("AC' + '0123456789abcdef0123456789abcdef", auth)',
    "Telegram": "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
    "npm": "//registry.npmjs.org/:_authToken=npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "RSA key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "encrypted key": "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----",
    "end of a key": "-----END OPENSSH " + "PRIVATE KEY-----",
    "PGP key": "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
    "URL with password": 'engine = create_engine("postgresql://app:s3cr3t' + 'Pa55@db.internal/app")',
    "password": 'password = "hunter' + '2"',
    "password of a dict": "settings = {'db_password': 'Tr0ub4dor" + "&3'}",
    "password with brackets": 'password = "aB3(x%)9' + '!<q]"',
    "bcrypt": 'password_hash = "$2b$12$' + 'EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"',
    "keyword argument": 'connect(host="db", passwd="q8!zL' + '2vR")',
    "comparison": 'if password == "open5esame' + '!":',
    "Django": "SECRET_KEY = 'django-insecure-8#k2@!" + "x9vq$l4m7w&p0z3c6n'",
    "token": 'auth_token = "b7e23ec29af22b0b' + '4e41da31e868d57226121c84"',
    "bearer": 'headers["Authorization"] = "Bearer ' + 'a8f5f167f44f4964e6c998dee827110c"',
    "hexadecimal secret": "secret = '" + "5ebe2294ecd0e0f08eab7690d2a6ee69'",
    "random text": 'x = "' + 'Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZkdISUpLTE1O"',
}
INNOCENT = [
    "password = get_password()",
    'password = os.environ["DB_PASSWORD"]',
    'password = getpass.getpass("Password: ")',
    'parser.add_argument("--password", help="the password")',
    "def login(user: str, password: str) -> Token:",
    'password = "password"',
    'api_key = "your-api-key-here"',
    'API_KEY = "<API_KEY>"',
    'token = "${TOKEN}"',
    'SECRET = "changeme"',
    'url = "https://user:password@example.com/"',
    'url = f"postgresql://{user}:{password}@{host}/{name}"',
    'raise ValueError("password must have 8 characters")',
    "token = tokens[i + 1]",
    'KEY = "primary_key"',
    "secret_key = settings.SECRET_KEY",
    'headers = {"Authorization": f"Bearer {token}"}',
    'ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"',
    '_b64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"',
    'id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"',
    'hexdigits = "0123456789abcdefABCDEF"',
    'assert sha == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"',
    'path = "/usr/share/applications/org.gnome.Terminal.desktop"',
    "from cryptography.hazmat.primitives.serialization import load_pem_private_key",
    "    return self._password",
    "self.assertEqual(password_hash, expected)",
]


@pytest.mark.parametrize("line", SECRETS.values(), ids=SECRETS.keys())
def test_real_looking_secrets_are_found_in_their_line(line: str) -> None:
    found = find_secret(f"import os\n\n{line}\nprint(1)\n")
    assert found is not None
    assert found.line == 3


@pytest.mark.parametrize("line", INNOCENT)
def test_innocent_code_is_no_secret(line: str) -> None:
    assert find_secret(line) is None


def test_a_value_without_quotes_is_a_secret_in_a_configuration_file_only() -> None:
    line = "  db_password: hunter" + "2x9"
    assert find_secret(line, "settings.yaml") is not None
    assert find_secret(line, "module.py") is None


def test_the_inside_of_a_key_is_found_without_its_first_line() -> None:
    source = random.Random(3)
    body = ["".join(source.choices(string.ascii_letters + string.digits + "+/", k=64)) for _ in range(6)]
    found = find_secret("x = 1\n" + "\n".join(body))
    assert found is not None
    assert found.line == 2


def test_a_secret_far_inside_a_long_line_is_found() -> None:
    for start in (0, 1_990, 5_000, 99_000):
        assert find_secret("a " * (start // 2) + SECRETS["Stripe"] + " b" * 3_000) is not None


def test_at_most_one_of_200_windows_of_the_standard_library_looks_like_a_secret() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(file for file in library.rglob("*.py") if not {"site-packages", "test"} & set(file.parts))
    lines = [
        line for file in random.Random(2).sample(files, 60) for line in file.read_text("utf-8", "replace").splitlines()
    ]
    windows = ["\n".join(lines[i : i + 200]) for i in range(0, len(lines), 200)]
    suspicious = [found for window in windows if (found := find_secret(window, "module.py"))]
    assert len(suspicious) <= len(windows) / 200, suspicious


@pytest.mark.parametrize(
    "text",
    [
        "://a:" * 20_000,
        "password" * 12_000,
        "password = " + "x" * 100_000,
        "secret=" * 14_000,
        "'" * 100_000,
        "aws" + " key " * 20_000,
        "eyJ" * 33_000,
        "eyJ." * 25_000,
        'token="' * 14_000,
        'key = "' + "changemepassword" * 6_000 + "!",
        "-" * 100_000,
        "//" + "/:_authToken=" * 8_000,
        "xoxb-" + "1-" * 50_000,
        "AKC" * 33_000,
        "db_password := " * 7_000,
        "sk-" * 33_000,
        "\n".join(['"a' + "A0" * 29 + '"'] * 1_600),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_of_50_000_characters_is_searched_within_seconds(text: str) -> None:
    begin = time.process_time()
    find_secret(text[:50_000])
    assert time.process_time() - begin < 5


@settings(max_examples=60)
@given(st.text(max_size=300), st.sampled_from(sorted(SECRETS.values())), st.text(max_size=300))
def test_a_secret_is_found_whatever_stands_in_the_lines_around_it(before: str, line: str, after: str) -> None:
    assert find_secret(f"{before}\n{line}\n{after}") is not None
