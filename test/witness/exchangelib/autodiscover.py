"""exchangelib asks both forms of Autodiscover where a mailbox is.

Its search for the server by DNS is left out: the endpoint is given. Both forms'
own classes send the requests and read the answers.
"""
import os
import sys
import time

env = os.environ
os.environ["REQUESTS_CA_BUNDLE"] = env["HMA_CA"]

import requests
from exchangelib import Configuration, OAuth2AuthorizationCodeCredentials
from exchangelib.autodiscover.properties import Autodiscover
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import ErrorNonExistentMailbox


def ok(what):
    print("ok", what, flush=True)


credentials = OAuth2AuthorizationCodeCredentials(access_token={
    "access_token": env["HMA_TOKEN"], "token_type": "Bearer", "expires_in": 3600, "expires_at": time.time() + 3600})
protocol = AutodiscoverProtocol(config=Configuration(service_endpoint=env["HMA_AUTODISCOVER"] + ".svc", credentials=credentials, auth_type="OAuth 2.0"))

mine = protocol.get_user_settings(env["HMA_USER"])
mine.raise_errors()
if mine.ews_url != env["HMA_EWS"] or mine.autodiscover_smtp_address != env["HMA_USER"] or mine.version is None:
    sys.exit(f"SOAP: {mine}")
ok("user settings by SOAP")

for other in env["HMA_OTHER"], "nobody@contoso.com":
    try:
        protocol.get_user_settings(other).raise_errors()
    except ErrorNonExistentMailbox:
        continue
    sys.exit(f"SOAP tells about {other}")
ok("nobody else's by SOAP")

answer = requests.post(env["HMA_AUTODISCOVER"] + ".xml", data=Autodiscover.payload(email=env["HMA_USER"]),
                       headers={"Authorization": "Bearer " + env["HMA_TOKEN"], "Content-Type": "text/xml; charset=utf-8"}, timeout=30)
pox = Autodiscover.from_bytes(answer.content).response
if pox.protocol.ews_url.lower() not in (env["HMA_EWS"].lower(), env["HMA_AUTODISCOVER"].lower().removesuffix("/autodiscover/autodiscover") + "/ews/exchange.asmx") or pox.autodiscover_smtp_address != env["HMA_USER"]:
    sys.exit(f"POX: {pox}")
ok("settings by POX")
ok("all")
