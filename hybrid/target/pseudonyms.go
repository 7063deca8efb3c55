package target

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Pseudonyms reads a collected file and returns it with other names: people, addresses,
// servers, domains and the organisation. The same name becomes the same pseudonym under
// one key, in every file, so that parts still fit together and later collections can be
// compared. Ids (GUIDs, SIDs, thumbprints), names of applications and policies, and what
// is Microsoft's stay. What is not a snapshot is ErrSnapshot.
func Pseudonyms(r io.Reader, key []byte) ([]byte, error) {
	p, err := readPart(r)
	if err != nil {
		return nil, err
	}
	h := hider{key}
	for i := range p.Sections {
		s := &p.Sections[i]
		if s.Error != "" {
			s.Error = left
		}
		for name, value := range s.Parameters {
			if text, ok := value.(string); ok && name == "Server" {
				s.Parameters[name] = h.label(text)
			}
		}
		var objects []any
		for _, item := range items(s.Objects) {
			object, ok := item.(map[string]any)
			if !ok {
				continue // no section has any; nobody can say what it holds
			}
			for name, value := range object {
				object[name] = h.value(s.Cmdlet, name, value)
			}
			objects = append(objects, object)
		}
		s.Objects = objects
	}
	file := map[string]any{"version": p.Version, "part": p.Part, "sections": p.sections()}
	if p.Collected != "" {
		file["collected"], file["script"] = p.Collected, p.Script
	}
	return json.Marshal(file)
}

// sections are the part's sections with the names of the file's fields.
func (p *part) sections() []map[string]any {
	var all []map[string]any
	for _, s := range p.Sections {
		all = append(all, map[string]any{"cmdlet": s.Cmdlet, "parameters": s.Parameters, "error": s.Error, "objects": s.Objects})
	}
	return all
}

// left stands for the text of an error.
const left = "its text may hold names and was left out"

type hider struct{ key []byte }

// named are the properties that are a name as a whole, by the cmdlet that shows them.
var named = map[string][]string{
	"Get-User":               {"Name", "DisplayName", "SamAccountName", "Identity"},
	"Get-RoleGroupMember":    {"Name", "DisplayName", "SamAccountName", "Identity"},
	"Get-Mailbox":            {"Name", "DisplayName", "SamAccountName", "Identity"},
	"Get-MgUser":             {"DisplayName", "OnPremisesSamAccountName"},
	"Get-MgOrganization":     {"DisplayName"},
	"Get-OrganizationConfig": {"Name"},
	"Get-PartnerApplication": {"LinkedAccount"},
}

// servers are the cmdlets whose Name is a server's.
var servers = []string{"Get-ExchangeServer", "Get-ClientAccessService"}

// words are properties whose dots part no labels of a host.
var words = []string{"scope", "AppOnlyPermissions", "ActAsPermissions", "ComponentName", "SectionName", "Parameters", "AdminDisplayVersion", "CertificateStrings"}

// value returns what stands for the value of a property, with everything inside of it.
func (h hider) value(cmdlet, name string, v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = h.value(cmdlet, name, v[i])
		}
	case map[string]any:
		for inner, x := range v {
			if inner == "Local" { // of an SMTP address
				v[inner] = h.name(x)
				continue
			}
			v[inner] = h.value(cmdlet, name, x)
		}
	case string:
		switch {
		case v == "" || slices.Contains(words, name):
			return v
		case slices.Contains(named[cmdlet], name):
			return h.name(v)
		case name == "Server", name == "Name" && slices.Contains(servers, cmdlet):
			return h.label(v)
		case name == "Problem":
			return left
		case name == "EmailAddresses" && !strings.Contains(v, "@"): // X500:/o=...
			kind, address, _ := strings.Cut(v, ":")
			return kind + ":" + h.label(address)
		}
		if first, rest, ok := strings.Cut(v, `\`); ok {
			switch name {
			case "Identity": // of a virtual directory
				return h.label(first) + `\` + rest
			case "AuthenticatedUser":
				return h.label(first) + `\` + h.label(rest)
			}
		}
		return h.hosts(v)
	}
	return v
}

var (
	local    = regexp.MustCompile(`[^\s:;<>"/\\@]+@`)
	host     = regexp.MustCompile(`[\pL\d_-]+(?:\.[\pL\d_-]+)*\.\pL{2,}`)
	bareHost = regexp.MustCompile(`//[\pL\d_-]+(?::\d+)?(?:/|$)`)
)

// kept are labels that say what a host is for, and the last ones that are Microsoft's.
var (
	kept      = []string{"autodiscover", "mail", "onmicrosoft"}
	microsoft = []string{"microsoft", "microsoft.com", "microsoftonline.com", "windows.net", "office.com", "office365.com", "outlook.com", "live.com", "azure.com", "microsoftonline.us",
		"office365.us", "partner.outlook.cn", "chinacloudapi.cn", "partner.microsoftonline.cn"}
	// files are the endings of what looks like a host in the path of a URL.
	files = []string{"asmx", "svc", "xml", "aspx", "ashx", "dll", "wsdl", "json", "html"}
)

// hosts replaces local parts of addresses and the labels of hosts, wherever they stand in the text.
func (h hider) hosts(text string) string {
	text = local.ReplaceAllStringFunc(text, func(m string) string { return h.label(m[:len(m)-1]) + "@" })
	text = bareHost.ReplaceAllStringFunc(text, func(m string) string {
		end := strings.IndexAny(m[2:], ":/")
		if end < 0 {
			end = len(m) - 2
		}
		return "//" + h.label(m[2:2+end]) + m[2+end:]
	})
	return host.ReplaceAllStringFunc(text, func(m string) string {
		labels := strings.Split(m, ".")
		last := strings.ToLower(labels[len(labels)-1])
		if slices.Contains(files, last) || slices.ContainsFunc(microsoft, func(suffix string) bool { return strings.HasSuffix("."+strings.ToLower(m), "."+suffix) }) {
			return m
		}
		for i, label := range labels[:len(labels)-1] {
			if !slices.Contains(kept, strings.ToLower(label)) {
				labels[i] = h.label(label)
			}
		}
		return strings.Join(labels, ".")
	})
}

// name returns the pseudonym of a name, whatever it is written as.
func (h hider) name(v any) any {
	if text, ok := v.(string); ok && text != "" {
		return h.label(text)
	}
	return v
}

// label returns a pseudonym that can be a label of a host: the letter n and 48 bits of
// HMAC-SHA256 of the text in small letters.
func (h hider) label(text string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(strings.ToLower(text)))
	return "n" + hex.EncodeToString(mac.Sum(nil)[:6])
}
