package ews

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hma/exchange/org"
)

// stream is the answer to a request that is told piece by piece.
type stream struct {
	mu     sync.Mutex
	header http.Header
	text   strings.Builder
	stuck  chan struct{} // when set, writing waits for it
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}

func (s *stream) Write(p []byte) (int, error) {
	if s.stuck != nil {
		<-s.stuck
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// take returns what came since the last call.
func (s *stream) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// listen opens a stream of Anna's, or of another's, in the background.
func (w *world) listen(ctx context.Context, who *org.Recipient, s *stream, ids ...string) {
	s.header = http.Header{}
	body := wrap(`<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>` + strings.Join(ids, "</t:SubscriptionId><t:SubscriptionId>") +
		`</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>2</m:ConnectionTimeout></m:GetStreamingEvents>`)
	r := w.request(who, strings.NewReader(body))
	r.Request = r.Request.WithContext(ctx)
	go w.door.ServeDoor(s, r)
}

var subscriptionText = regexp.MustCompile(`<m:SubscriptionId>([^<]+)`)

// subscribe subscribes as Anna to the inbox, or to all folders.
func (w *world) subscribe(all bool) string {
	w.t.Helper()
	where, folders := "", `<t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>`
	if all {
		where, folders = ` SubscribeToAllFolders="true"`, ""
	}
	_, answer := w.ask(wrap(`<m:Subscribe><m:StreamingSubscriptionRequest` + where + `>` + folders +
		`<t:EventTypes><t:EventType>NewMailEvent</t:EventType><t:EventType>MovedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`))
	found := subscriptionText.FindStringSubmatch(answer)
	if found == nil {
		w.t.Fatal(answer)
	}
	return found[1]
}

// TestStreaming holds what a stream tells, and when: the first word at once, events
// as they come, a sign of life, the last word; and what was missed between two
// connections is told by the next.
func TestStreaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.opts.Now = time.Now
		w.door = New(w.store, w.mail, w.opts)
		inbox, all := w.subscribe(false), w.subscribe(true)
		s := &stream{}
		w.listen(t.Context(), w.anna, s, inbox, all)
		synctest.Wait()
		if got := s.take(); strings.Count(got, "<?xml") != 1 || !strings.Contains(got, "<m:ConnectionStatus>OK<") {
			t.Errorf("at once: %s", got)
		}
		w.deliver(plainMail)
		synctest.Wait()
		got := s.take()
		if strings.Count(got, "<t:NewMailEvent>") != 2 || strings.Contains(got, "Watermark") || strings.Contains(got, "CreatedEvent") || !strings.Contains(got, inbox) || !strings.Contains(got, all) {
			t.Errorf("new mail: %s", got)
		}
		w.ask(create("SaveOnly", `<t:Message><t:Subject>x</t:Subject></t:Message>`))
		synctest.Wait()
		if got := s.take(); got != "" {
			t.Errorf("nothing that was asked for: %s", got)
		}
		time.Sleep(46 * time.Second)
		synctest.Wait()
		if got := s.take(); strings.Count(got, "<m:ConnectionStatus>OK<") != 1 {
			t.Errorf("a sign of life: %s", got)
		}
		time.Sleep(80 * time.Second)
		synctest.Wait()
		if got := s.take(); !strings.HasSuffix(got, "</Envelope>") || !strings.Contains(got, "<m:ConnectionStatus>Closed<") {
			t.Errorf("the last word: %s", got)
		}
		if _, answer := w.ask(wrap(w.fill(`<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="junkemail"/></m:ToFolderId><m:ItemIds><t:ItemId Id="{item0}"/></m:ItemIds></m:MoveItem>`))); !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		w.listen(t.Context(), w.anna, s, inbox)
		synctest.Wait()
		if got := s.take(); strings.Count(got, "<t:MovedEvent>") != 1 || !strings.Contains(got, "<t:OldItemId") {
			t.Errorf("between two connections: %s", got)
		}
		// A second connection takes the subscription over; ending it ends that one.
		second := &stream{}
		w.listen(t.Context(), w.anna, second, inbox)
		synctest.Wait()
		if got := s.take(); !strings.Contains(got, "ErrorNewEventStreamConnectionOpened") {
			t.Errorf("the older connection: %s", got)
		}
		w.ask(wrap(`<m:Unsubscribe><m:SubscriptionId>` + inbox + `</m:SubscriptionId></m:Unsubscribe>`))
		synctest.Wait()
		if got := second.take(); !strings.Contains(got, "ErrorSubscriptionNotFound") {
			t.Errorf("unsubscribed: %s", got)
		}
	})
}

