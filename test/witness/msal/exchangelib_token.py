"""Lets Debian's unmodified python3-exchangelib fetch its tokens from an authority.

Environment: as main.py beside it. Only the documented extension points are
used: token_url and scope of the credentials classes.
"""
import os

from exchangelib import OAuth2Credentials, OAuth2LegacyCredentials
from requests_oauthlib import OAuth2Session

url = os.environ["HMA_AUTHORITY"] + "/oauth2/v2.0/token"
scopes = [os.environ["HMA_RESOURCE"] + "/.default"]


class App(OAuth2Credentials):
    token_url = property(lambda self: url)
    scope = property(lambda self: scopes)


class Legacy(OAuth2LegacyCredentials):
    token_url = property(lambda self: url)
    scope = property(lambda self: scopes)


def fetch(flow, credentials):
    # What BaseProtocol.create_oauth2_session does before the first EWS request.
    session = OAuth2Session(client=credentials.client, **credentials.session_params())
    token = session.fetch_token(token_url=credentials.token_url, client_id=credentials.client_id, client_secret=credentials.client_secret,
                                scope=credentials.scope, **credentials.token_params())
    print(f"{flow}: {token['token_type']}")


common = dict(client_id=os.environ["HMA_CONFIDENTIAL"], client_secret=os.environ["HMA_SECRET"], tenant_id="unused")
fetch("exchangelib, application", App(**common))
fetch("exchangelib, legacy", Legacy(username=os.environ["HMA_USER"], password=os.environ["HMA_PASSWORD"], **common))
