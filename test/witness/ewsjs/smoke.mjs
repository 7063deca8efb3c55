// Drives ews-javascript-api, a port of the managed API that we did not write, against
// the EWS door. Prints "ok STEP" for each step; a step that fails ends it.
//
//   HMA_EWS    https://localhost:PORT/EWS/Exchange.asmx
//   HMA_TOKEN  an access token
//   HMA_USER   whose mailbox it is; HMA_OTHER somebody else
//   HMA_VERSIONS  a list of the library's names of schema versions, the last is used throughout
import ews from "ews-javascript-api";
import assert from "node:assert/strict";

const { ExchangeService, ExchangeVersion, OAuthCredentials, Uri, Folder, WellKnownFolderName, ItemView, FolderView, EmailMessage, MessageBody,
  BodyType, PropertySet, BasePropertySet, ItemSchema, EmailMessageSchema, ConflictResolutionMode, DeleteMode, SearchFilter, LogicalOperator, AppointmentSchema,
  SyncFolderItemsScope, Contact, EmailAddress, EmailAddressKey, PhoneNumberKey, PhysicalAddressEntry, PhysicalAddressKey, Task, TaskStatus, DateTime, FolderId, ItemId, Item,
  EventType, ExtendedPropertyDefinition, DefaultExtendedPropertySet, MapiPropertyType, Flag, ItemFlagStatus, MimeContent, StringList, SortDirection,
  ServiceResult, ServiceError, ExtendedPropertyCollection, FolderTraversal, AlternateId, IdFormat, Importance, FileAttachment, PostItem } = ews;

const env = process.env;
const service = (version) => {
  const s = new ExchangeService(version);
  s.Credentials = new OAuthCredentials(env.HMA_TOKEN);
  s.Url = new Uri(env.HMA_EWS);
  return s;
};
const versions = (env.HMA_VERSIONS || "Exchange2007_SP1,Exchange2010,Exchange2010_SP2,Exchange2013,Exchange2016").split(",");

async function step(name, run) {
  try {
    await run();
  } catch (e) {
    console.error(`${name}: ${e?.message ?? e}\n${e?.stack ?? ""}`);
    process.exit(1);
  }
  console.log("ok " + name);
}

// find waits for a message by its subject: delivery is done when sending has answered.
async function find(folder, subject) {
  const found = await s.FindItems(folder, new SearchFilter.IsEqualTo(ItemSchema.Subject, subject), new ItemView(10));
  return found.Items;
}

// The library writes a body as it is given: the caller makes it XML text.
const escape = (html) => html.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

let s;
for (const name of versions) {
  await step("bind and list as " + name, async () => {
    s = service(ExchangeVersion[name]);
    const inbox = await Folder.Bind(s, WellKnownFolderName.Inbox);
    assert.ok(inbox.TotalCount > 0);
    const view = new ItemView(5);
    const found = await s.FindItems(WellKnownFolderName.Inbox, view);
    assert.equal(found.Items.length, Math.min(5, inbox.TotalCount));
    // FirstClassProperties: every element that the server gives for this version must be readable.
    const item = await Item.Bind(s, found.Items[0].Id);
    assert.ok(item.Subject);
    await s.LoadPropertiesForItems(found.Items, PropertySet.FirstClassProperties);
    assert.ok(found.Items[0].Body.Text.length > 0);
  });
}
const stamp = "ewsjs " + Date.now();

await step("find with filter and order", async () => {
  const view = new ItemView(10, 0);
  view.PropertySet = new PropertySet(BasePropertySet.IdOnly, [ItemSchema.Subject, ItemSchema.DateTimeReceived]);
  view.OrderBy.Add(ItemSchema.DateTimeReceived, SortDirection.Ascending);
  const all = await s.FindItems(WellKnownFolderName.Inbox, new SearchFilter.Exists(ItemSchema.Subject), view);
  for (let i = 1; i < all.Items.length; i++) assert.ok(all.Items[i].DateTimeReceived.TotalMilliSeconds >= all.Items[i - 1].DateTimeReceived.TotalMilliSeconds);
});

