package shell

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// formatter lays objects out; properties may hold wildcards, nil means the default.
type formatter func(objects []psobject.Object, properties []string, width int) string

var formats = map[string]formatter{
	"fl": formatList, "format-list": formatList,
	"ft": formatTable, "format-table": formatTable,
}

// checkFormats refuses a formatting command anywhere but at the end of a pipeline.
func checkFormats(pl parse.Pipeline) *parse.Error {
	for i, c := range pl.Commands {
		if formats[strings.ToLower(c.Name)] == nil {
			continue
		}
		if i == 0 {
			return &parse.Error{Pos: c.Pos, Message: "nothing comes to " + c.Name, Hint: "pipe a cmdlet to it"}
		}
		if i != len(pl.Commands)-1 {
			return &parse.Error{Pos: pl.Commands[i+1].Pos, Message: c.Name + " must be the last command of a pipeline"}
		}
		if _, err := propertyList(c); err != nil {
			return err
		}
	}
	return nil
}

// propertyList reads the arguments of a formatting command: names and wildcards, bare or behind -Property.
func propertyList(c parse.Command) ([]string, *parse.Error) {
	var names []string
	for _, a := range c.Args {
		switch {
		case a.Parameter == "" || strings.EqualFold(a.Parameter, "Property"):
		case strings.EqualFold(a.Parameter, "AutoSize") || strings.EqualFold(a.Parameter, "Auto"):
			continue // columns are as wide as their content anyway
		default:
			return nil, &parse.Error{Pos: a.Pos, Message: c.Name + " has no parameter -" + a.Parameter + " here", Hint: "it has -Property and -AutoSize"}
		}
		if a.Value == nil {
			continue
		}
		if a.Value.Kind != parse.List {
			names = append(names, a.Value.Text)
			continue
		}
		for _, item := range a.Value.Items {
			names = append(names, item.Text)
		}
	}
	return names, nil
}

// choose returns the properties of o that the names select: in the order of the
// names, and within a wildcard in the object's own; each once.
func choose(o *psobject.Object, names []string) []psobject.Property {
	if names == nil {
		return o.Properties
	}
	var chosen []psobject.Property
	seen := make(map[string]bool)
	for _, pattern := range names {
		for _, p := range o.Properties {
			if !seen[p.Name] && wild(strings.ToLower(pattern), strings.ToLower(p.Name)) {
				seen[p.Name] = true
				chosen = append(chosen, p)
			}
		}
	}
	return chosen
}

// wild matches * and ?, in time proportional to the product of the lengths at worst.
func wild(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// enumerationLimit is how many entries of a list are shown; the Exchange Management Shell sets 16.
const enumerationLimit = 16

func text(value any) string {
	switch v := value.(type) {
	case []string:
		if len(v) > enumerationLimit {
			return clean("{" + strings.Join(v[:enumerationLimit], ", ") + "...}")
		}
	case time.Time:
		return psobject.Text(v)
	}
	return clean(psobject.Text(value))
}

// clean takes control characters out, which could drive a terminal; line ends stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\r':
			return -1
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '?'
		}
		return r
	}, s)
}

