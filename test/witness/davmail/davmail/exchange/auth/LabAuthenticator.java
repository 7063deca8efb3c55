package davmail.exchange.auth;

import davmail.Settings;
import davmail.http.HttpClientAdapter;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Paths;

/**
 * Gives DavMail an access token for the lab. DavMail 6.0 knows Microsoft's own
 * authority alone, but takes a class that it is told of (davmail.authenticator).
 * The token lies in a file named as the user in the folder hma.tokens: clients
 * such as mbsync have no room for one in place of a password.
 */
public class LabAuthenticator implements ExchangeAuthenticator {
    private String username;
    private String password;
    private O365Token token;

    public void setUsername(String username) { this.username = username; }

    public void setPassword(String password) { this.password = password; }

    public void authenticate() throws IOException {
        token = new O365Token("", "", "");
        token.setAccessToken(new String(Files.readAllBytes(Paths.get(Settings.getProperty("hma.tokens"), username))).trim());
    }

    public O365Token getToken() { return token; }

    public URI getExchangeUri() { return URI.create(Settings.getProperty("davmail.url")); }

    public HttpClientAdapter getHttpClientAdapter() { return new HttpClientAdapter(getExchangeUri(), username, password, true); }
}