await step("send with attachment", async () => {
  const m = new EmailMessage(s);
  m.Subject = stamp;
  m.Body = new MessageBody(BodyType.HTML, escape("<p>Grüße &amp; more</p>"));
  m.ToRecipients.Add(env.HMA_USER);
  m.Importance = Importance.High;
  m.Categories.Add("Blue");
  m.Attachments.AddFileAttachment("note.txt", Buffer.from("attached words").toString("base64"));
  await m.SendAndSaveCopy();
  const [got] = await find(WellKnownFolderName.Inbox, stamp);
  const read = await EmailMessage.Bind(s, got.Id, new PropertySet(BasePropertySet.FirstClassProperties, [ItemSchema.MimeContent]));
  assert.equal(read.From.Address, env.HMA_USER);
  assert.match(read.Body.Text, /Grüße/);
  assert.equal(read.Importance, Importance.High);
  assert.match(Buffer.from(read.MimeContent.Content, "base64").toString(), /Subject: ewsjs/);
  assert.equal(read.Attachments.Items.length, 1);
  const [file] = read.Attachments.Items;
  await file.Load();
  assert.equal(Buffer.from(file.Base64Content, "base64").toString(), "attached words");
  assert.equal((await find(WellKnownFolderName.SentItems, stamp)).length, 1);
});

await step("reply, reply to all and forward", async () => {
  const [got] = await find(WellKnownFolderName.Inbox, stamp);
  const m = await EmailMessage.Bind(s, got.Id);
  await m.Reply(new MessageBody(BodyType.HTML, "a reply"), false);
  const all = m.CreateReply(true);
  all.BodyPrefix = new MessageBody(BodyType.HTML, "to all");
  const draft = await all.Save();
  await draft.Load(PropertySet.FirstClassProperties);
  assert.equal(draft.Subject, "RE: " + stamp);
  draft.ToRecipients.Add(env.HMA_USER);
  await draft.Update(ConflictResolutionMode.AutoResolve);
  await draft.SendAndSaveCopy();
  await m.Forward(new MessageBody(BodyType.Text, "a forward"), [new EmailAddress(env.HMA_USER)]);
  const replies = await find(WellKnownFolderName.Inbox, "RE: " + stamp);
  assert.ok(replies.length >= 1);
  const [forwarded] = await find(WellKnownFolderName.Inbox, "FW: " + stamp);
  const f = await EmailMessage.Bind(s, forwarded.Id);
  assert.equal(f.Attachments.Items.length, 1);
  assert.match(f.Body.Text, /a forward[^]*Grüße/);
  const verb = new ExtendedPropertyDefinition(0x1081, MapiPropertyType.Integer);
  const marked = await EmailMessage.Bind(s, got.Id, new PropertySet(BasePropertySet.IdOnly, [verb]));
  assert.equal(marked.ExtendedProperties.Items[0].Value, 104);
});

await step("change, flag and categories", async () => {
  const m = new EmailMessage(s);
  m.Subject = stamp + " draft";
  await m.Save(WellKnownFolderName.Drafts);
  await m.Load();
  m.Subject = stamp + " changed";
  m.Categories.Add("Red");
  m.IsReadReceiptRequested = false;
  const flag = new Flag();
  flag.FlagStatus = ItemFlagStatus.Flagged;
  flag.StartDate = DateTime.Now;
  flag.DueDate = DateTime.Now.AddDays(2);
  m.Flag = flag;
  await m.Update(ConflictResolutionMode.AlwaysOverwrite);
  const again = await EmailMessage.Bind(s, m.Id);
  assert.equal(again.Subject, stamp + " changed");
  assert.equal(again.Flag.FlagStatus, ItemFlagStatus.Flagged);
  assert.deepEqual(again.Categories.Items ?? again.Categories.GetEnumerator(), ["Red"]);
  await again.Delete(DeleteMode.HardDelete);
});

