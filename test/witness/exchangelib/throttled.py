#!/usr/bin/python3
"""Asks a server that throttles the person: exchangelib, told to be patient, waits as long as
the server says and asks again. Prints the number of messages in the inbox.

Environment: HMA_EWS, HMA_SMTP, HMA_CA, HMA_TOKEN as smoke.py has them.
"""
import os
import time

os.environ["REQUESTS_CA_BUNDLE"] = os.environ["HMA_CA"]

from exchangelib import DELEGATE, Account, Configuration, FaultTolerance, OAuth2AuthorizationCodeCredentials  # noqa: E402

token = {"access_token": os.environ["HMA_TOKEN"], "token_type": "Bearer", "expires_in": 3600, "expires_at": time.time() + 3600}
config = Configuration(service_endpoint=os.environ["HMA_EWS"], credentials=OAuth2AuthorizationCodeCredentials(access_token=token),
                       auth_type="OAuth 2.0", retry_policy=FaultTolerance(max_wait=30))
account = Account(os.environ["HMA_SMTP"], config=config, autodiscover=False, access_type=DELEGATE)
print(account.inbox.total_count)