// TestStreamTakenOver holds that a connection which lost one of its subscriptions to
// another lets all of them go, and that one that names a subscription twice keeps it.
func TestStreamTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		inbox, all := w.subscribe(false), w.subscribe(true)
		served := func() int {
			w.door.streams.mu.Lock()
			defer w.door.streams.mu.Unlock()
			return len(w.door.streams.of)
		}
		first, second := &stream{}, &stream{}
		w.listen(t.Context(), w.anna, first, inbox, all, inbox)
		synctest.Wait()
		if got := first.take(); !strings.Contains(got, "<m:ConnectionStatus>OK<") || strings.Contains(got, "ErrorNew") || served() != 2 {
			t.Errorf("one subscription twice: %s, %d are served", got, served())
		}
		w.deliver(plainMail)
		synctest.Wait()
		if got := first.take(); strings.Count(got, inbox) != 1 {
			t.Errorf("one subscription twice is told once: %s", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.listen(ctx, w.anna, second, inbox)
		synctest.Wait()
		if got := first.take(); !strings.Contains(got, "ErrorNewEventStreamConnectionOpened") || served() != 1 {
			t.Errorf("one of two taken over: %s, %d are served", got, served())
		}
		cancel()
		synctest.Wait()
		if got := second.take(); strings.Contains(got, "ErrorNew") || served() != 0 {
			t.Errorf("the last one went: %s, %d are served", got, served())
		}
	})
}

// TestStreamLimits holds that subscriptions are their owner's, and connections few.
func TestStreamLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.subscribe(false)
		other := &stream{}
		w.listen(t.Context(), w.bob, other, id)
		synctest.Wait()
		if got := other.take(); !strings.Contains(got, "ErrorSubscriptionNotFound") || !strings.Contains(got, "<m:ErrorSubscriptionIds>") {
			t.Errorf("another's: %s", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var open []*stream
		for range maxStreams + 1 {
			s := &stream{}
			w.listen(ctx, w.anna, s, w.subscribe(true))
			open = append(open, s)
			synctest.Wait()
		}
		if got := open[maxStreams].take(); !strings.Contains(got, "ErrorExceededConnectionCount") {
			t.Errorf("one too many: %s", got)
		}
		cancel()
		synctest.Wait()
		for _, s := range open[:maxStreams] {
			if got := s.take(); strings.Count(got, "<?xml") != 1 {
				t.Errorf("a client that went is told nothing: %s", got)
			}
		}
		s := &stream{}
		ctx, cancel = context.WithCancel(t.Context())
		w.listen(ctx, w.anna, s, id)
		synctest.Wait()
		if got := s.take(); !strings.Contains(got, "<m:ConnectionStatus>OK<") {
			t.Errorf("places are given back: %s", got)
		}
		cancel()
		synctest.Wait()
	})
}

// TestSlowReader holds that a client that does not read delays neither the one who
// delivers nor another reader.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		slow, quick := &stream{stuck: make(chan struct{})}, &stream{}
		w.listen(ctx, w.anna, slow, w.subscribe(true))
		w.listen(ctx, w.anna, quick, w.subscribe(true))
		synctest.Wait()
		for range 5 {
			w.deliver(plainMail)
		}
		synctest.Wait()
		if got := quick.take(); strings.Count(got, "<t:NewMailEvent>") != 5 {
			t.Errorf("the quick reader: %s", got)
		}
		close(slow.stuck)
		synctest.Wait()
		if got := slow.take(); strings.Count(got, "<t:NewMailEvent>") != 5 {
			t.Errorf("the slow reader, afterwards: %s", got)
		}
		cancel()
		synctest.Wait()
	})
}

// TestPull holds that a watermark is a place: the same one tells the same again,
// the last one nothing.
func TestPull(t *testing.T) {
	w := newWorld(t)
	_, answer := w.ask(wrap(`<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>1</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`))
	id := subscriptionText.FindStringSubmatch(answer)[1]
	mark := regexp.MustCompile(`Watermark>([^<]+)`)
	look := func(from string) string {
		_, answer := w.ask(wrap(`<m:GetEvents><m:SubscriptionId>` + id + `</m:SubscriptionId><m:Watermark>` + from + `</m:Watermark></m:GetEvents>`))
		return answer
	}
	begin := mark.FindStringSubmatch(answer)[1]
	for range 3 {
		w.deliver(plainMail)
	}
	first := look(begin)
	if strings.Count(first, "<t:CreatedEvent>") != 3 || look(begin) != first {
		t.Errorf("twice from one watermark: %s", first)
	}
	marks := mark.FindAllStringSubmatch(first, -1) // PreviousWatermark is the first
	if len(marks) != 4 {
		t.Fatal(first)
	}
	if got := look(marks[1][1]); strings.Count(got, "<t:CreatedEvent>") != 2 {
		t.Errorf("from the first event: %s", got)
	}
	last := look(marks[3][1])
	if !strings.Contains(last, "<t:StatusEvent><t:Watermark>") || strings.Contains(last, "CreatedEvent") {
		t.Errorf("nothing new: %s", last)
	}
	for name, from := range map[string]string{"no watermark": "x", "of the future": watermark(1 << 40)} {
		if got := look(from); !strings.Contains(got, "ErrorInvalidWatermark") {
			t.Errorf("%s: %s", name, got)
		}
	}
	_, answer = w.ask(wrap(`<m:Subscribe><m:PullSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes><t:Watermark>` +
		watermark(1<<63) + `</t:Watermark><t:Timeout>10</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`))
	if !strings.Contains(answer, "ErrorInvalidWatermark") {
		t.Errorf("a subscription from a mark past every number: %s", answer)
	}
}
