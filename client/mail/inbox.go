package mail

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"
)

// Message is a line of an inbox.
type Message struct {
	Subject  string    `json:"subject"`
	From     string    `json:"from"`
	Received time.Time `json:"received"`
}

// findNewest is EWS FindItem of the inbox, newest first (MS-OXWSSRCH 3.1.4.2).
const findNewest = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
	` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
	`<s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body><m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>` +
	`<t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="message:From"/><t:FieldURI FieldURI="item:DateTimeReceived"/></t:AdditionalProperties></m:ItemShape>` +
	`<m:IndexedPageItemView MaxEntriesReturned="%d" Offset="0" BasePoint="Beginning"/><m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder>` +
	`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem></s:Body></s:Envelope>`

// Inbox reads the newest n messages of the inbox over EWS with an access token.
func (c *Client) Inbox(ctx context.Context, ews Door, token string, n int) ([]Message, error) {
	body := fmt.Appendf(nil, findNewest, min(max(n, 1), 1000))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ews.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, answer, err := fetch(c.at(ews.Address), req)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read inbox: EWS answered %d %s", resp.StatusCode, resp.Header.Get("x-ms-diagnostics"))
	}
	return parseInbox(answer)
}

func parseInbox(answer []byte) ([]Message, error) {
	var doc struct {
		Responses []struct {
			Class string `xml:"ResponseClass,attr"`
			Code  string `xml:"ResponseCode"`
			Items struct {
				All []struct {
					Subject  string `xml:"Subject"`
					Received string `xml:"DateTimeReceived"`
					From     struct {
						Name  string `xml:"Mailbox>Name"`
						Email string `xml:"Mailbox>EmailAddress"`
					} `xml:"From"`
				} `xml:",any"`
			} `xml:"RootFolder>Items"`
		} `xml:"Body>FindItemResponse>ResponseMessages>FindItemResponseMessage"`
	}
	if err := xml.Unmarshal(answer, &doc); err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	if len(doc.Responses) != 1 {
		return nil, fmt.Errorf("read inbox: %d response messages, want one", len(doc.Responses))
	}
	r := doc.Responses[0]
	if r.Class != "Success" {
		return nil, fmt.Errorf("read inbox: EWS answered %s", r.Code)
	}
	list := []Message{}
	for _, i := range r.Items.All {
		m := Message{Subject: i.Subject, From: i.From.Name}
		if m.From == "" {
			m.From = i.From.Email
		}
		// A time that is no time stays zero and is shown as unknown.
		m.Received, _ = time.Parse(time.RFC3339, i.Received)
		list = append(list, m)
	}
	return list, nil
}
