package shell

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// enumerationLimit is how many entries of a list are shown unless
// $FormatEnumerationLimit says otherwise; the Exchange Management Shell sets 16.
const enumerationLimit = 16

// cell is a property's value as a list or table shows it.
func (r *runner) cell(value any) string {
	items, ok := value.([]any)
	if !ok {
		return clean(text(value))
	}
	limit := enumerationLimit
	if n, ok := whole(r.state.variables["formatenumerationlimit"]); ok && n > 0 {
		limit = int(min(n, maxItems))
	} else if n < 0 {
		limit = len(items)
	}
	if len(items) > limit {
		return clean("{" + joined(items[:limit], ", ") + "...}")
	}
	return clean(text(value))
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
func (r *runner) formatList(properties []property, width int) string {
	if len(properties) == 0 {
		return ""
	}
	var b strings.Builder
	label := 0
	for _, p := range properties {
		label = max(label, utf8.RuneCountInString(clean(p.name)))
	}
	b.WriteByte('\n')
	for _, p := range properties {
		b.WriteString(pad(clean(p.name), label))
		b.WriteString(" :")
		for j, line := range fold(r.cell(p.value), width-label-3) {
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

// table is what Format-Table lays out: for each object its properties, which name the columns.
type table struct {
	columns  []string
	rows     [][]property
	noHeader bool
	wrap     bool
}

func (t *table) add(properties []property) {
	for _, p := range properties {
		if !slices.Contains(t.columns, p.name) {
			t.columns = append(t.columns, p.name)
		}
	}
	t.rows = append(t.rows, properties)
}

// formatTable prints a column for each name.
func (r *runner) formatTable(t *table, width int) string {
	if len(t.columns) == 0 {
		return ""
	}
	columns := make([]string, len(t.columns))
	for j, name := range t.columns {
		columns[j] = clean(name)
	}
	rows := [][]string{columns}
	right := make([]bool, len(columns))
	for _, properties := range t.rows {
		row := make([]string, len(columns))
		for _, p := range properties {
			j := slices.Index(t.columns, p.name)
			switch p.value.(type) {
			case int64, float64:
				right[j] = true
			}
			row[j] = strings.ReplaceAll(r.cell(p.value), "\n", " ")
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
		for more := true; more; {
			more = false
			var l strings.Builder
			rest := make([]string, len(cells))
			for j, cell := range cells {
				if j > 0 {
					l.WriteByte(' ')
				}
				if runes := []rune(cell); t.wrap && len(runes) > sizes[j] {
					cell, rest[j], more = string(runes[:sizes[j]]), string(runes[sizes[j]:]), true
				}
				cell = cut(cell, sizes[j])
				if right[j] {
					cell = strings.Repeat(" ", sizes[j]-utf8.RuneCountInString(cell)) + cell
				}
				l.WriteString(pad(cell, sizes[j]))
			}
			b.WriteString(strings.TrimRight(l.String(), " "))
			b.WriteByte('\n')
			cells = rest
		}
	}
	if !t.noHeader {
		line(columns)
		rules := make([]string, len(columns))
		for j, name := range columns {
			rules[j] = strings.Repeat("-", min(utf8.RuneCountInString(name), sizes[j]))
		}
		line(rules)
	}
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
	data + "Management.DistributionGroup":                                        {"Name", "DisplayName", "GroupType", "PrimarySmtpAddress"},
	data + "Management.ReducedRecipient":                                         {"Name", "RecipientType"},
	"Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate": {"Thumbprint", "Services", "Subject"},
	models + "ServicePrincipal":                                                  {"DisplayName", "Id", "AppId", "SignInAudience", "ServicePrincipalType"},
	models + "User":                                                              {"DisplayName", "Id", "Mail", "UserPrincipalName"},
	models + "Organization":                                                      {"DisplayName", "Id"},
	models + "Domain":                                                            {"Id", "AuthenticationType", "IsDefault", "IsInitial", "IsVerified", "SupportedServices"},
	groupInfo:                                                                    {"Count", "Name", "Group"},
	commandInfo:                                                                  {"CommandType", "Name", "Source"},
	memberDefinition:                                                             {"Name", "MemberType", "Definition"},
}

// asTable tells whether an object is shown in a table by default: its type has one, or it has up to four properties,
// to which Exchange's shell counts the RunspaceId of its own objects.
func asTable(o *object) bool {
	few := 4
	if strings.HasPrefix(o.typ, "Microsoft.Exchange.") {
		few--
	}
	return o.typ != measureInfo && (views[o.typ] != nil || len(o.properties) <= few)
}

// defaultColumns are the properties that a table of the object shows when nobody names any.
func defaultColumns(o *object) []column {
	names := views[o.typ]
	if names == nil {
		for _, p := range o.properties[:min(10, len(o.properties))] {
			names = append(names, p.name)
		}
	}
	columns := make([]column, len(names))
	for i, name := range names {
		columns[i] = column{name: name}
	}
	return columns
}
