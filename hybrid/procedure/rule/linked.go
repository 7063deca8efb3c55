package rule

import (
	"fmt"
	"slices"
	"time"

	"hma/hybrid/procedure/facts"
)

const resourceForestSection = "OwaHMAFixForAfRfScenarios"

// resourceForest tells whether mailboxes are linked to accounts of another forest.
func resourceForest(f *facts.Facts) bool {
	return slices.ContainsFunc(f.People, func(p facts.Person) bool { return p.Linked })
}

// linkedWithoutOverride tells whether there are linked mailboxes whose owners OWA would not find.
func linkedWithoutOverride(f *facts.Facts) bool {
	return resourceForest(f) && f.Overridden("OAuth", resourceForestSection) == nil
}

var linkedMailboxes = Rule{
	ID:      "linked-mailboxes",
	Group:   People,
	Title:   "Servers of a resource forest find the mailbox of another forest's account",
	When:    "mailboxes are linked to accounts of another forest",
	Why:     "The token names the account, the mailbox has another one. OWA finds it by the master account's SID only with two keys in its web.config on every server and a setting override; updates of Exchange take the keys away.",
	Repair:  "make the override, and add OAuthHttpModule.ConvertToSidBasedIdentity and OAuthHttpModule.UseMasterAccountSid to appSettings of ClientAccess\\Owa\\web.config on every server",
	Source:  "Steps to enable Hybrid Modern Authentication for OWA and ECP",
	Needs:   []facts.Source{facts.SourcePeople, facts.SourceMailboxes, facts.SourceOverrides},
	applies: resourceForest,
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		n := 0
		for _, p := range f.People {
			if p.Linked {
				n++
			}
		}
		found := Evidence{"Get-SettingOverride", "OAuth/" + resourceForestSection, "none for all servers", "Enabled=true"}
		commands := override("OWA HMA AFRF Support", "OAuth", resourceForestSection, "Enable support for OWA HMA in AFRF scenarios")
		if linkedWithoutOverride(f) {
			if browsersOn(f) {
				return one(fmt.Sprintf("%d linked mailboxes could not be opened in OWA", n), []Evidence{found}, commands...)
			}
			return note(fmt.Sprintf("%d linked mailboxes need an override; until then the plan leaves OWA and ECP as they are", n), []Evidence{found}, commands...)
		}
		return note("the keys in web.config cannot be seen from here", []Evidence{{"every server", "ClientAccess\\Owa\\web.config", "not checked", "both keys true"}})
	},
}
