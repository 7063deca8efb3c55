package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

// sharedEnd is when Exchange Online stopped taking EWS calls through the shared service principal.
var sharedEnd = time.Date(2025, 10, 31, 0, 0, 0, 0, time.UTC)

// dedicatedOverride is the setting override that lets servers use the dedicated hybrid application.
const dedicatedOverride = "ExchangeOnpremAsThirdPartyAppId"

// dedicated tells whether the dedicated hybrid application is in use: the
// override is on and an EvoSTS object names the application.
func dedicated(f *facts.Facts) bool {
	return f.Overridden("Global", dedicatedOverride) != nil && applicationOf(f) != ""
}

// applicationOf returns the dedicated application that an EvoSTS object names.
func applicationOf(f *facts.Facts) string {
	for _, a := range f.AuthServers {
		if a.EvoSTS() && a.ApplicationIdentifier != "" {
			return a.ApplicationIdentifier
		}
	}
	return ""
}

var dedicatedApp = Rule{
	ID:     "dedicated-hybrid-application",
	Group:  Trust,
	Title:  "The dedicated hybrid application is in use, wholly or not at all",
	When:   "OAuth with Exchange Online is set up",
	Why:    "Since April 2025 an organisation has an application of its own for its calls to Exchange Online; since 2025-10-31 the shared service principal is refused for EWS there, and free/busy, MailTips and photos fail. The sign-in of mail clients does not depend on it.",
	Repair: "Microsoft's ConfigureExchangeHybridApplication script, or the wizard, sets up both the application and the override",
	Source: "a change of 2025: Deploy dedicated Exchange hybrid app",
	Needs:  []facts.Source{facts.SourceAuthServers, facts.SourceConnectors, facts.SourceOverrides},
	applies: func(f *facts.Facts) bool {
		return withExchangeOnline(f) || applicationOf(f) != "" || f.Overridden("Global", dedicatedOverride) != nil
	},
	judge: func(f *facts.Facts, now time.Time) []Finding {
		app, on := applicationOf(f), f.Overridden("Global", dedicatedOverride)
		switch {
		case app != "" && on == nil:
			return one("EvoSTS names the dedicated application, and no override lets servers use it",
				[]Evidence{{"Get-SettingOverride", "Global/" + dedicatedOverride, "none for all servers", "Enabled=true"}},
				override("EnableExchangeHybrid3PAppFeature", "Global", dedicatedOverride, "dedicated hybrid application")...)
		case app == "" && on != nil:
			a := f.EvoSTS()
			name := "EvoSTS"
			if a != nil {
				name = a.Name
			}
			return one("an override turns the dedicated application on, and no EvoSTS object names one",
				[]Evidence{{name, "ApplicationIdentifier", "", "the application's id"}}, set("AuthServer", name, "-ApplicationIdentifier <appId>"))
		case app == "" && now.After(sharedEnd):
			return note("no dedicated hybrid application: calls to Exchange Online's EWS are refused since "+day(sharedEnd),
				[]Evidence{{"AuthServer", "ApplicationIdentifier", "", "the application's id"}})
		}
		return nil
	},
}
