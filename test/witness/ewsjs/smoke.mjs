// Drives ews-javascript-api, a port of the managed API that we did not write, against
// the EWS door. Prints "ok STEP" for each step; a step that fails ends it.
//
//   HMA_EWS    https://localhost:PORT/EWS/Exchange.asmx
//   HMA_TOKEN  an access token
//   HMA_USER   whose mailbox it is; HMA_OTHER somebody else, HMA_OTHER_TOKEN that person's token
//   HMA_AUTODISCOVER  https://localhost:PORT/autodiscover/autodiscover.svc
//   HMA_VERSIONS  a list of the library's names of schema versions, the last is used throughout
import ews from "ews-javascript-api";
import assert from "node:assert/strict";

const { ExchangeService, ExchangeVersion, OAuthCredentials, Uri, Folder, WellKnownFolderName, ItemView, FolderView, EmailMessage, MessageBody,
  BodyType, PropertySet, BasePropertySet, ItemSchema, EmailMessageSchema, ConflictResolutionMode, DeleteMode, SearchFilter, LogicalOperator, AppointmentSchema,
  SyncFolderItemsScope, Contact, EmailAddress, EmailAddressKey, PhoneNumberKey, PhysicalAddressEntry, PhysicalAddressKey, Task, TaskStatus, DateTime, FolderId, ItemId, Item,
  EventType, ExtendedPropertyDefinition, DefaultExtendedPropertySet, MapiPropertyType, Flag, ItemFlagStatus, MimeContent, StringList, SortDirection,
  Appointment, Recurrence, DayOfTheWeek, CalendarView, SendInvitationsMode, SendInvitationsOrCancellationsMode, SendCancellationsMode,
  OofSettings, OofState, OofExternalAudience, OofReply, Rule, CreateRuleOperation, SetRuleOperation, DeleteRuleOperation, DelegateUser, DelegateFolderPermissionLevel,
  MeetingRequestsDeliveryScope, Mailbox, UserId, AutodiscoverService, UserSettingName, StreamingSubscriptionConnection, UserConfiguration, UserConfigurationProperties,
  AttendeeInfo, TimeWindow, AvailabilityData, FolderPermission, FolderPermissionLevel, MeetingResponseType, MeetingRequest, LegacyFreeBusyStatus,
  ServiceResult, ServiceError, ExtendedPropertyCollection, FolderTraversal, AlternateId, IdFormat, Importance, FileAttachment, PostItem,
  Grouping, AggregateType } = ews;

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

