"""What a script asks the EWS door itself, to see what its client has done and to do what
others would. Environment: HMA_EWS, HMA_TOKEN (an access token), HMA_CA."""
import os
import ssl
import urllib.request

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=os.environ["HMA_CA"])))


def ask(content):
    """Sends one operation; what is not a success ends the script."""
    body = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
        xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>{content}</s:Body></s:Envelope>"""
    request = urllib.request.Request(os.environ["HMA_EWS"], body.encode(), {"Authorization": "Bearer " + os.environ["HMA_TOKEN"], "Content-Type": "text/xml"})
    answer = _opener.open(request).read().decode()
    assert 'ResponseClass="Success"' in answer, answer
    return answer


def find(folder, subject):
    """The items of a distinguished folder with the subject, with their default properties."""
    return ask(f"""<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>
        <m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant><t:Constant Value="{subject}"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>
        <m:ParentFolderIds><t:DistinguishedFolderId Id="{folder}"/></m:ParentFolderIds></m:FindItem>""")
