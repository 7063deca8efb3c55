package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hma/client/adminapi"
	"hma/lab"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestMain lets the test binary play hma: scripts run it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hma": main})
}

// TestScripts plays testdata/*.txtar: the commands as a user meets them.
// Each script has a folder and labs of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"refused": refused,
			"await":   await,
			"sigterm": sigterm,
			"json":    jsonValue,
			"setenv":  setenv,
			"ask":     ask,
			"lease":   lease,
			"stable":  stable,
		},
	})
}

// condition: [namespaces] is whether this user may make mount and network namespaces.
func condition(name string) (bool, error) {
	if name != "namespaces" {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	return exec.Command("unshare", "-rmn", "mount", "-t", "tmpfs", "tmpfs", os.TempDir()).Run() == nil, nil
}

// exits N PROGRAM ARGS... runs a program, which must exit with code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// refused N PROGRAM ARGS... is exits with one line on standard error and nothing else.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, args)
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("%s was refused and printed %q", strings.Join(args[1:], " "), out)
	}
	if line := ts.ReadFile("stderr"); !regexp.MustCompile(`\Ahma: [^\n]+\n\z`).MatchString(line) {
		ts.Fatalf("%s was refused with %q, want one line", strings.Join(args[1:], " "), line)
	}
}

// patience bounds every wait for another process.
const patience = time.Minute

// await FILE waits for a file. A lab is ready when its endpoints.json is there.
func await(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: waited %s", args[0], patience)
		}
	}
}

// sigterm DIR sends SIGTERM to the lab that runs on the data directory.
func sigterm(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(syscall.Kill(endpointsOf(ts, args[0]).PID, syscall.SIGTERM))
}

func endpointsOf(ts *testscript.TestScript, dir string) *lab.Endpoints {
	e, err := lab.ReadEndpoints(ts.MkAbs(dir))
	ts.Check(err)
	return e
}

// at returns the value at a path such as runs.0.outcome; len is the length of a
// list, keys are the sorted names of an object's members.
func at(ts *testscript.TestScript, file, path string) string {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s is no JSON document: %v", file, err)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			if name == "keys" {
				v = strings.Join(slices.Sorted(maps.Keys(x)), ",")
			} else {
				v = x[name]
			}
		case []any:
			if name == "len" {
				v = len(x)
			} else if i, err := strconv.Atoi(name); err == nil && i < len(x) {
				v = x[i]
			} else {
				v = nil
			}
		default:
			v = nil
		}
	}
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	return string(text)
}

// json FILE PATH VALUE compares a value of a JSON document.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json file path value")
	}
	if got := at(ts, args[0], args[1]); (got == args[2]) == neg {
		ts.Fatalf("%s is %s, want (not: %v) %s", args[1], got, neg, args[2])
	}
}

// setenv NAME FILE PATH keeps a value of a JSON document.
func setenv(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], at(ts, args[1], args[2]))
}

// ask DIR METHOD URL TOKENFILE [BODYFILE] sends one request with a bearer token to the lab and
// prints status, header and body of the answer.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	e := endpointsOf(ts, args[0])
	ca, err := os.ReadFile(e.CA)
	ts.Check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	hc := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	body := ""
	if len(args) > 4 {
		body = ts.ReadFile(args[4])
	}
	req, err := http.NewRequest(args[1], args[2], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[3])))
	resp, err := hc.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n", resp.StatusCode)
	resp.Header.Write(ts.Stdout())
	fmt.Fprintf(ts.Stdout(), "\n%s\n", text)
}

// lease DIR NAME holds the procedure's lock as somebody of that name until the script ends.
func lease(ts *testscript.TestScript, neg bool, args []string) {
	release, _, err := adminapi.Dial(endpointsOf(ts, args[0]).AdminSocket).Lease(context.Background(), args[1])
	ts.Check(err)
	ts.Defer(release)
}

var unstable = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`localhost:\d+`), "localhost:PORT"},
	{regexp.MustCompile(`[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`), "GUID"},
	{regexp.MustCompile(`\d{8}-\d{6}-[a-z0-9]{4}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`certificate until \d{4}-\d\d-\d\d`), "certificate until DATE"},
	{regexp.MustCompile(`"operator": "[^"]+"`), `"operator": "WHO"`},
}

// stable FILE prints the file without what differs from run to run.
func stable(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, u := range unstable {
		text = u.pattern.ReplaceAllString(text, u.instead)
	}
	io.WriteString(ts.Stdout(), text)
}
