"""The password grant at the organisation's own authority, which HMA_TOKEN_URL and
HMA_SCOPE name."""
import os

from exchangelib import OAuth2LegacyCredentials


class Password(OAuth2LegacyCredentials):
    @property
    def token_url(self):
        return os.environ["HMA_TOKEN_URL"]

    @property
    def scope(self):
        return os.environ["HMA_SCOPE"].split()
