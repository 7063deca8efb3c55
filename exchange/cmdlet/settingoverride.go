package cmdlet

import (
	"encoding/xml"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askOverride = `how-to, "Steps to enable ... OWA and ECP": New-SettingOverride for download domains and for resource forests`

// settingOverride: the overrides without which OWA's tokens fit neither download domains nor a resource forest.
func settingOverride() []*cmdlet {
	scope := []psobject.Parameter{param("Server", "strings"), param("MinVersion", "string"), param("MaxVersion", "string"), param("Force", "switch"), confirm}
	return []*cmdlet{
		{psobject.Command{Name: "Get-SettingOverride", Synopsis: "Shows the setting overrides.", Asks: askOverride,
			Params: []psobject.Parameter{identity(false)}}, overrides.get},
		{psobject.Command{Name: "New-SettingOverride", Synopsis: "Adds a setting override; servers run it within the pick-up time.", Asks: askOverride,
			Params: slices.Concat([]psobject.Parameter{{Name: "Name", Type: "string", Mandatory: true, Position: new(0)}, required("Component", "string"),
				required("Section", "string"), required("Parameters", "strings"), required("Reason", "string")}, scope)}, newSettingOverride},
		{psobject.Command{Name: "Set-SettingOverride", Synopsis: "Changes the parameters and the scope of a setting override.", Asks: askOverride,
			Params: slices.Concat([]psobject.Parameter{identity(true), param("Parameters", "strings"), param("Reason", "string")}, scope)}, func(c *call) error {
			return overrides.update(c, func(_ *org.Configuration, s *org.SettingOverride) error { return c.editOverride(s) })
		}},
		{psobject.Command{Name: "Remove-SettingOverride", Synopsis: "Removes a setting override.", Asks: askOverride,
			Params: []psobject.Parameter{identity(true), confirm}}, overrides.remove},
	}
}

func overrideDN(cfg *org.Configuration, s *org.SettingOverride) string {
	return "CN=" + s.Name + ",CN=Setting Overrides,CN=Global Settings," + orgDN(cfg)
}

// overrideXML is XmlRaw, the form in which the directory keeps an override.
type overrideXML struct {
	XMLName    xml.Name `xml:"S"`
	Component  string   `xml:"CN,attr"`
	Section    string   `xml:"SN,attr"`
	ModifiedBy string   `xml:"MB,attr"`
	Reason     string   `xml:"R,attr"`
	MinVersion string   `xml:"MinV,attr,omitempty"`
	MaxVersion string   `xml:"MaxV,attr,omitempty"`
	Servers    *overrideServers
	Parameters []string `xml:"Ps>P"`
}

type overrideServers struct {
	XMLName xml.Name `xml:"Ss"`
	Names   []string `xml:"S"`
}

// versionText is a limit of an override's scope: "" while there is none.
func versionText(v org.Version) string {
	if v == (org.Version{}) {
		return ""
	}
	return v.String()
}

// overrideStatus is Status: an override of a setting that no server knows has no effect.
func overrideStatus(s *org.SettingOverride) string {
	if s.Known() {
		return "Accepted"
	}
	return "NotFound"
}

var overrides = &noun[org.SettingOverride]{
	list: func(cfg *org.Configuration) *[]*org.SettingOverride { return &cfg.Overrides },
	named: func(cfg *org.Configuration, s *org.SettingOverride, identity string) bool {
		return is(identity, s.GUID, s.Name, overrideDN(cfg, s))
	},
	name: func(s *org.SettingOverride) string { return s.Name },
	show: func(cfg *org.Configuration, s *org.SettingOverride) psobject.Object {
		return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.SettingOverride").
			add("ComponentName", s.Component).add("SectionName", s.Section).add("AppId", "EXO").add("FlightName", nil).
			add("ModifiedBy", blank(s.ModifiedBy)).add("Reason", s.Reason).
			add("MinVersion", blank(versionText(s.MinVersion))).add("MaxVersion", blank(versionText(s.MaxVersion))).add("FixVersion", nil).
			add("Server", s.Server).add("IsFlight", false).add("Parameters", s.Parameters).add("Status", overrideStatus(s)).add("XmlRaw", overrideRaw(s)).
			tail(cfg, tail{version: "0.1 (8.0.535.0)", name: s.Name, dn: overrideDN(cfg, s), identity: s.Name, guid: s.GUID,
				category: "ms-Exch-Config-Settings", classes: []string{"top", "msExchConfigSettings"}, stamp: s.Stamp}).Object
	},
}

func overrideRaw(s *org.SettingOverride) any {
	x := overrideXML{Component: s.Component, Section: s.Section, ModifiedBy: s.ModifiedBy, Reason: s.Reason,
		MinVersion: versionText(s.MinVersion), MaxVersion: versionText(s.MaxVersion), Parameters: s.Parameters}
	if len(s.Server) > 0 {
		x.Servers = &overrideServers{Names: s.Server}
	}
	raw, err := xml.Marshal(x)
	if err != nil {
		return nil
	}
	return string(raw)
}

// editOverride applies what New and Set share, and checks the whole.
func (c *call) editOverride(s *org.SettingOverride) error {
	if c.args.has("Parameters") {
		if edit, ok := c.args["Parameters"].(psobject.Edit); ok {
			s.Parameters, _ = arguments{"Parameters": edit}.list(s.Name, "Parameters", s.Parameters)
		} else {
			next := c.args.strings("Parameters")
			if err := shrink(c.args, s.Name, "Parameters", parameterNames(s.Parameters), parameterNames(next)); err != nil {
				return err
			}
			s.Parameters = next
		}
	}
	if c.args.has("Server") {
		next, err := c.args.list(s.Name, "Server", s.Server)
		if err != nil {
			return err
		}
		if !sameSet(s.Server, next) {
			s.Server = next
		}
	}
	for name, field := range map[string]*org.Version{"MinVersion": &s.MinVersion, "MaxVersion": &s.MaxVersion} {
		if !c.args.has(name) {
			continue
		}
		*field = org.Version{}
		if text := c.args.text(name); text != "" {
			v, err := org.ParseVersion(text)
			if err != nil {
				return err
			}
			*field = v
		}
	}
	if c.args.has("Reason") {
		s.Reason = c.args.text("Reason")
	}
	if err := s.Check(); err != nil {
		return err
	}
	s.ModifiedBy = c.caller.Name
	return nil
}

// parameterNames are the names before the equals signs: another value takes nothing out of the list.
func parameterNames(list []string) []string {
	names := make([]string, len(list))
	for i, p := range list {
		name, _, _ := strings.Cut(p, "=")
		names[i] = strings.TrimSpace(name)
	}
	return names
}

func newSettingOverride(c *call) error {
	s := org.SettingOverride{GUID: guid.New(), Name: c.args.text("Name"), Component: c.args.text("Component"), Section: c.args.text("Section")}
	if err := c.editOverride(&s); err != nil {
		return err
	}
	if !s.Known() && !c.args.bool("Force") {
		return invalid("Section", "No server of this organisation knows the section '%s' of the component '%s': the override would have no effect. Add -Force to keep it all the same.", s.Section, s.Component)
	}
	return overrides.create(c, s.GUID, s)
}