await step("conflict of two clients", async () => {
  const m = new EmailMessage(s);
  m.Subject = stamp + " conflict";
  await m.Save(WellKnownFolderName.Drafts);
  const a = await EmailMessage.Bind(s, m.Id), b = await EmailMessage.Bind(s, m.Id);
  a.Subject = "first";
  await a.Update(ConflictResolutionMode.NeverOverwrite);
  b.Subject = "second";
  await assert.rejects(b.Update(ConflictResolutionMode.NeverOverwrite), (e) => e.ErrorCode === ServiceError.ErrorIrresolvableConflict);
  await a.Delete(DeleteMode.HardDelete);
});

await step("attachments", async () => {
  const m = new EmailMessage(s);
  m.Subject = stamp + " attachments";
  m.Attachments.AddFileAttachment("a.bin", Buffer.from([0, 1, 2]).toString("base64"));
  const inner = m.Attachments.AddItemAttachment(EmailMessage, "Message");
  inner.Name = "inner";
  inner.Item.Subject = "inner subject";
  inner.Item.Body = new MessageBody(BodyType.Text, "inner words");
  await m.Save(WellKnownFolderName.Drafts);
  const read = await EmailMessage.Bind(s, m.Id, new PropertySet(BasePropertySet.IdOnly, [ItemSchema.Attachments]));
  assert.equal(read.Attachments.Items.length, 2);
  const [file, item] = read.Attachments.Items;
  await file.Load();
  // By its id: Load of an item attachment asks the item that it has yet to get.
  const responses = await s.GetAttachments([item.Id], BodyType.Text, [ItemSchema.MimeContent]);
  const inside = responses.Responses[0].Attachment.Item;
  assert.equal(file.Base64Content, "AAEC");
  assert.equal(inside.Subject, "inner subject");
  assert.match(inside.Body.Text, /inner words/);
  read.Attachments.Remove(file);
  await read.Update(ConflictResolutionMode.AlwaysOverwrite);
  await read.Load(new PropertySet(BasePropertySet.IdOnly, [ItemSchema.Attachments]));
  assert.equal(read.Attachments.Items.length, 1);
  await read.Delete(DeleteMode.HardDelete);
});

await step("folders", async () => {
  const f = new Folder(s);
  f.DisplayName = stamp;
  await f.Save(WellKnownFolderName.Inbox);
  f.DisplayName = stamp + " renamed";
  await f.Update();
  const sub = new Folder(s);
  sub.DisplayName = "sub";
  await sub.Save(f.Id);
  const view = new FolderView(100);
  view.Traversal = FolderTraversal.Deep;
  const found = await s.FindFolders(WellKnownFolderName.Inbox, view);
  assert.ok(found.Folders.some((x) => x.DisplayName === stamp + " renamed"));
  const [got] = await find(WellKnownFolderName.Inbox, stamp);
  const copy = await (await EmailMessage.Bind(s, got.Id)).Copy(f.Id);
  const moved = await copy.Move(sub.Id);
  assert.equal((await s.FindItems(sub.Id, new ItemView(5))).TotalCount, 1);
  assert.ok(moved.Id.UniqueId !== copy.Id.UniqueId);
  await f.Empty(DeleteMode.HardDelete, true);
  await f.Delete(DeleteMode.HardDelete);
});

