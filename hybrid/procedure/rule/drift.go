package rule

import (
	"time"

	"hma/hybrid/procedure/facts"
)

var directoryDrift = Rule{
	ID:     "directory-drift",
	Group:  Directories,
	Title:  "Every server runs the authentication methods that the directory holds",
	Why:    "The Set cmdlets write both; who changes IIS alone, or restores one of the two, leaves a virtual directory that shows one thing and does another, and the next Set cmdlet brings the old state back.",
	Repair: "decide which of the two is right, set it again, and restart W3SVC and WAS on the server",
	Source: "Verify virtual directories are properly configured",
	Needs:  []facts.Source{facts.SourceDirectories},
	judge: func(f *facts.Facts, _ time.Time) []Finding {
		var out []Finding
		for i := range f.Directories {
			d := &f.Directories[i]
			ad, live := d.AD, d.Live
			switch {
			case d.Kind == facts.Mapi || d.Kind == facts.ActiveSync:
				if ad.TakesOAuth(d.Kind) != live.TakesOAuth(d.Kind) {
					continue // oauth-virtual-directories says so
				}
			case d.Kind.Browser() && (ad.OAuth != live.OAuth || browserState(d) == between):
				continue // owa-ecp-methods says so
			default:
				ad.OAuth, live.OAuth = false, false // oauth-virtual-directories' again
			}
			if found, wanted := show(&live, d.Kind), show(&ad, d.Kind); found != wanted {
				out = append(out, one(d.Identity+" runs other methods than the directory holds",
					[]Evidence{{d.Identity, "authentication methods (running)", found, wanted + " as in the directory"}}, "Restart-Service -Name W3SVC, WAS -Force")...)
			}
		}
		return out
	},
}
