package shell

import (
	"encoding/json"

	"hma/client/graph"
	"hma/wire/psobject"
)

// servicePrincipal lists the properties of the module's object, without those that lead to other objects.
var servicePrincipal = entityKind{"ServicePrincipal", []string{"AccountEnabled", "AddIns", "AlternativeNames", "AppDescription", "AppDisplayName", "AppId", "AppOwnerOrganizationId",
	"AppRoleAssignmentRequired", "AppRoles", "ApplicationTemplateId", "CreatedDateTime", "CustomSecurityAttributes", "DeletedDateTime", "Description", "DisabledByMicrosoftStatus", "DisplayName",
	"Homepage", "Id", "Info", "KeyCredentials", "LoginUrl", "LogoutUrl", "Notes", "NotificationEmailAddresses", "Oauth2PermissionScopes", "PasswordCredentials", "PreferredSingleSignOnMode",
	"PreferredTokenSigningKeyThumbprint", "ReplyUrls", "ResourceSpecificApplicationPermissions", "SamlSingleSignOnSettings", "ServicePrincipalNames", "ServicePrincipalType", "SignInAudience",
	"Tags", "TokenEncryptionKeyId", "VerifiedPublisher"}}

func getMgServicePrincipal() *cmdlet {
	return once(psobject.Command{Name: "Get-MgServicePrincipal", Synopsis: "Reads service principals of the tenant.", Asks: "how-to: Get-MgServicePrincipal -Filter",
		Params: queryParameters("ServicePrincipalId")}, func(c *call) error {
		return c.entities(&servicePrincipal, "/servicePrincipals", "ServicePrincipalId")
	})
}

func getMsolServicePrincipal() *cmdlet {
	return once(psobject.Command{Name: "Get-MsolServicePrincipal", Synopsis: "The retired name of Get-MgServicePrincipal.", Asks: "how-to: Get-MsolServicePrincipal in \"Verify that your new records were added\"",
		Params: []psobject.Parameter{named("AppPrincipalId", "string"), named("ObjectId", "string"), named("All", "switch")}}, (*call).msolServicePrincipal)
}

// msolServicePrincipal puts out the objects of the retired MSOnline module, read through Graph.
func (c *call) msolServicePrincipal() error {
	successor := "Get-MgServicePrincipal"
	q := graph.Query{All: true}
	switch {
	case c.has("AppPrincipalId"):
		q.Filter = "appId eq '" + c.string("AppPrincipalId") + "'"
		successor += ` -Filter "AppId eq '` + c.string("AppPrincipalId") + `'"`
	case c.has("ObjectId"):
		successor += " -ServicePrincipalId " + c.string("ObjectId")
	}
	c.warn("The MSOnline module with Get-MsolServicePrincipal is retired. Its successor is %s.", successor)
	return c.graph(func(g *graph.Client) error {
		var found []json.RawMessage
		var err error
		if c.has("ObjectId") {
			found = make([]json.RawMessage, 1)
			found[0], err = g.Entity(c.ctx, "/servicePrincipals", c.string("ObjectId"), nil)
		} else {
			found, err = g.Entities(c.ctx, "/servicePrincipals", q)
		}
		if err != nil {
			return err
		}
		for _, entity := range found {
			sp, err := servicePrincipal.object(entity)
			if err != nil {
				return err
			}
			addresses := []any{}
			for _, url := range list(sp.get("ReplyUrls")) {
				addresses = append(addresses, &object{typ: "Microsoft.Online.Administration.RedirectUri", properties: []property{{"Address", url}, {"AddressType", "Reply"}}})
			}
			if err := c.out(&object{typ: "Microsoft.Online.Administration.ServicePrincipalExtended", properties: []property{{"AccountEnabled", sp.get("AccountEnabled")}, {"Addresses", addresses},
				{"AppPrincipalId", sp.get("AppId")}, {"DisplayName", sp.get("DisplayName")}, {"ObjectId", sp.get("Id")}, {"ServicePrincipalNames", sp.get("ServicePrincipalNames")},
				{"TrustedForDelegation", false}}}); err != nil {
				return err
			}
		}
		return nil
	})
}
