package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// dovecotConfig is Debian's Dovecot for one person on loopback, tuned for reading:
// no TLS, no disk flushes, a process for each service that waits already, and
// Maildir without looking whether somebody else changed it.
const dovecotConfig = `base_dir = %[1]s/run
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%[2]s
mail_uid = %[3]s
mail_gid = %[3]s
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
maildir_very_dirty_syncs = yes
mail_max_userip_connections = 100
auth_mechanisms = plain
passdb {
  driver = static
  args = password=bench
}
userdb {
  driver = static
  args = uid=%[3]s gid=%[3]s home=%[1]s
}
service imap-login {
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  process_min_avail = 1
}
service stats {
  chroot =
}
`

// errNoDovecot says that the peer is not installed.
var errNoDovecot = errors.New("dovecot is not installed")

// imapPeer is a connection to Dovecot with the INBOX open.
type imapPeer struct {
	cmd  *exec.Cmd
	conn net.Conn
	r    *bufio.Reader
	tag  int
}

// startDovecot serves messages, which lie one in a file in a folder, as the INBOX of one person.
func startDovecot(ctx context.Context, b *bench, messages int, message func(i int) []byte) (_ *imapPeer, err error) {
	program, err := exec.LookPath("dovecot")
	if err != nil {
		return nil, errNoDovecot
	}
	// Dovecot's processes are other users': their folders must be open to them.
	root, err := os.MkdirTemp("", "hma-bench-dovecot-")
	if err != nil {
		return nil, err
	}
	p := &imapPeer{}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	p.cmd = exec.CommandContext(ctx, program, "-F", "-c", filepath.Join(root, "dovecot.conf"))
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 5 * time.Second
	const user = "mail" // Debian has it everywhere
	maildir := filepath.Join(root, "Maildir")
	for _, dir := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(maildir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	for i := range messages {
		text := message(i)
		name := fmt.Sprintf("%d.M%dP1.bench,S=%d:2,S", 1_700_000_000+i, i, len(text))
		if err := os.WriteFile(filepath.Join(maildir, "cur", name), text, 0o644); err != nil {
			return nil, err
		}
	}
	if out, err := exec.Command("chown", "-R", user+":"+user, root).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("chown: %w: %s", err, out)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	if err := os.WriteFile(filepath.Join(root, "dovecot.conf"), fmt.Appendf(nil, dovecotConfig, root, maildir, user, n), 0o644); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	p.cmd.Stdout, p.cmd.Stderr = &said, &said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := awaitListener(ctx, address); err != nil {
		log, _ := os.ReadFile(filepath.Join(root, "log"))
		return nil, fmt.Errorf("dovecot does not listen: %w: %s%s", err, said.String(), log)
	}
	if p.conn, err = net.Dial("tcp", address); err != nil {
		return nil, err
	}
	p.r = bufio.NewReaderSize(p.conn, 256<<10)
	if _, err := p.r.ReadString('\n'); err != nil {
		return nil, fmt.Errorf("dovecot's greeting: %w", err)
	}
	for _, command := range []string{"LOGIN bench bench", "SELECT INBOX"} {
		if _, err := p.do(command); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *imapPeer) stop() {
	if p.conn != nil {
		p.conn.Close()
	}
	if p.cmd != nil && p.cmd.Process != nil {
		p.cmd.Process.Signal(os.Interrupt)
		p.cmd.Wait() // its status says no more
	}
	if p.cmd != nil {
		os.RemoveAll(filepath.Dir(p.cmd.Args[3]))
	}
}

// do sends a command and returns how many bytes of literals the answer had, and
// the last line before the tagged one.
func (p *imapPeer) do(command string) (answer imapAnswer, err error) {
	if err := p.send(command); err != nil {
		return answer, err
	}
	return p.receive()
}

// send sends a command without waiting for its answer.
func (p *imapPeer) send(command string) error {
	p.tag++
	_, err := fmt.Fprintf(p.conn, "a%d %s\r\n", p.tag, command)
	return err
}

// imapAnswer is what of an answer counts here.
type imapAnswer struct {
	literals int64  // bytes
	last     string // the last untagged line
}

// receive reads as far as the next tagged line.
func (p *imapPeer) receive() (answer imapAnswer, err error) {
	for {
		line, err := p.r.ReadSlice('\n')
		if err != nil {
			return answer, err
		}
		if line[0] == 'a' {
			if !bytes.Contains(line, []byte(" OK")) {
				return answer, fmt.Errorf("dovecot: %s", line)
			}
			return answer, nil
		}
		if open := bytes.LastIndexByte(line, '{'); open >= 0 && bytes.HasSuffix(line, []byte("}\r\n")) {
			n, err := strconv.Atoi(string(line[open+1 : len(line)-3]))
			if err != nil {
				return answer, err
			}
			if _, err := io.CopyN(io.Discard, p.r, int64(n)); err != nil {
				return answer, err
			}
			answer.literals += int64(n)
			continue
		}
		if line[0] == '*' {
			answer.last = strings.TrimSpace(string(line))
		}
	}
}
