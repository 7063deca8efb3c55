package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Usage is how much a mailbox holds, and its limits as they were last taken up.
type Usage struct {
	Items       int64 // in normal views, Recoverable Items left out
	Associated  int64
	Size        int64 // bytes, Recoverable Items left out: what quotas are held against
	Deleted     int64 // items that can be recovered
	DeletedSize int64 // their bytes
	LastLogon   time.Time
	Info        MailboxInfo
}

// Status is how a mailbox stands to its quotas (Get-MailboxStatistics, StorageLimitStatus).
type Status string

// The states of a mailbox.
const (
	BelowLimit      Status = "BelowLimit"
	NoLimit         Status = "NoChecking"
	IssueWarning    Status = "IssueWarning"
	ProhibitSend    Status = "ProhibitSend"
	MailboxDisabled Status = "MailboxDisabled" // neither sends nor receives
)

// Status returns how the mailbox stands to its quotas.
func (u Usage) Status() Status {
	over := func(limit int64) bool { return limit > 0 && u.Size >= limit }
	switch {
	case over(u.Info.Quota):
		return MailboxDisabled
	case over(u.Info.SendQuota):
		return ProhibitSend
	case over(u.Info.WarnQuota):
		return IssueWarning
	case u.Info.Quota == 0 && u.Info.SendQuota == 0 && u.Info.WarnQuota == 0:
		return NoLimit
	}
	return BelowLimit
}

// recoverableFolders lists the fids of Recoverable Items for a condition.
var recoverableFolders = func() string {
	var list []string
	for _, role := range []Role{RoleRecoverableRoot, RoleRecoverableDeletions, RoleRecoverableVersions, RoleRecoverablePurges} {
		list = append(list, fmt.Sprint(fixed(role)))
	}
	return "(" + strings.Join(list, ", ") + ")"
}()

// recoverableSize returns the bytes in Recoverable Items.
func (m *Mailbox) recoverableSize(tx *writer) (size int64, err error) {
	err = tx.QueryRow("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM folder WHERE mailbox = $1 AND fid IN "+recoverableFolders, m.id).Scan(&size)
	return size, err
}

// Usage returns how much the mailbox holds, from the counters of its folders.
func (m *Mailbox) Usage(ctx context.Context) (Usage, error) {
	m, err := m.wholeGate()
	if err != nil {
		return Usage{}, err
	}
	return m.usage(ctx)
}

func (m *Mailbox) usage(ctx context.Context) (Usage, error) {
	u := Usage{Info: m.info}
	var logon int64
	err := m.store.db.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(CASE WHEN gone = 0 THEN total ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN gone = 0 THEN fai_count ELSE 0 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN gone = 0 THEN size ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN gone = 1 THEN total ELSE 0 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN gone = 1 THEN size ELSE 0 END), 0) AS BIGINT), (SELECT last_logon FROM mailbox WHERE id = $1)
		FROM (SELECT total, fai_count, size, CASE WHEN fid IN `+recoverableFolders+` THEN 1 ELSE 0 END AS gone FROM folder WHERE mailbox = $1) f`, m.id).
		Scan(&u.Items, &u.Associated, &u.Size, &u.Deleted, &u.DeletedSize, &logon)
	if err != nil {
		return u, fmt.Errorf("usage of mailbox %s: %w", m.guid, noRow(err))
	}
	if logon > 0 {
		u.LastLogon = fromMicros(logon)
	}
	return u, nil
}

// MaySend says ErrQuota where the mailbox is too full to send from, to whoever may send from it.
func (m *Mailbox) MaySend(ctx context.Context) error {
	if m.info.SendQuota == 0 && m.info.Quota == 0 {
		return nil
	}
	u, err := m.usage(ctx)
	if err != nil {
		return err
	}
	if s := u.Status(); s == ProhibitSend || s == MailboxDisabled {
		return fmt.Errorf("send from mailbox %s, which has %d bytes: %w", m.guid, u.Size, ErrQuota)
	}
	return nil
}

// logonEvery is how exact a mailbox's last logon is kept: each time would be a write for each request.
const logonEvery = 15 * time.Minute

// LoggedOn notes that its owner uses the mailbox.
func (m *Mailbox) LoggedOn(ctx context.Context) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	now := m.store.opts.Now()
	last := m.logon.Load()
	if now.UnixMicro()-last < logonEvery.Microseconds() || !m.logon.CompareAndSwap(last, now.UnixMicro()) {
		return nil
	}
	err = m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE mailbox SET last_logon = $2 WHERE id = $1 AND guid = $3", m.id, micros(now), column(m.guid))
		return err
	})
	if err != nil {
		return fmt.Errorf("logon to mailbox %s: %w", m.guid, err)
	}
	return nil
}

// warnEvery is how often the owner of a full mailbox is told.
const warnEvery = 24 * time.Hour

// ToWarn returns the mailboxes that are past their warning, or fuller, and whose
// owners were not told within a day; Warned notes that one was.
func (s *Store) ToWarn(ctx context.Context) ([]guid.GUID, error) {
	list, err := scanGUIDs(s.db.Query(ctx, `SELECT guid FROM mailbox m WHERE kind >= 0 AND warn_quota > 0 AND size >= warn_quota AND warned <= $1
		AND size - (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM folder WHERE mailbox = m.id AND fid IN `+recoverableFolders+`) >= warn_quota ORDER BY id`,
		micros(s.opts.Now().Add(-warnEvery))))
	if err != nil {
		return nil, fmt.Errorf("list full mailboxes: %w", err)
	}
	return list, nil
}

// Warned notes that the owner was told that the mailbox is full.
func (m *Mailbox) Warned(ctx context.Context) error {
	m, err := m.wholeGate()
	if err != nil {
		return err
	}
	return m.store.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec("UPDATE mailbox SET warned = $2 WHERE id = $1", m.id, micros(m.store.opts.Now()))
		return err
	})
}
