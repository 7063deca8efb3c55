package lab

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Spoil asks the lab to make a bad token of a good one, signed with the cloud's
// own key: the one thing wrong with it is what was asked for.
type Spoil struct {
	Token    string `json:"token"`
	Expired  bool   `json:"expired,omitempty"`  // exp an hour ago
	Audience string `json:"audience,omitempty"` // aud as given
}

// Spoiled is the answer.
type Spoiled struct {
	Token string `json:"token"`
}

// SpoilPath is where the admin socket of a lab takes a Spoil.
const SpoilPath = "/lab/v1/token"

func (l *Lab) spoilToken(w http.ResponseWriter, r *http.Request) {
	var in Spoil
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	token, err := l.spoil(r, in)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(Spoiled{token}) // an error here is the connection's
}

func (l *Lab) spoil(r *http.Request, in Spoil) (string, error) {
	snapshot, err := l.Roles.Entra.Snapshot(r.Context())
	if err != nil {
		return "", fmt.Errorf("read keys: %w", err)
	}
	key := snapshot.Keys()[0]
	parsed, err := jwt.ParseSigned(in.Token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", fmt.Errorf("parse token: %w", err)
	}
	claims := map[string]any{}
	if err := parsed.Claims(key.Certificate.PublicKey, &claims); err != nil {
		return "", fmt.Errorf("the token is not this lab's: %w", err)
	}
	if in.Expired {
		hourAgo := l.Now().Unix() - 3600
		claims["exp"], claims["iat"], claims["nbf"] = hourAgo, hourAgo-3600, hourAgo-3600
	}
	if in.Audience != "" {
		claims["aud"] = in.Audience
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key.Private()},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.ID).WithHeader("x5t", key.ID))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}
