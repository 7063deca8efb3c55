package graph

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"hma/entra"
)

// keyCredential is one element of keyCredentials as a caller writes it. A list
// replaces the stored one; an element without a key keeps what is stored under
// its keyId, because keys are not read back with the list.
type keyCredential struct {
	ID       string    `json:"keyId"`
	Type     string    `json:"type"`
	Usage    string    `json:"usage"`
	Key      []byte    `json:"key"`
	Name     string    `json:"displayName"`
	CustomID []byte    `json:"customKeyIdentifier"`
	Starts   time.Time `json:"startDateTime"`
	Ends     time.Time `json:"endDateTime"`
}

const maxKeyName = 256

// readKeyCredentials reads a whole list; stored is what it replaces.
func readKeyCredentials(raw json.RawMessage, stored []entra.KeyCredential) ([]entra.KeyCredential, error) {
	var list []keyCredential
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return nil, badRequest("Invalid value specified for property 'keyCredentials'.")
	}
	keys := make([]entra.KeyCredential, 0, len(list))
	for _, k := range list {
		at := slices.IndexFunc(stored, func(s entra.KeyCredential) bool { return strings.EqualFold(s.ID, k.ID) })
		if len(k.Key) == 0 && at >= 0 {
			keys = append(keys, stored[at])
			continue
		}
		if k.Type != "AsymmetricX509Cert" || k.Usage != "Verify" {
			return nil, badRequest("A key credential must have the type AsymmetricX509Cert and the usage Verify.")
		}
		if len(k.Name) > maxKeyName || len(k.CustomID) > maxKeyName {
			return nil, badRequest("A name or identifier of a key credential is too long.")
		}
		made, err := entra.NewKeyCredential(k.Key, k.Name, k.Starts, k.Ends)
		if err != nil {
			return nil, refused(err, "")
		}
		if at >= 0 {
			made.ID = stored[at].ID
		}
		if len(k.CustomID) > 0 {
			made.CustomID = k.CustomID
		}
		keys = append(keys, made)
	}
	return keys, nil
}

// keyObjects are key credentials as they are read. The keys themselves are there
// only when a single object's keyCredentials were selected.
func keyObjects(keys []entra.KeyCredential, whole bool) []object {
	all := make([]object, 0, len(keys))
	for _, k := range keys {
		var key any
		if whole {
			key = base64.StdEncoding.EncodeToString(k.Certificate.Raw)
		}
		all = append(all, object{{"customKeyIdentifier", base64.StdEncoding.EncodeToString(k.CustomID)}, {"displayName", optional(k.DisplayName)},
			{"endDateTime", optionalTime(k.Ends)}, {"key", key}, {"keyId", k.ID}, {"startDateTime", optionalTime(k.Starts)},
			{"type", "AsymmetricX509Cert"}, {"usage", "Verify"}})
	}
	return all
}

// wholeKeys tells whether keyCredentials were selected by name.
func (req *request) wholeKeys() bool {
	return slices.ContainsFunc(req.options.selected, func(p string) bool { return strings.EqualFold(p, "keyCredentials") })
}

// refused turns a refusal of the directory into Graph's.
func refused(err error, id string) error {
	switch {
	case errors.Is(err, entra.ErrInvalid):
		return badRequest("Invalid value specified for a property: %s.", clip(strings.TrimSuffix(err.Error(), ": "+entra.ErrInvalid.Error())))
	case errors.Is(err, entra.ErrNotFound):
		return notFound(id)
	}
	return err
}
