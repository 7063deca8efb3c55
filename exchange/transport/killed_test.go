package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"hma/exchange/store"
	"hma/exchange/store/backup"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// The environment of the process that a drill kills.
const (
	drillFolder = "HMA_DRILL_FOLDER"
	drillWork   = "HMA_DRILL_WORK"
)

// TestKilled kills a process with signal 9 while it delivers, moves, deletes or
// saves mail, and holds that afterwards the mailboxes are whole and that what was
// acknowledged is there exactly once, or gone. HMA_DRILL=N does it N times each.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("HMA_DRILL")); err == nil {
		rounds = n
	}
	for name, drill := range map[string]func(*testing.T, string) error{"deliver": killedDelivery, "move": killedMove, "move away": killedMoveAway, "delete": killedDelete, "submit": killedSubmit, "backup": killedBackup} {
		t.Run(name, func(t *testing.T) {
			var dir string
			for round := range rounds {
				if round%10 == 0 { // what was killed is killed again, but does not grow without end
					dir = t.TempDir()
				}
				if err := drill(t, dir); err != nil {
					t.Fatalf("round %d: %v", round+1, err)
				}
			}
		})
	}
}

// TestKilledWork is the process that a drill kills: it works until then.
func TestKilledWork(t *testing.T) {
	dir := os.Getenv(drillFolder)
	if dir == "" {
		t.Skip("TestKilled starts this in a process of its own")
	}
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(dir, "mailbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPost(t, db)
	m := p.mailbox("ann")
	inbox, _ := m.RoleID(store.RoleInbox)
	archive, _ := m.RoleID(store.RoleArchive)
	say := func(words ...any) { fmt.Fprintln(os.Stdout, append([]any{"did"}, words...)...) }
	switch os.Getenv(drillWork) {
	case "deliver":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p.rules("ben", do(sendOn(redirect, "cleo@contoso.com")))
		say(listener.Addr())
		err = (&LMTP{Transport: p.Transport}).Serve(t.Context(), listener)
		t.Fatal(err)
	case "move", "move away", "delete":
		ben := p.mailbox("ben")
		away, _ := ben.RoleID(store.RoleInbox)
		for {
			page, err := m.List(t.Context(), store.Query{Folder: inbox, Limit: 200})
			if err != nil || len(page.Items) == 0 {
				t.Fatalf("%d items left, error %v", len(page.Items), err)
			}
			var wg sync.WaitGroup
			for part := range 4 { // so that writes share commits
				wg.Go(func() {
					for i := part; i < len(page.Items); i += 4 {
						var err error
						switch id := page.Items[i].ID; os.Getenv(drillWork) {
						case "move":
							_, err = m.MoveItem(t.Context(), id, archive)
						case "move away":
							_, err = m.MoveItemTo(t.Context(), id, ben, away)
						default:
							_, err = m.DeleteItem(t.Context(), id, store.HardDelete)
						}
						if err != nil {
							t.Error(err)
						}
						say(int64(page.Items[i].ID.Row))
					}
				})
			}
			wg.Wait()
		}
	case "submit":
		sent, _ := m.RoleID(store.RoleSentItems)
		page, err := m.List(t.Context(), store.Query{Folder: inbox, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 3 { // each message is submitted by all three
			wg.Go(func() {
				for _, item := range page.Items {
					_, receipt, err := p.SubmitItem(t.Context(), m, m, "S-1-5-21-ann", item.ID, nil, sent)
					if err == nil && receipt != nil {
						say(int64(item.ID.Row))
					} else if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	case "backup":
		for i := 0; ; i++ {
			say("begin")
			day := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Add(time.Duration(os.Getpid()) * time.Hour)
			path, _, err := backup.Make(t.Context(), p.cfg.Store, filepath.Join(dir, "backups"), func() time.Time { return day }, func(string) {}, func(f backup.Found) { t.Errorf("%+v", f) })
			if err != nil {
				t.Fatal(err)
			}
			say(path)
		}
	}
}

// work starts the process and returns what it says. It lives until kill.
func work(dir, what string) (said <-chan string, kill func(), err error) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWork$")
	cmd.Env = append(os.Environ(), drillFolder+"="+dir, drillWork+"="+what)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			if words, ok := strings.CutPrefix(in.Text(), "did "); ok {
				lines <- words
			}
		}
	}()
	return lines, func() { cmd.Process.Kill(); cmd.Wait() }, nil
}

// after opens what the killed process left, hands ann's mailbox to look, and holds that all mailboxes are whole.
func after(t *testing.T, dir string, look func(*post, *store.Mailbox) error) error {
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(dir, "mailbox.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	p := newPost(t, db)
	if err := look(p, p.mailbox("ann")); err != nil {
		return err
	}
	list, err := p.cfg.Store.Mailboxes(t.Context())
	if err != nil {
		return err
	}
	for _, id := range list {
		m, err := p.cfg.Store.FindMailbox(t.Context(), id)
		if err == nil {
			err = m.Check(t.Context(), false, func(d store.Damage) { t.Errorf("damaged: %+v", d) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// some waits until a process has said n lines, and a little longer.
func some(said <-chan string, n int) (lines []string, err error) {
	for range n {
		select {
		case line, ok := <-said:
			if !ok {
				return lines, fmt.Errorf("it ended by itself after %q", lines)
			}
			lines = append(lines, line)
		case <-time.After(20 * time.Second):
			return lines, fmt.Errorf("it does nothing after %q", lines)
		}
	}
	time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
	return lines, nil
}

// rows are the items of a folder by row key; twice is an error.
func rows(ctx context.Context, m *store.Mailbox, role store.Role) (map[string]string, error) {
	folder, err := m.RoleID(role)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for last := mapi.GlobCnt(0); ; {
		items, err := m.ItemsAfter(ctx, folder, last, 500, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}})
		if err != nil || len(items) == 0 {
			return found, err
		}
		for _, it := range items {
			last = it.CreatedCN
			key := fmt.Sprint(int64(it.ID.Row))
			if _, twice := found[key]; twice {
				return nil, fmt.Errorf("item %s is there twice", key)
			}
			found[key] = it.Props.String(mapi.PidTagSubject)
		}
	}
}

// killedDelivery has three clients deliver to two recipients by LMTP, one of whom
// has a rule that sends it on to a third. What could not be sent before the kill is
// sent afterwards, and nothing twice.
func killedDelivery(t *testing.T, dir string) error {
	said, kill, err := work(dir, "deliver")
	if err != nil {
		return err
	}
	defer kill()
	address, err := some(said, 1)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	acknowledged := map[string]int{}
	var clients sync.WaitGroup
	for n := range 3 {
		clients.Go(func() {
			conn, err := net.Dial("tcp", address[0])
			if err != nil {
				t.Error(err)
				return
			}
			c := smtp.NewClientLMTP(conn)
			defer c.Close()
			for i := 0; ; i++ {
				subject := fmt.Sprintf("%d of %d at %d", i, n, time.Now().UnixNano())
				text := crlf("Subject: "+subject, "", strings.Repeat("words ", rand.IntN(20_000)))
				if c.SendMail("carol@example.com", []string{"ann@contoso.com", "ben@contoso.com"}, strings.NewReader(text)) != nil {
					return // it was killed
				}
				mu.Lock()
				acknowledged[subject]++
				mu.Unlock()
			}
		})
	}
	// On a busy machine the first ones take their time.
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(acknowledged)
		mu.Unlock()
		if n >= 10 {
			break
		}
	}
	time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
	kill()
	clients.Wait()
	if len(acknowledged) == 0 {
		return fmt.Errorf("nothing was delivered before it was killed")
	}
	return after(t, dir, func(p *post, ann *store.Mailbox) error {
		if err := p.sendLater(); err != nil {
			return err
		}
		sent, err := rows(t.Context(), p.mailbox("cleo"), store.RoleInbox)
		if err != nil {
			return err
		}
		reason, err := rows(t.Context(), p.mailbox("ben"), store.RoleInbox)
		if err != nil {
			return err
		}
		balance := map[string]int{}
		for _, subject := range reason {
			balance[subject]++
		}
		for _, subject := range sent {
			balance[subject]--
		}
		for subject, n := range balance {
			if n != 0 {
				t.Errorf("%q came to ben %d times more often than to cleo", subject, n)
			}
		}
		for _, m := range []*store.Mailbox{ann, p.mailbox("ben")} {
			found, err := rows(t.Context(), m, store.RoleInbox)
			if err != nil {
				return err
			}
			times := map[string]int{}
			for _, subject := range found {
				times[subject]++
			}
			for subject := range acknowledged {
				if times[subject] != 1 {
					t.Errorf("%q was acknowledged and is there %d times", subject, times[subject])
				}
			}
			for subject, n := range times {
				if n > 1 {
					t.Errorf("%q is there %d times", subject, n)
				}
			}
		}
		t.Logf("%d acknowledged", len(acknowledged))
		return nil
	})
}

// stock puts n messages into ann's Inbox, with a MIME that others share.
func stock(t *testing.T, dir string, n int) (before map[string]string, err error) {
	err = after(t, dir, func(p *post, m *store.Mailbox) error {
		inbox, err := m.RoleID(store.RoleInbox)
		if err != nil {
			return err
		}
		items := make([]store.NewItem, n)
		for i := range items {
			contents := store.Contents{}
			items[i] = store.NewItem{Folder: inbox, MIME: contents.Add(fmt.Appendf(nil, "Subject: %d\r\n\r\n", i%7)), Contents: contents,
				Props: mapi.Bag{mapi.PidTagSubject: fmt.Sprint(i, " at ", time.Now().UnixNano())}}
		}
		if _, err := m.CreateItems(t.Context(), items); err != nil {
			return err
		}
		before, err = rows(t.Context(), m, store.RoleInbox)
		return err
	})
	return before, err
}

// killedBulk lets a process work through the Inbox until it is killed, and returns what it acknowledged.
func killedBulk(t *testing.T, dir, what string) (before map[string]string, done []string, err error) {
	if before, err = stock(t, dir, 2000); err != nil {
		return nil, nil, err
	}
	said, kill, err := work(dir, what)
	if err != nil {
		return nil, nil, err
	}
	defer kill()
	if done, err = some(said, 50+rand.IntN(300)); err != nil {
		return nil, nil, err
	}
	kill()
	for line := range said {
		done = append(done, line)
	}
	t.Logf("%d acknowledged", len(done))
	return before, done, nil
}

func killedMove(t *testing.T, dir string) error {
	before, done, err := killedBulk(t, dir, "move")
	if err != nil {
		return err
	}
	return after(t, dir, func(_ *post, m *store.Mailbox) error {
		inbox, err := rows(t.Context(), m, store.RoleInbox)
		if err != nil {
			return err
		}
		archive, err := rows(t.Context(), m, store.RoleArchive)
		if err != nil {
			return err
		}
		for row := range before {
			_, here := inbox[row]
			_, there := archive[row]
			if here == there {
				t.Errorf("item %s is in the inbox: %v, in the archive: %v", row, here, there)
			}
		}
		for _, row := range done {
			if _, there := archive[row]; !there {
				t.Errorf("item %s was moved and is not there", row)
			}
		}
		return nil
	})
}

// killedMoveAway moves to another mailbox, where the items have other row keys: their subjects tell which they are.
func killedMoveAway(t *testing.T, dir string) error {
	before, done, err := killedBulk(t, dir, "move away")
	if err != nil {
		return err
	}
	return after(t, dir, func(p *post, m *store.Mailbox) error {
		here, err := rows(t.Context(), m, store.RoleInbox)
		if err != nil {
			return err
		}
		there, err := rows(t.Context(), p.mailbox("ben"), store.RoleInbox)
		if err != nil {
			return err
		}
		times := map[string]int{}
		for _, subject := range there {
			times[subject]++
		}
		for row, subject := range before {
			n := times[subject]
			if _, still := here[row]; still {
				n++
			}
			if n != 1 {
				t.Errorf("item %s is there %d times", subject, n)
			}
		}
		for _, row := range done {
			if times[before[row]] != 1 {
				t.Errorf("item %s was moved and is there %d times", before[row], times[before[row]])
			}
		}
		return nil
	})
}

// killedSubmit has three ask to send each message. What was sent is filed, and comes to both who
// get it, once each, be it after the kill.
func killedSubmit(t *testing.T, dir string) error {
	before := map[string]string{}
	err := after(t, dir, func(p *post, m *store.Mailbox) error {
		drafts, err := m.RoleID(store.RoleInbox)
		if err != nil {
			return err
		}
		items := make([]store.NewItem, 400)
		for i := range items {
			items[i], err = Prepare(t.Context(), m, strings.NewReader(crlf("From: ann@contoso.com", "To: ben@contoso.com, cleo@contoso.com", fmt.Sprintf("Subject: %d at %d", i, time.Now().UnixNano()), "", strings.Repeat("words ", rand.IntN(2000)))))
			if err != nil {
				return err
			}
			items[i].Folder = drafts
		}
		if _, err := m.CreateItems(t.Context(), items); err != nil {
			return err
		}
		before, err = rows(t.Context(), m, store.RoleInbox)
		return err
	})
	if err != nil {
		return err
	}
	said, kill, err := work(dir, "submit")
	if err != nil {
		return err
	}
	defer kill()
	done, err := some(said, 20+rand.IntN(100))
	if err != nil {
		return err
	}
	kill()
	for line := range said {
		done = append(done, line)
	}
	t.Logf("%d acknowledged", len(done))
	return after(t, dir, func(p *post, m *store.Mailbox) error {
		if err := p.sendLater(); err != nil {
			return err
		}
		filed, err := rows(t.Context(), m, store.RoleSentItems)
		if err != nil {
			return err
		}
		for _, row := range done {
			if _, there := filed[row]; !there {
				t.Errorf("item %s was sent and is not filed", row)
			}
		}
		for _, name := range []string{"ben", "cleo"} {
			came, err := rows(t.Context(), p.mailbox(name), store.RoleInbox)
			if err != nil {
				return err
			}
			times := map[string]int{}
			for _, subject := range came {
				times[subject]++
			}
			for row, subject := range before {
				want := 0
				if _, sent := filed[row]; sent {
					want = 1
				}
				if times[subject] != want {
					t.Errorf("%q came to %s %d times, want %d", subject, name, times[subject], want)
				}
			}
		}
		// The next round begins with no drafts.
		inbox, err := m.RoleID(store.RoleInbox)
		if err != nil {
			return err
		}
		return m.EmptyFolder(t.Context(), inbox, store.HardDelete, false)
	})
}

func killedDelete(t *testing.T, dir string) error {
	before, done, err := killedBulk(t, dir, "delete")
	if err != nil {
		return err
	}
	return after(t, dir, func(_ *post, m *store.Mailbox) error {
		inbox, err := rows(t.Context(), m, store.RoleInbox)
		if err != nil {
			return err
		}
		for _, row := range done {
			if _, there := inbox[row]; there {
				t.Errorf("item %s was deleted and is there", row)
			}
		}
		// Four go at a time: no more are gone without having been acknowledged.
		if gone := len(before) - len(inbox); gone > len(done)+4 {
			t.Errorf("%d are gone, %d were deleted", gone, len(done))
		}
		return nil
	})
}

// killedBackup holds that what has a backup's name is whole, and that the next run begins anew.
func killedBackup(t *testing.T, dir string) error {
	if _, err := stock(t, dir, 500); err != nil {
		return err
	}
	said, kill, err := work(dir, "backup")
	if err != nil {
		return err
	}
	defer kill()
	if _, err := some(said, 1+2*rand.IntN(2)); err != nil { // in the first or the second one
		return err
	}
	time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
	kill()
	to := filepath.Join(dir, "backups")
	whole, err := filepath.Glob(filepath.Join(to, "mailbox-*"))
	if err != nil {
		return err
	}
	damaged := func(f backup.Found) { t.Errorf("%+v", f) }
	for _, folder := range whole {
		if _, err := backup.Verify(t.Context(), folder, time.Now, damaged); err != nil {
			t.Errorf("it has a backup's name and is none: %v", err)
		}
	}
	return after(t, dir, func(p *post, _ *store.Mailbox) error {
		path, _, err := backup.Make(t.Context(), p.cfg.Store, to, time.Now, func(string) {}, damaged)
		if err != nil {
			return err
		}
		left, err := filepath.Glob(filepath.Join(to, ".partial-*"))
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("left behind: %q", left)
		}
		t.Logf("%d whole before the kill", len(whole))
		for _, folder := range append(whole, path) {
			os.RemoveAll(folder) // the next round begins with none
		}
		return err
	})
}
