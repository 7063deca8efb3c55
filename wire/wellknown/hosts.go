package wellknown

// SignInHosts are where Microsoft's clouds sign people in: worldwide under its present,
// older and newest name, US Government, China (the present and the former name).
var SignInHosts = []string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "login.microsoftonline.us",
	"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"}
