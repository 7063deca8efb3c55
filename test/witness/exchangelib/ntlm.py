#!/usr/bin/python3
"""Reads mail with Debian's python3-exchangelib as an organisation without modern
authentication lets it: the client finds out by itself that the server takes NTLM.
One line for each step that works, exit 1 at the first that does not.

Environment: HMA_EWS (the service's URL), HMA_LOGIN (DOMAIN\\account), HMA_SMTP (her
address), HMA_PASSWORD, HMA_CA (the authority's certificate), HMA_SUBJECTS (how many
messages to name).
"""
import os

os.environ["REQUESTS_CA_BUNDLE"] = os.environ["HMA_CA"]

from exchangelib import DELEGATE, Account, Configuration, Credentials  # noqa: E402
from exchangelib.errors import UnauthorizedError  # noqa: E402

env = os.environ


def account(password):
    config = Configuration(service_endpoint=env["HMA_EWS"], credentials=Credentials(env["HMA_LOGIN"], password))
    return config, Account(primary_smtp_address=env["HMA_SMTP"], config=config, autodiscover=False, access_type=DELEGATE)


config, mailbox = account(env["HMA_PASSWORD"])
inbox = list(mailbox.inbox.all().order_by("-datetime_received")[:int(env["HMA_SUBJECTS"])])
print("auth type:", config.auth_type)
for item in inbox:
    print("read:", item.subject)
assert inbox[0].body
print("ok read mail")

try:
    _, stranger = account("not the password")
    stranger.inbox.total_count
    raise SystemExit("a wrong password was taken")
except UnauthorizedError:
    print("ok wrong password refused")