await step("groups", async () => {
  const view = new ItemView(100);
  view.PropertySet = new PropertySet(BasePropertySet.IdOnly, [ItemSchema.Subject, ItemSchema.DateTimeReceived]);
  view.OrderBy.Add(ItemSchema.DateTimeReceived, SortDirection.Descending);
  const plain = await s.FindItems(WellKnownFolderName.Inbox, view);
  const grouped = await s.FindItems(WellKnownFolderName.Inbox, view, new Grouping(ItemSchema.Subject, SortDirection.Descending, ItemSchema.DateTimeReceived, AggregateType.Maximum));
  assert.equal(grouped.TotalCount, plain.TotalCount);
  assert.equal(grouped.ItemGroups.reduce((n, g) => n + g.Items.length, 0), plain.Items.length);
  for (const g of grouped.ItemGroups) assert.ok(g.Items.every((m) => m.Subject.toLowerCase() === g.Items[0].Subject.toLowerCase()));
  assert.equal(grouped.ItemGroups[0].Items[0].Id.UniqueId, plain.Items[0].Id.UniqueId);
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

// The other person's service.
const theirs = service(ExchangeVersion.Exchange2016);
theirs.Credentials = new OAuthCredentials(env.HMA_OTHER_TOKEN);
const when = (day, hour) => new DateTime(Date.UTC(2026, 9, day, hour));
const view = (service, from, to, whose) => service.FindAppointments(whose ?? WellKnownFolderName.Calendar, new CalendarView(when(from, 0), when(to, 0)));
const mine = async (...args) => (await view(...args)).Items.filter((a) => a.Subject.startsWith(stamp));
const sent = async (subject, to) => {
  const m = new EmailMessage(theirs);
  m.Subject = subject;
  m.Body = new MessageBody(BodyType.Text, "x");
  m.ToRecipients.Add(to);
  await m.Send();
};

await step("appointments with recurrence", async () => {
  const a = new Appointment(s);
  a.Subject = stamp + " weekly";
  a.Start = when(5, 9);
  a.End = when(5, 10);
  a.Recurrence = new Recurrence.WeeklyPattern(a.Start, 1, [DayOfTheWeek.Monday, DayOfTheWeek.Wednesday]);
  a.Recurrence.NumberOfOccurrences = 6;
  await a.Save(SendInvitationsMode.SendToNone);
  const found = await mine(s, 1, 31);
  assert.deepEqual(found.map((x) => x.Start.ToISOString().slice(8, 10)), ["05", "07", "12", "14", "19", "21"]);
  const second = await Appointment.BindToOccurrence(s, a.Id, 2);
  second.Subject = stamp + " moved";
  second.Start = when(8, 15);
  second.End = when(8, 16);
  await second.Update(ConflictResolutionMode.AlwaysOverwrite, SendInvitationsOrCancellationsMode.SendToNone);
  await (await Appointment.BindToOccurrence(s, a.Id, 4)).Delete(DeleteMode.HardDelete, SendCancellationsMode.SendToNone);
  assert.deepEqual((await mine(s, 1, 31)).map((x) => x.Start.ToISOString().slice(8, 13)), ["05T09", "08T15", "12T09", "19T09", "21T09"]);
  const master = await Appointment.BindToRecurringMaster(s, second.Id);
  assert.equal(master.ModifiedOccurrences.Items.length, 1);
  assert.equal(master.DeletedOccurrences.Items.length, 1);
  assert.equal(master.Recurrence.NumberOfOccurrences, 6);
  await master.Delete(DeleteMode.HardDelete, SendCancellationsMode.SendToNone);
  assert.equal((await mine(s, 1, 31)).length, 0);
});

await step("meeting of two", async () => {
  const a = new Appointment(s);
  a.Subject = stamp + " meeting";
  a.Start = when(6, 11);
  a.End = when(6, 12);
  a.RequiredAttendees.Add(env.HMA_OTHER);
  await a.Save(SendInvitationsMode.SendToAllAndSaveCopy);
  const found = await theirs.FindItems(WellKnownFolderName.Inbox, new SearchFilter.IsEqualTo(ItemSchema.Subject, a.Subject), new ItemView(5));
  const request = await MeetingRequest.Bind(theirs, found.Items[0].Id);
  assert.equal(request.Organizer.Address, env.HMA_USER);
  await request.Accept(true);
  const own = await Appointment.Bind(s, a.Id);
  assert.equal(own.RequiredAttendees.Items[0].ResponseType, MeetingResponseType.Accept);
  const who = [new AttendeeInfo(env.HMA_OTHER)];
  const busy = await s.GetUserAvailability(who, new TimeWindow(when(6, 0), when(7, 0)), AvailabilityData.FreeBusy);
  assert.ok(busy.AttendeesAvailability.Responses[0].CalendarEvents.some((e) => e.FreeBusyStatus === LegacyFreeBusyStatus.Busy));
  await own.CancelMeeting("It rains");
  const left = await mine(theirs, 6, 7);
  assert.ok(left.length === 0 || left[0].IsCancelled || left[0].LegacyFreeBusyStatus === LegacyFreeBusyStatus.Free);
});

await step("out of office", async () => {
  const oof = new OofSettings();
  oof.State = OofState.Enabled;
  oof.ExternalAudience = OofExternalAudience.None;
  oof.InternalReply = new OofReply("away " + stamp);
  oof.ExternalReply = new OofReply("away");
  await s.SetUserOofSettings(env.HMA_USER, oof);
  const read = await s.GetUserOofSettings(env.HMA_USER);
  assert.equal(read.State, OofState.Enabled);
  assert.match(read.InternalReply.Message, /away ewsjs/);
  await sent(stamp + " are you there", env.HMA_USER);
  const reply = async () => (await theirs.FindItems(WellKnownFolderName.Inbox, new SearchFilter.ContainsSubstring(ItemSchema.Subject, stamp + " are you there"), new ItemView(5))).Items;
  for (let i = 0; i < 50 && (await reply()).length === 0; i++) await new Promise((r) => setTimeout(r, 100));
  assert.equal((await reply()).length, 1);
  oof.State = OofState.Disabled;
  await s.SetUserOofSettings(env.HMA_USER, oof);
  assert.equal((await s.GetUserOofSettings(env.HMA_USER)).State, OofState.Disabled);
});

await step("inbox rules", async () => {
  const f = new Folder(s);
  f.DisplayName = stamp + " sorted";
  await f.Save(WellKnownFolderName.Inbox);
  const rule = new Rule();
  rule.DisplayName = stamp;
  rule.Priority = 1;
  rule.IsEnabled = true;
  rule.Conditions.ContainsSubjectStrings.Add(stamp + " sort");
  rule.Actions.MoveToFolder = f.Id;
  rule.Actions.MarkAsRead = true;
  await s.UpdateInboxRules([new CreateRuleOperation(rule)], true);
  const [made] = (await s.GetInboxRules()).rules.filter((r) => r.DisplayName === stamp);
  assert.ok(made.Id && made.IsEnabled);
  await sent(stamp + " sort me", env.HMA_USER);
  const moved = await s.FindItems(f.Id, new ItemView(5));
  assert.equal(moved.TotalCount, 1);
  assert.equal(moved.Items[0].IsRead, true);
  made.IsEnabled = false;
  await s.UpdateInboxRules([new SetRuleOperation(made)], true);
  await sent(stamp + " sort not", env.HMA_USER);
  assert.equal((await find(WellKnownFolderName.Inbox, stamp + " sort not")).length, 1);
  await s.UpdateInboxRules([new DeleteRuleOperation(made.Id)], true);
  assert.ok(!(await s.GetInboxRules()).rules.some((r) => r.DisplayName === stamp));
  await f.Delete(DeleteMode.HardDelete);
});

await step("delegates", async () => {
  const own = new Mailbox(env.HMA_USER), calendar = new FolderId(WellKnownFolderName.Calendar, own);
  await assert.rejects(view(theirs, 1, 2, calendar));
  const user = new DelegateUser(env.HMA_OTHER);
  user.Permissions.CalendarFolderPermissionLevel = DelegateFolderPermissionLevel.Editor;
  user.ReceiveCopiesOfMeetingMessages = true;
  const [added] = await s.AddDelegates(own, MeetingRequestsDeliveryScope.DelegatesAndMe, [user]);
  assert.equal(added.Result, ServiceResult.Success);
  const read = await s.GetDelegates(own, true);
  assert.deepEqual(read.DelegateUserResponses.map((r) => [r.DelegateUser.UserId.PrimarySmtpAddress, r.DelegateUser.Permissions.CalendarFolderPermissionLevel]),
    [[env.HMA_OTHER, DelegateFolderPermissionLevel.Editor]]);
  assert.equal(read.MeetingRequestsDeliveryScope, MeetingRequestsDeliveryScope.DelegatesAndMe);
  const a = new Appointment(theirs);
  a.Subject = stamp + " by the delegate";
  a.Start = when(9, 9);
  a.End = when(9, 10);
  await a.Save(calendar, SendInvitationsMode.SendToNone);
  assert.equal((await mine(s, 9, 10)).length, 1);
  user.Permissions.CalendarFolderPermissionLevel = DelegateFolderPermissionLevel.Reviewer;
  await s.UpdateDelegates(own, MeetingRequestsDeliveryScope.NoForward, [user]);
  assert.equal((await mine(theirs, 9, 10, calendar)).length, 1);
  await assert.rejects(a.Delete(DeleteMode.HardDelete, SendCancellationsMode.SendToNone));
  await s.RemoveDelegates(own, [new UserId(env.HMA_OTHER)]);
  assert.equal((await s.GetDelegates(own, true)).DelegateUserResponses.length, 0);
  await assert.rejects(view(theirs, 9, 10, calendar));
  await (await mine(s, 9, 10))[0].Delete(DeleteMode.HardDelete, SendCancellationsMode.SendToNone);
});

await step("folder permissions", async () => {
  const own = new Mailbox(env.HMA_USER);
  const f = new Folder(s);
  f.DisplayName = stamp + " shared";
  await f.Save(WellKnownFolderName.Inbox);
  const set = async (level) => {
    const bound = await Folder.Bind(s, f.Id, new PropertySet(BasePropertySet.FirstClassProperties));
    for (const p of [...bound.Permissions.Items]) if (p.UserId.PrimarySmtpAddress === env.HMA_OTHER) bound.Permissions.Remove(p);
    bound.Permissions.Add(new FolderPermission(env.HMA_OTHER, level));
    await bound.Update();
  };
  await assert.rejects(Folder.Bind(theirs, f.Id));
  await set(FolderPermissionLevel.Reviewer);
  assert.equal((await Folder.Bind(theirs, f.Id)).DisplayName, f.DisplayName);
  const m = new EmailMessage(theirs);
  m.Subject = stamp + " left here";
  await assert.rejects(m.Save(f.Id));
  await set(FolderPermissionLevel.Editor);
  const again = new EmailMessage(theirs);
  again.Subject = stamp + " left here";
  await again.Save(f.Id);
  assert.equal((await s.FindItems(f.Id, new ItemView(5))).TotalCount, 1);
  await f.Delete(DeleteMode.HardDelete);
});

await step("user configurations", async () => {
  const c = new UserConfiguration(s);
  c.XmlData = Buffer.from("<a/>").toString("base64");
  await c.Save("Ewsjs" + stamp.slice(6), WellKnownFolderName.Inbox);
  const read = await UserConfiguration.Bind(s, "Ewsjs" + stamp.slice(6), WellKnownFolderName.Inbox, UserConfigurationProperties.All);
  assert.equal(Buffer.from(read.XmlData, "base64").toString(), "<a/>");
  await read.Delete();
});

await step("streaming notifications", async () => {
  const sub = await s.SubscribeToStreamingNotifications([new FolderId(WellKnownFolderName.Drafts)], EventType.Created);
  const connection = new StreamingSubscriptionConnection(s, 1);
  connection.AddSubscription(sub);
  const event = new Promise((resolve, reject) => {
    connection.OnNotificationEvent.push((sender, args) => resolve(args));
    connection.OnSubscriptionError.push((sender, args) => reject(args.Exception));
    setTimeout(() => reject(new Error("no event")), 20000).unref();
  });
  connection.Open().catch(() => {}); // it is done when the connection is
  const m = new EmailMessage(s);
  m.Subject = stamp + " streamed";
  await m.Save(WellKnownFolderName.Drafts);
  const { Events } = await event;
  assert.equal(Events[0].ItemId.UniqueId, m.Id.UniqueId);
  connection.Close();
  await m.Delete(DeleteMode.HardDelete);
});

await step("Autodiscover", async () => {
  const a = new AutodiscoverService(new Uri(env.HMA_AUTODISCOVER), ExchangeVersion.Exchange2013);
  a.Credentials = new OAuthCredentials(env.HMA_TOKEN);
  const got = await a.GetUserSettings(env.HMA_USER, [UserSettingName.ExternalEwsUrl, UserSettingName.AutoDiscoverSMTPAddress]);
  assert.match(got.Settings.get(UserSettingName.ExternalEwsUrl), /^https:.*Exchange.asmx$/i);
  assert.equal(got.Settings.get(UserSettingName.AutoDiscoverSMTPAddress), env.HMA_USER);
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
process.exit(0); // a stream that was closed may still hold its socket
