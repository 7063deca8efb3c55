"""Drives Debian's unmodified python3-msal against an authority.

Environment: HMA_AUTHORITY (https://host[:port]/tenant), HMA_CLIENT (public
client id), HMA_USER, HMA_PASSWORD, HMA_RESOURCE (an Exchange address),
REQUESTS_CA_BUNDLE. Optional: HMA_CONFIDENTIAL and HMA_SECRET (client
credentials), HMA_REDIRECT (default http://localhost), HMA_PASSWORD_GRANT=0
where nothing listens on port 443 of the authority's host: MSAL asks for the
user realm there, whatever the authority's port is.

Prints one line a flow and ends with 0 when all of them gave a token.
"""
import base64
import html
import json
import os
import re
import sys
import urllib.parse

import msal
import requests

authority = os.environ["HMA_AUTHORITY"]
client = os.environ["HMA_CLIENT"]
user = os.environ["HMA_USER"]
password = os.environ["HMA_PASSWORD"]
resource = os.environ["HMA_RESOURCE"]
redirect = os.environ.get("HMA_REDIRECT", "http://localhost") + ":34567"
scopes = [resource + "/.default"]


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def check(flow, result, delegated=True):
    if "access_token" not in result:
        sys.exit(f"{flow}: {result}")
    got = claims(result["access_token"])
    if got["aud"] != resource or got["ver"] != "1.0":
        sys.exit(f"{flow}: audience {got['aud']}, version {got['ver']}")
    if delegated and (got["upn"].lower() != user.lower() or "EWS.AccessAsUser.All" not in got["scp"].split()):
        sys.exit(f"{flow}: {got.get('upn')} {got.get('scp')}")
    if not delegated and ("scp" in got or got["idtyp"] != "app"):
        sys.exit(f"{flow}: not an application's token: {sorted(got)}")
    print(f"{flow}: ok")
    return result


def hidden(page):
    """The form of a page: where it posts to, and its hidden fields."""
    action = html.unescape(re.search(r'<form[^>]*\saction="([^"]*)"', page).group(1))
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        if re.search(r'type="?hidden', tag):
            name = re.search(r'name="([^"]*)"', tag).group(1)
            fields[name] = html.unescape(re.search(r'value="([^"]*)"', tag).group(1))
    return action, fields


def post(browser, answer, **typed):
    action, fields = hidden(answer.text)
    fields.update(typed)
    return browser.post(urllib.parse.urljoin(answer.url, action), data=fields, allow_redirects=False)


app = msal.PublicClientApplication(client, authority=authority, instance_discovery=False)

# Authorization code with PKCE, the sign-in page driven as a browser would.
flow = app.initiate_auth_code_flow(scopes, redirect_uri=redirect, login_hint=user)
browser = requests.Session()
answer = post(browser, browser.get(flow["auth_uri"]), login=user, passwd=password)
if answer.status_code != 303 or not answer.headers["Location"].startswith(redirect):
    sys.exit(f"code: sign-in answered {answer.status_code}: {answer.text[:500]}")
query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
check("code with PKCE", app.acquire_token_by_auth_code_flow(flow, query))

# Refresh, from the account that the sign-in left in the cache.
account = app.get_accounts(username=user)[0]
check("refresh", app.acquire_token_silent(scopes, account, force_refresh=True))

# Device code; the same browser session confirms it.
flow = app.initiate_device_flow(scopes)
if "user_code" not in flow:
    sys.exit(f"device: {flow}")
page = browser.get(flow["verification_uri"])
page = post(browser, page, usercode=flow["user_code"])
page = post(browser, page, do="continue")
if page.status_code != 200:
    sys.exit(f"device: confirmation answered {page.status_code}")
check("device code", app.acquire_token_by_device_flow(flow))

if os.environ.get("HMA_PASSWORD_GRANT") != "0":
    fresh = msal.PublicClientApplication(client, authority=authority, instance_discovery=False)
    check("password", fresh.acquire_token_by_username_password(user, password, scopes))
else:
    print("password: not run, HMA_PASSWORD_GRANT=0")

if "HMA_CONFIDENTIAL" in os.environ:
    own = msal.ConfidentialClientApplication(os.environ["HMA_CONFIDENTIAL"], client_credential=os.environ["HMA_SECRET"],
                                             authority=authority, instance_discovery=False)
    check("client credentials", own.acquire_token_for_client(scopes), delegated=False)
