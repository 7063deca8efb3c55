package entra

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hma/internal/sqldb"
)

// Device is what a device code stands for.
type Device struct {
	Tenant   string // GUID, or empty when it was asked for under common or organizations
	AppID    string
	Scopes   string
	Resource string
}

// Life and pace of device codes (RFC 8628).
const (
	DeviceLife     = 15 * time.Minute
	DeviceInterval = 5 * time.Second
)

// Answers to a device that polls, beside ErrCodeUnknown and ErrCodeExpired.
var (
	ErrPending  = errors.New("nobody has signed in for this device code yet")
	ErrDeclined = errors.New("the person declined")
	ErrSlowDown = errors.New("the device polls too fast")
)

const (
	devicePending  = "pending"
	deviceApproved = "approved"
	deviceDeclined = "declined"
	deviceRedeemed = "redeemed"
)

// userCodeLetters leaves out what people confuse: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
const userCodeLetters = "ACDEFGHJKMNPQRTWXY34679"

func newUserCode() string {
	var code strings.Builder
	for code.Len() < 9 {
		var b [1]byte
		rand.Read(b[:])
		// Beyond the last whole multiple letters would not be equally likely.
		if n := int(b[0]); n < 256/len(userCodeLetters)*len(userCodeLetters) {
			code.WriteByte(userCodeLetters[n%len(userCodeLetters)])
		}
	}
	return code.String()
}

// foldUserCode is a typed code as it is compared.
func foldUserCode(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

// IssueDeviceCode stores dev and returns the device's code and the one that a person types.
func (d *Directory) IssueDeviceCode(ctx context.Context, dev Device) (deviceCode, userCode string, err error) {
	body, err := json.Marshal(dev)
	if err != nil {
		return "", "", fmt.Errorf("issue device code: %w", err)
	}
	deviceCode, userCode = newCode(), newUserCode()
	now := d.now()
	err = d.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("DELETE FROM device_code WHERE expires < $1", micros(now.Add(-DeviceLife))); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO device_code (hash, user_code, body, state, sign_in, polled, expires) VALUES ($1, $2, $3, $4, '', 0, $5)",
			tokenHash(deviceCode), userCode, string(body), devicePending, micros(now.Add(DeviceLife)))
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("issue device code: %w", err)
	}
	return deviceCode, userCode, nil
}

// DeviceByUserCode finds a device code that still waits for a person, by what
// the person typed; ErrCodeUnknown or ErrCodeExpired.
func (d *Directory) DeviceByUserCode(ctx context.Context, userCode string) (*Device, error) {
	var body, state string
	var expires int64
	err := d.db.QueryRow(ctx, "SELECT body, state, expires FROM device_code WHERE user_code = $1", foldUserCode(userCode)).Scan(&body, &state, &expires)
	switch {
	case isNoRows(err):
		return nil, ErrCodeUnknown
	case err != nil:
		return nil, fmt.Errorf("read device code: %w", err)
	case d.now().UnixMicro() >= expires:
		return nil, ErrCodeExpired
	case state != devicePending:
		return nil, ErrCodeUnknown
	}
	dev := new(Device)
	if err := json.Unmarshal([]byte(body), dev); err != nil {
		return nil, fmt.Errorf("read device code: %w", err)
	}
	return dev, nil
}

// DecideDevice lets a signed-in person approve or decline a waiting device.
func (d *Directory) DecideDevice(ctx context.Context, userCode string, approve bool, s SignIn) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("decide device code: %w", err)
	}
	state := deviceDeclined
	if approve {
		state = deviceApproved
	}
	return d.db.Write(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec("UPDATE device_code SET state = $2, sign_in = $3 WHERE user_code = $1 AND state = $4 AND expires > $5",
			foldUserCode(userCode), state, string(body), devicePending, micros(d.now()))
		if err := needRow(res, err, "device code", ""); errors.Is(err, ErrNotFound) {
			return ErrCodeUnknown
		} else if err != nil {
			return fmt.Errorf("decide device code: %w", err)
		}
		return nil
	})
}

// PollDevice answers a device: with the sign-in, once, when a person has
// approved; else with ErrPending, ErrSlowDown, ErrDeclined, ErrCodeExpired or
// ErrCodeUnknown. accept is asked before the code is spent and may refuse.
func (d *Directory) PollDevice(ctx context.Context, deviceCode string, accept func(*Device, SignIn, *User) error) (*Device, SignIn, *User, error) {
	hash := tokenHash(deviceCode)
	now := d.now()
	var dev *Device
	var s SignIn
	var user *User
	var refused error
	err := d.db.Write(ctx, func(tx *sqldb.Tx) error {
		dev, s, user, refused = nil, SignIn{}, nil, nil
		var body, state, signIn string
		var polled, expires int64
		err := tx.QueryRow("SELECT body, state, sign_in, polled, expires FROM device_code WHERE hash = $1", hash).Scan(&body, &state, &signIn, &polled, &expires)
		switch {
		case isNoRows(err):
			return ErrCodeUnknown
		case err != nil:
			return err
		case now.UnixMicro() >= expires:
			return ErrCodeExpired
		case state == deviceDeclined:
			return ErrDeclined
		case state == deviceRedeemed:
			return ErrCodeRedeemed
		case state == devicePending:
			refused = ErrPending
			// A second of grace: a client's timer is not ours.
			if polled != 0 && now.UnixMicro()-polled < (DeviceInterval-time.Second).Microseconds() {
				refused = ErrSlowDown
			}
			_, err := tx.Exec("UPDATE device_code SET polled = $2 WHERE hash = $1", hash, micros(now))
			return err
		}
		found := new(Device)
		if err := json.Unmarshal([]byte(body), found); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(signIn), &s); err != nil {
			return err
		}
		u, err := signedIn(tx, s)
		if err != nil {
			return err
		}
		if err := accept(found, s, u); err != nil {
			return err
		}
		res, err := tx.Exec("UPDATE device_code SET state = $2 WHERE hash = $1 AND state = $3", hash, deviceRedeemed, deviceApproved)
		if err := needRow(res, err, "device code", ""); errors.Is(err, ErrNotFound) {
			return ErrCodeRedeemed
		} else if err != nil {
			return err
		}
		dev, user = found, u
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, SignIn{}, nil, err
	}
	return dev, s, user, nil
}