await step("synchronise", async () => {
  const hierarchy = await s.SyncFolderHierarchy(new PropertySet(BasePropertySet.IdOnly), null);
  assert.ok(hierarchy.Count > 10);
  let state = null, more = true, seen = 0;
  while (more) {
    const changes = await s.SyncFolderItems(new FolderId(WellKnownFolderName.Inbox), new PropertySet(BasePropertySet.IdOnly), null, 100, SyncFolderItemsScope.NormalItems, state);
    state = changes.SyncState;
    more = changes.MoreChangesAvailable;
    seen += changes.Count;
  }
  assert.ok(seen > 3);
  const [got] = await find(WellKnownFolderName.Inbox, stamp);
  const m = await EmailMessage.Bind(s, got.Id);
  m.IsRead = !m.IsRead;
  await m.Update(ConflictResolutionMode.AutoResolve);
  const changes = await s.SyncFolderItems(new FolderId(WellKnownFolderName.Inbox), new PropertySet(BasePropertySet.IdOnly), null, 100, SyncFolderItemsScope.NormalItems, state);
  assert.equal(changes.Count, 1);
});

await step("pull notifications", async () => {
  const sub = await s.SubscribeToPullNotifications([new FolderId(WellKnownFolderName.Drafts)], 5, null, EventType.Created, EventType.Deleted);
  const m = new EmailMessage(s);
  m.Subject = stamp + " event";
  await m.Save(WellKnownFolderName.Drafts);
  const events = await sub.GetEvents();
  assert.equal(events.ItemEvents.length, 1);
  await sub.Unsubscribe();
  await m.Delete(DeleteMode.HardDelete);
});

await step("contacts", async () => {
  const c = new Contact(s);
  c.GivenName = "Eva";
  c.Surname = stamp;
  c.EmailAddresses._setItem(EmailAddressKey.EmailAddress1, new EmailAddress("eva@example.net"));
  c.PhoneNumbers._setItem(PhoneNumberKey.MobilePhone, "+49 1");
  const address = new PhysicalAddressEntry();
  address.City = "Wien";
  c.PhysicalAddresses._setItem(PhysicalAddressKey.Home, address);
  await c.Save();
  const read = await Contact.Bind(s, c.Id);
  assert.equal(read.Surname, stamp);
  assert.equal(read.EmailAddresses._getItem(EmailAddressKey.EmailAddress1).Address, "eva@example.net");
  assert.equal(read.PhysicalAddresses._getItem(PhysicalAddressKey.Home).City, "Wien");
  read.CompanyName = "Contoso";
  read.PhoneNumbers._setItem(PhoneNumberKey.MobilePhone, "+49 2");
  await read.Update(ConflictResolutionMode.AlwaysOverwrite);
  assert.equal((await Contact.Bind(s, c.Id)).CompanyName, "Contoso");
  await read.Delete(DeleteMode.HardDelete);
});

await step("tasks", async () => {
  const t = new Task(s);
  t.Subject = stamp;
  t.DueDate = DateTime.Now.AddDays(1);
  await t.Save();
  const read = await Task.Bind(s, t.Id);
  read.Status = TaskStatus.Completed;
  await read.Update(ConflictResolutionMode.AlwaysOverwrite);
  assert.equal((await Task.Bind(s, t.Id)).PercentComplete, 100);
  await read.Delete(DeleteMode.HardDelete, undefined, 0);
});

await step("other identifiers", async () => {
  const inbox = await Folder.Bind(s, WellKnownFolderName.Inbox);
  const id = await s.ConvertId(new AlternateId(IdFormat.EwsId, inbox.Id.UniqueId, env.HMA_USER), IdFormat.HexEntryId);
  assert.match(id.UniqueId, /^[0-9A-F]+$/i);
});

await step("delete", async () => {
  for (const folder of [WellKnownFolderName.Inbox, WellKnownFolderName.SentItems]) {
    const found = await s.FindItems(folder, new SearchFilter.ContainsSubstring(ItemSchema.Subject, stamp), new ItemView(50));
    const results = await s.DeleteItems(found.Items.map((i) => i.Id), DeleteMode.MoveToDeletedItems, null, null);
    assert.equal(results.OverallResult, ServiceResult.Success);
  }
  assert.equal((await find(WellKnownFolderName.Inbox, stamp)).length, 0);
});
console.log("ok all");