// formatList prints one property a line, labels padded to the longest one shown.
func formatList(objects []psobject.Object, names []string, width int) string {
	var b strings.Builder
	for i := range objects {
		chosen := choose(&objects[i], names)
		if len(chosen) == 0 {
			continue
		}
		label := 0
		for _, p := range chosen {
			label = max(label, utf8.RuneCountInString(p.Name))
		}
		b.WriteByte('\n')
		for _, p := range chosen {
			b.WriteString(pad(p.Name, label))
			b.WriteString(" :")
			for j, line := range fold(text(p.Value), width-label-3) {
				if j > 0 {
					b.WriteString(strings.Repeat(" ", label+2))
				}
				if line != "" {
					b.WriteByte(' ')
				}
				b.WriteString(line)
				b.WriteByte('\n')
			}
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// fold breaks a value into lines of at most n characters; n below 8 breaks nothing.
func fold(s string, n int) []string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		runes := []rune(line)
		for n >= 8 && len(runes) > n {
			lines = append(lines, string(runes[:n]))
			runes = runes[n:]
		}
		lines = append(lines, string(runes))
	}
	return lines
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// formatTable prints a column for each property that the names select on any object.
func formatTable(objects []psobject.Object, names []string, width int) string {
	if names == nil && len(objects) > 0 {
		if names = views[objects[0].Type]; names == nil {
			for _, p := range objects[0].Properties[:min(10, len(objects[0].Properties))] {
				names = append(names, p.Name)
			}
		}
	}
	var columns []string
	for i := range objects {
		for _, p := range choose(&objects[i], names) {
			if !slices.Contains(columns, p.Name) {
				columns = append(columns, p.Name)
			}
		}
	}
	if len(columns) == 0 {
		return ""
	}
	rows := [][]string{columns}
	right := make([]bool, len(columns))
	for i := range objects {
		row := make([]string, len(columns))
		for j, name := range columns {
			value, _ := objects[i].Get(name)
			_, number := value.(int64)
			right[j] = right[j] || number
			row[j] = strings.ReplaceAll(text(value), "\n", " ")
		}
		rows = append(rows, row)
	}
	sizes := make([]int, len(columns))
	for _, row := range rows {
		for j, cell := range row {
			sizes[j] = max(sizes[j], utf8.RuneCountInString(cell))
		}
	}
	squeeze(sizes, width)
	var b strings.Builder
	b.WriteByte('\n')
	line := func(cells []string) {
		var l strings.Builder
		for j, cell := range cells {
			if j > 0 {
				l.WriteByte(' ')
			}
			cell = cut(cell, sizes[j])
			if right[j] {
				cell = strings.Repeat(" ", sizes[j]-utf8.RuneCountInString(cell)) + cell
			}
			l.WriteString(pad(cell, sizes[j]))
		}
		b.WriteString(strings.TrimRight(l.String(), " "))
		b.WriteByte('\n')
	}
	line(columns)
	rules := make([]string, len(columns))
	for j, name := range columns {
		rules[j] = strings.Repeat("-", utf8.RuneCountInString(name))
	}
	line(rules)
	for _, row := range rows[1:] {
		line(row)
	}
	b.WriteByte('\n')
	return b.String()
}

// squeeze takes characters from the widest column until the row fits.
func squeeze(sizes []int, width int) {
	if width <= 0 {
		return
	}
	total := len(sizes) - 1
	for _, s := range sizes {
		total += s
	}
	for ; total > width; total-- {
		widest := 0
		for j, s := range sizes {
			if s > sizes[widest] {
				widest = j
			}
		}
		if sizes[widest] <= 5 {
			return
		}
		sizes[widest]--
	}
}

// cut shortens a cell to n characters with three dots at the end.
func cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	if n < 4 {
		return string(runes[:n])
	}
	return string(runes[:n-3]) + "..."
}

const data = "Microsoft.Exchange.Data.Directory."

// views are the tables that types have by default; the others are lists when they have more than four properties.
var views = map[string][]string{
	data + "SystemConfiguration.AuthServer":                                      {"Name", "IssuerIdentifier", "Realm", "Enabled"},
	data + "SystemConfiguration.AcceptedDomain":                                  {"Name", "DomainName", "DomainType", "Default"},
	data + "SystemConfiguration.AuthenticationPolicy":                            {"Name"},
	data + "SystemConfiguration.ADMapiVirtualDirectory":                          {"Name", "Server"},
	data + "SystemConfiguration.ADWebServicesVirtualDirectory":                   {"Name", "Server", "InternalUrl"},
	data + "SystemConfiguration.ADOabVirtualDirectory":                           {"Name", "Server", "InternalUrl"},
	data + "SystemConfiguration.ADAutodiscoverVirtualDirectory":                  {"Name", "Server", "InternalUrl"},
	data + "SystemConfiguration.ADMobileVirtualDirectory":                        {"Name", "Server", "InternalUrl"},
	data + "SystemConfiguration.ADOwaVirtualDirectory":                           {"Name", "Server"},
	data + "SystemConfiguration.ADEcpVirtualDirectory":                           {"Name", "Server"},
	data + "SystemConfiguration.ADPowerShellVirtualDirectory":                    {"Name", "Server"},
	data + "Management.ExchangeServer":                                           {"Name", "Site", "ServerRole", "Edition", "AdminDisplayVersion"},
	data + "Management.ClientAccessServer":                                       {"Name"},
	data + "Management.User":                                                     {"Name", "RecipientType"},
	data + "Management.Mailbox":                                                  {"Name", "Alias", "ServerName"},
	data + "Management.CASMailbox":                                               {"Name", "ActiveSyncEnabled", "OWAEnabled", "PopEnabled", "ImapEnabled", "MAPIEnabled"},
	data + "Management.ReducedRecipient":                                         {"Name", "RecipientType"},
	"Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate": {"Thumbprint", "Services", "Subject"},
}

// formatDefault lays out what nobody formatted: a type's own table, a table for up to four properties, else a list.
func formatDefault(objects []psobject.Object, width int) string {
	if len(objects) == 0 {
		return ""
	}
	if views[objects[0].Type] != nil || len(objects[0].Properties) <= 4 {
		return formatTable(objects, nil, width)
	}
	return formatList(objects, nil, width)
}
