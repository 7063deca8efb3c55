package corpus

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Person is somebody of the lab. Given is how friends write to them; the first
// word of Name when empty.
type Person struct {
	Name    string
	Address string
	Given   string
}

func (p Person) given() string {
	if p.Given != "" {
		return p.Given
	}
	first, _, _ := strings.Cut(p.Name, " ")
	return first
}

// Message is one message with its envelope.
type Message struct {
	From string   // reverse path
	To   []string // people of the lab only, each once
	Date time.Time
	// Read tells that its readers have seen it: true of most that are some days old.
	Read  bool
	Bytes []byte
}

// days is how far back the mail goes.
const days = 60

// ErrNoPeople is what Messages says when there is nobody to write to.
var ErrNoPeople = errors.New("nobody to write to")

// Messages makes n messages to people, oldest first, dated within the 60 days
// before now. The same seed, now, people and n give the same bytes. Making stops at the first error.
func Messages(seed uint64, now time.Time, people []Person, n int) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if len(people) == 0 && n > 0 {
			yield(Message{}, ErrNoPeople)
			return
		}
		g := &generator{rng: rand.New(rand.NewPCG(seed, 0x636f72707573)), now: now.UTC().Truncate(time.Second), people: people}
		for _, d := range g.plan(n) {
			m, err := d.render()
			if err != nil {
				yield(Message{}, fmt.Errorf("make message %q: %w", d.subject, err))
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// generator draws from one source of chance, so that the order of its calls is part of what a seed means.
type generator struct {
	rng    *rand.Rand
	now    time.Time
	people []Person
	count  int // drafts so far, for ids
	next   map[string]int
}

// kinds are the sorts of message with their shares. A maker returns at least one
// draft and at most room.
var kinds = []struct {
	share int
	make  func(g *generator, room int) []*draft
}{
	{5, (*generator).thread}, // several messages each time
	{16, (*generator).note},
	{20, (*generator).rich},
	{13, (*generator).attached},
	{7, (*generator).pictured},
	{16, (*generator).foreign},
	{9, (*generator).newsletter},
	{6, (*generator).notice},
	{5, (*generator).calendar},
}

func (g *generator) plan(n int) []*draft {
	total := 0
	for _, k := range kinds {
		total += k.share
	}
	var drafts []*draft
	for turn := 0; len(drafts) < n; turn++ {
		// The first round takes every kind once, so that a small lab has all of them.
		kind := turn
		if turn >= len(kinds) {
			at := g.rng.IntN(total)
			for kind = 0; at >= kinds[kind].share; kind++ {
				at -= kinds[kind].share
			}
		}
		drafts = append(drafts, kinds[kind].make(g, n-len(drafts))...)
	}
	slices.SortStableFunc(drafts, func(a, b *draft) int { return a.date.Compare(b.date) })
	for _, d := range drafts {
		d.read = g.now.Sub(d.date) > 4*24*time.Hour && g.rng.IntN(12) > 0
	}
	return drafts
}

// turn walks through a list of n texts in an order of its own, so that nothing repeats before all was there.
func (g *generator) turn(name string, n int) int {
	if g.next == nil {
		g.next = map[string]int{}
	}
	i, ok := g.next[name]
	if !ok {
		i = g.rng.IntN(n)
	}
	g.next[name] = i + 1
	return i % n
}

// when is a moment of a working day in the last 60 days, at least margin before now.
func (g *generator) when(margin time.Duration) time.Time {
	back := margin + time.Duration(g.rng.Int64N(int64(days*24*time.Hour-2*time.Hour-margin)))
	t := g.now.Add(-back).Truncate(time.Second)
	for t.Hour() < 7 || t.Hour() > 18 || t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		t = t.Add(-6 * time.Hour)
		if g.now.Sub(t) > days*24*time.Hour {
			return g.now.Add(-back).Truncate(time.Second)
		}
	}
	return t
}

// draft begins a message; body and parts are the caller's.
func (g *generator) draft(from Person, to []Person, date time.Time, subject string) *draft {
	g.count++
	d := &draft{from: from, to: to, date: date, subject: subject, seed: g.rng.Uint64()}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	d.id = fmt.Sprintf("<%s.%d.%06x@%s>", date.Format("20060102150405"), g.count, g.rng.IntN(1<<24), domain)
	return d
}

// readers picks one to three people, other than the author.
func (g *generator) readers(author Person, most int) []Person {
	var others []Person
	for _, i := range g.rng.Perm(len(g.people)) {
		if g.people[i].Address != author.Address {
			others = append(others, g.people[i])
		}
	}
	if len(others) == 0 {
		return []Person{author} // a lab of one: notes to self
	}
	return others[:1+g.rng.IntN(min(most, len(others)))]
}

func (g *generator) colleague() Person { return g.people[g.rng.IntN(len(g.people))] }

// fill writes names and numbers into a text: {to}, {from}, {day}, {n}, {month}.
func (g *generator) fill(text string, from Person, to []Person, date time.Time) string {
	names := "all"
	if len(to) == 1 {
		names = to[0].given()
	}
	day := time.Monday + time.Weekday(g.rng.IntN(5))
	return strings.NewReplacer(
		"{to}", names, "{from}", from.given(), "{day}", day.String(),
		"{n}", fmt.Sprint(3+g.rng.IntN(40)), "{month}", date.Month().String(), "{date}", date.AddDate(0, 0, 6).Format("2 January"),
	).Replace(text)
}

func (g *generator) note(int) []*draft {
	n := notes[g.turn("notes", len(notes))]
	from := g.colleague()
	if g.rng.IntN(4) == 0 {
		from = outside[g.rng.IntN(len(outside))]
	}
	to := g.readers(from, 2)
	d := g.draft(from, to, g.when(0), "")
	d.subject = g.fill(n.subject, from, to, d.date)
	d.text = g.fill(n.body, from, to, d.date)
	return []*draft{d}
}

func (g *generator) rich(int) []*draft {
	n := richNotes[g.turn("rich", len(richNotes))]
	from := g.colleague()
	to := g.readers(from, 3)
	d := g.draft(from, to, g.when(0), "")
	d.subject = g.fill(n.subject, from, to, d.date)
	d.html = g.fill(n.body, from, to, d.date)
	d.important = g.rng.IntN(6) == 0
	return []*draft{d}
}

func (g *generator) attached(int) []*draft {
	n := fileNotes[g.turn("files", len(fileNotes))]
	from := g.colleague()
	if n.outside {
		from = outside[g.rng.IntN(len(outside))]
	}
	to := g.readers(from, 2)
	d := g.draft(from, to, g.when(0), "")
	d.subject = g.fill(n.subject, from, to, d.date)
	d.text = g.fill(n.body, from, to, d.date)
	for _, name := range n.files {
		d.files = append(d.files, g.file(g.fill(name, from, to, d.date), d))
	}
	return []*draft{d}
}

func (g *generator) pictured(int) []*draft {
	n := pictureNotes[g.turn("pictures", len(pictureNotes))]
	from := g.colleague()
	to := g.readers(from, 3)
	d := g.draft(from, to, g.when(0), "")
	d.subject = g.fill(n.subject, from, to, d.date)
	picture := g.file("image001.png", d)
	picture.id = fmt.Sprintf("image001.%08x@contoso.com", uint32(d.seed))
	d.html = strings.ReplaceAll(g.fill(n.body, from, to, d.date), "{image}", `<img src="cid:`+picture.id+`" width="320" height="160" alt="Chart">`)
	d.files = append(d.files, picture)
	return []*draft{d}
}

func (g *generator) foreign(int) []*draft {
	n := foreignNotes[g.turn("foreign", len(foreignNotes))]
	to := g.readers(n.from, 1)
	d := g.draft(n.from, to, g.when(0), n.subject)
	d.text = strings.ReplaceAll(n.body, "{to}", to[0].given())
	d.charset = n.charset
	if n.file != "" {
		d.files = append(d.files, g.file(n.file, d))
	}
	return []*draft{d}
}

func (g *generator) newsletter(int) []*draft {
	n := newsletters[g.turn("newsletters", len(newsletters))]
	d := g.draft(n.from, g.readers(n.from, 3), g.when(0), "")
	d.subject = g.fill(n.subject, n.from, d.to, d.date)
	d.html = newsletterHTML(n, g.fill(n.body, n.from, d.to, d.date))
	d.list = true
	return []*draft{d}
}

func (g *generator) notice(int) []*draft {
	n := notices[g.turn("notices", len(notices))]
	from := g.colleague()
	to := g.readers(from, len(g.people))
	d := g.draft(from, to, g.when(0), "")
	d.subject = g.fill(n.subject, from, to, d.date)
	d.text = g.fill(n.body, from, to, d.date)
	return []*draft{d}
}

func (g *generator) calendar(int) []*draft {
	n := events[g.turn("events", len(events))]
	from := outside[g.rng.IntN(len(outside))]
	to := g.readers(from, 2)
	d := g.draft(from, to, g.when(0), n.subject)
	d.text = g.fill(n.body, from, to, d.date)
	start := d.date.AddDate(0, 0, 3+g.rng.IntN(9)).Truncate(24 * time.Hour).Add(time.Duration(8+g.rng.IntN(8)) * time.Hour)
	d.files = append(d.files, &file{name: "invite.ics", contentType: "text/calendar; charset=utf-8; method=PUBLISH", data: icalendar(n.subject, n.place, d.id, d.date, start)})
	return []*draft{d}
}

// thread makes a conversation: everybody answers the one before and quotes it.
func (g *generator) thread(room int) []*draft {
	t := threads[g.turn("threads", len(threads))]
	first := g.colleague()
	members := append([]Person{first}, g.readers(first, 2)...)
	long := time.Duration(len(t.lines)) * 20 * time.Hour
	date := g.when(min(long, days*12*time.Hour))
	var drafts []*draft
	var references []string
	for i, line := range t.lines[:min(len(t.lines), room)] {
		from := members[i%len(members)]
		var to []Person
		for _, m := range members {
			if m.Address != from.Address {
				to = append(to, m)
			}
		}
		if len(to) == 0 {
			to = []Person{from}
		}
		subject := t.subject
		if i > 0 {
			subject = "Re: " + subject
		}
		d := g.draft(from, to, date, g.fill(subject, first, to, date))
		d.text = g.fill(line, from, to, date) + "\n\n" + from.given() + "\n"
		if i > 0 {
			last := drafts[i-1]
			d.subject = "Re: " + strings.TrimPrefix(drafts[0].subject, "Re: ")
			d.text += "\n" + last.date.Format("On 2 January 2006 at 15:04, ") + last.from.Name + " wrote:\n" + quote(last.text)
			d.references = slices.Clone(references)
		}
		references = append(references, d.id)
		drafts = append(drafts, d)
		date = date.Add(20*time.Minute + time.Duration(g.rng.IntN(5*3600))*time.Second)
		for date.Hour() < 7 || date.Hour() > 18 || date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
			date = date.Add(6*time.Hour + time.Duration(g.rng.IntN(3600))*time.Second)
		}
		if date.After(g.now) {
			break
		}
	}
	return drafts
}

// quote shows the last message in an answer, but not what that quoted in turn
// beyond one level.
func quote(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "> >") {
			break
		}
		b.WriteString("> " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
