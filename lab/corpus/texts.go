package corpus

import "fmt"

// note is a text with its subject; places in braces are filled in.
type note struct{ subject, body string }

// outside are the people who write from other organisations.
var outside = []Person{
	{Name: "Maya Petrov", Address: "maya.petrov@example.org", Given: "Maya"},
	{Name: "Tomás Rivera", Address: "tomas@example.net", Given: "Tomás"},
	{Name: "Northwind Carriers", Address: "dispatch@example.net", Given: "The dispatch desk"},
	{Name: "Harriet Lowe", Address: "h.lowe@example.org", Given: "Harriet"},
	{Name: "Samuel Adeyemi", Address: "samuel.adeyemi@example.org", Given: "Samuel"},
}

var notes = []note{
	{"Keys to the sample room", "Hi {to},\n\nthe spare keys to the sample room are with the front desk now. Please sign for them, we were one short after the open day.\n\nThanks\n{from}\n"},
	{"Lunch on {day}?", "Hello {to},\n\nthe noodle place by the canal has reopened. Shall we try it on {day}, around half past twelve?\n\n{from}\n"},
	{"Order {n} is complete", "Hi {to},\n\nthe last two boxes of order {n} came in this morning. I checked the screws and hinges, all of it is there, so the workshop can start.\n\nBest\n{from}\n"},
	{"Parking during the roof works", "Dear {to},\n\nfrom {day} on the roofers need the first row of the car park. Please use the yard behind hall 2 until they are done.\n\n{from}\n"},
	{"Photos for the spring page", "Hi {to},\n\nI picked {n} photos of the garden range for the spring page. The oak bench looks best in the morning light, so I would put that one on top.\n\nWhat do you think?\n{from}\n"},
	{"Thank you", "{to},\n\nthank you for stepping in yesterday. The customer wrote back and is very happy with how fast this went.\n\n{from}\n"},
	{"Price list for {month}", "Hello {to},\n\nthe price list for {month} is on the shared drive. Two changes: rain barrels are a little cheaper, delivery beyond 200 km a little dearer.\n\nKind regards\n{from}\n"},
	{"Found: a blue umbrella", "Somebody left a blue umbrella in the small meeting room. It waits at the front desk.\n\n{from}\n"},
	{"Question about the invoice of {month}", "Hi {to},\n\nposition 4 of the invoice says {n} pieces, but we counted two fewer. Can you look it up before I release the payment?\n\nThank you\n{from}\n"},
	{"Visitors on {day}", "Dear {to},\n\non {day} the class of the joinery school comes to see hall 1, {n} people in two groups. I will show them round; could you take the second group to the paint shop?\n\n{from}\n"},
	{"New number for the night desk", "Hi {to},\n\nthe night desk has a new number: extension {n}0. The old one rings until the end of the month.\n\n{from}\n"},
	{"Book on wood joints", "Hello {to},\n\nI still have your book on wood joints, and I am only half through. May I keep it one more week?\n\n{from}\n"},
	{"Truck is late", "Good morning {to},\n\nthe truck is stuck behind a closed bridge and will be about two hours late. Unloading starts when it is here; no need to wait at the gate.\n\n{from}\n"},
	{"Test of the fire alarm", "Dear {to},\n\nthe fire alarm is tested on {day} at ten. It is loud, it is short, and nobody has to leave the building.\n\n{from}\n"},
	{"Coffee machine", "Hi {to},\n\nthe new coffee machine is here. The left button makes the good one. Beans are in the cupboard above.\n\n{from}\n"},
	{"Reference for the apprentice", "Hello {to},\n\ncould you write two or three sentences about the time in your team? I would like to give the reference out on {date}.\n\nMany thanks\n{from}\n"},
	{"Sample of the new varnish", "Hi {to},\n\nthe sample of the water based varnish dries in forty minutes and smells of nearly nothing. I have painted one side of a bird house with it, have a look.\n\n{from}\n"},
	{"Change of address", "Dear {to},\n\nwe move to the second floor on {date}. Post and phone stay as they are.\n\nRegards\n{from}\n"},
}

// richNotes are HTML; the text form is made from it.
var richNotes = []note{
	{"Weekly report, {month}", "<html><body>\n<h2>Weekly report</h2>\n<p>Hi {to},</p>\n<p>a good week. In short:</p>\n<ul><li><b>Orders:</b> {n} new ones, most of them plant boxes<li><b>Shipping:</b> nothing older than three days<li><b>Returns:</b> two, both scratched on the way</ul>\n<p>The long version is on the board.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Stock before the holidays", "<html><body>\n<p>Hello {to},</p>\n<p>this is what we have on the shelves:</p>\n<table border=\"1\" cellpadding=\"4\"><tr><th>Product</th><th>Pieces</th></tr><tr><td>Oak bench</td><td>{n}</td></tr><tr><td>Folding table</td><td>{n}</td></tr><tr><td>Rain barrel</td><td>{n}</td></tr></table>\n<p>I would order benches now and wait with the barrels.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Draft of the leaflet", "<html><body>\n<p>{to},</p>\n<p>here is the first page. <i>Furniture for people who like to be outside</i> is my favourite line, but I can be talked out of it.</p>\n<p style=\"color:#1f5f8b\">Colours as on the new signs.</p>\n<p>Comments until <b>{day}</b>, please.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Please confirm: stand at the fair", "<html><body>\n<p>Hi {to},</p>\n<p>the organisers offer us stand <b>C{n}</b>, next to the entrance. They hold it until {date}.</p>\n<p>Shall I say yes?</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Roster for next week", "<html><body>\n<p>Dear {to},</p>\n<table border=\"1\" cellpadding=\"4\"><tr><th>Day</th><th>Early</th><th>Late</th></tr><tr><td>Monday</td><td>Hall 1</td><td>Hall 2</td></tr><tr><td>Wednesday</td><td>Hall 2</td><td>Paint shop</td></tr><tr><td>Friday</td><td>Paint shop</td><td>Hall 1</td></tr></table>\n<p>Swap among yourselves and tell me by {day}.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"What customers say", "<html><body>\n<p>Hello {to},</p>\n<p>three lines from this month's cards:</p>\n<blockquote>The bench arrived before the garden did.</blockquote>\n<blockquote>Every screw was there. Every single one!</blockquote>\n<blockquote>My cat has taken the plant box, please send another.</blockquote>\n<p>Have a good day<br>{from}</p>\n</body></html>\n"},
	{"Safety shoes", "<html><body>\n<p>{to},</p>\n<p>the new safety shoes are in the store room. <b>Please try them on before you cut off the label.</b> Wrong sizes go back on {day}.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Plan for the open day", "<html><body>\n<h2>Open day</h2>\n<p>Hi {to},</p>\n<ul><li>10:00 doors open<li>11:00 tour of hall 1<li>12:30 soup, bread and music in the yard<li>14:00 children build bird houses<li>16:00 we clean up and keep what is left of the cake</ul>\n<p>{from}</p>\n</body></html>\n"},
}

type fileNote struct {
	note
	files   []string
	outside bool
}

var fileNotes = []fileNote{
	{note{"Orders of the last four weeks", "Hi {to},\n\nthe numbers you asked for are attached. Column five is what is still open.\n\n{from}\n"}, []string{"orders.csv"}, false},
	{note{"Offer {n}", "Dear {to},\n\nplease find our offer attached. It is good for thirty days.\n\nKind regards\n{from}\n"}, []string{"Offer {n}.pdf"}, true},
	{note{"Minutes and figures", "Hello {to},\n\nminutes and figures of today's round are attached. Tell me if I got something wrong.\n\n{from}\n"}, []string{"minutes.txt", "figures.csv"}, false},
	{note{"Chart for the board", "Hi {to},\n\nthe chart is attached as a picture, so that it can go straight onto the slide.\n\n{from}\n"}, []string{"chart.png"}, false},
	{note{"Invoice for {month}", "Dear {to},\n\nthe invoice for {month} is attached. Thank you for your order.\n\n{from}\n"}, []string{"Invoice {month}.pdf"}, true},
	{note{"Minutes of the workshop round", "Hi {to},\n\nshort round, short minutes.\n\n{from}\n"}, []string{"minutes.txt"}, false},
	{note{"Delivery note and photo", "Hello {to},\n\nthe delivery note of this morning and the drawing that goes with it.\n\n{from}\n"}, []string{"Delivery note {n}.pdf", "drawing.png"}, true},
	{note{"Größen und Maße", "Hello {to},\n\nthe list with the sizes for the German catalogue; please check the umlauts, they broke last time.\n\n{from}\n"}, []string{"Maße Gartenmöbel.csv"}, false},
}

var pictureNotes = []note{
	{"Orders at a glance", "<html><body>\n<p>Hi {to},</p>\n<p>eight weeks of orders in one picture:</p>\n<p>{image}</p>\n<p>The dip in the middle was the public holiday.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Energy use of hall 1", "<html><body>\n<p>Hello {to},</p>\n<p>{image}</p>\n<p>The new lamps show. Blue is this year, orange the last one.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"How full is the warehouse?", "<html><body>\n<p>{to},</p>\n<p>one bar for each aisle, taller is fuller:</p>\n<p>{image}</p>\n<p>Aisle three could take the plant boxes.</p>\n<p>{from}</p>\n</body></html>\n"},
	{"Visitors to the shop page", "<html><body>\n<p>Hi {to},</p>\n<p>{image}</p>\n<p>The spike is the evening when the garden programme showed our bench.</p>\n<p>{from}</p>\n</body></html>\n"},
}

var notices = []note{
	{"Meeting moved: planning, now {day} at 14:00", "Dear {to},\n\nthe planning meeting moves to {day}, 14:00, in the large meeting room. The agenda stays:\n\n  1. Deliveries in {month}\n  2. Stand at the fair\n  3. Anything else\n\n{from}\n"},
	{"Reminder: town hall on {date}", "Dear {to},\n\na reminder of the town hall on {date} at 15:00 in hall 1. There will be news, questions and cake, in this order.\n\n{from}\n"},
	{"Maintenance on {day}, 18:00 to 20:00", "Dear {to},\n\nmail and files are down for maintenance on {day} from 18:00 to 20:00. Please save your work before you leave.\n\n{from}\n"},
	{"Cancelled: workshop tour", "Dear {to},\n\nthe workshop tour of this week is cancelled, the saw is being serviced. The next one is on {date}.\n\n{from}\n"},
	{"Please book your days off", "Dear {to},\n\nplease book your days off until {date}. Hall 2 needs two people at any time, so talk to each other first.\n\n{from}\n"},
}

type event struct{ subject, place, body string }

var events = []event{
	{"Site visit", "Gate 2, Contoso", "Hello {to},\n\nthe details of the site visit are in the attached calendar file.\n\n{from}\n"},
	{"Call about the spring catalogue", "By phone", "Hi {to},\n\nI put our call into the attached calendar file. I will ring you.\n\n{from}\n"},
	{"Training: the new forklift", "Hall 1, yard side", "Dear {to},\n\nthe training takes an hour; wear flat shoes. Time and place are in the attached file.\n\n{from}\n"},
	{"Tasting the canteen menu", "Canteen, table by the window", "Hello {to},\n\nwe are three, there is food for six. The time is in the attached calendar file.\n\n{from}\n"},
}

type newsletter struct {
	from          Person
	subject, body string
	colour        string
}

var newsletters = []newsletter{
	{Person{Name: "Garden Weekly", Address: "news@example.org"}, "Garden Weekly: what to plant in {month}", "<p>Broad beans, early peas and a little patience. We asked {n} gardeners what they put into the ground first.</p>\n<ul><li>Five flowers that do not mind the cold<li>How to build a cold frame from old windows<li>Readers' gardens: a balcony of two square metres</ul>", "#3c7a3c"},
	{Person{Name: "Harbour Timber", Address: "letters@example.net"}, "Fresh from the saw: {n} new boards", "<p>A ship came in. We have oak, ash and larch in lengths up to six metres, dried for two years.</p>\n<p>Come and choose your boards on {day}; coffee is on us.</p>", "#8b5a2b"},
	{Person{Name: "The Small Factory", Address: "editor@example.org"}, "The Small Factory, issue {n}", "<p>In this issue: a workshop that moved by bicycle, why drawers stick in autumn, and a page about labels that come off in one piece.</p>", "#444c66"},
	{Person{Name: "City Library", Address: "library@example.net"}, "New on the shelves in {month}", "<p>{n} new books, three board games, and a sewing machine that you can borrow for a week.</p>\n<p>Reading evening on {day} at seven. Admission is free.</p>", "#7a2f5a"},
	{Person{Name: "Trains & Trams", Address: "service@example.org"}, "Timetable change on {date}", "<p>From {date} line {n} stops at the east gate again. Night trams leave ten minutes later.</p>", "#a8321f"},
}

func newsletterHTML(n newsletter, body string) string {
	return fmt.Sprintf("<html><body style=\"font-family:sans-serif\">\n<table width=\"600\" align=\"center\" cellpadding=\"12\"><tr><td style=\"background:%s;color:#fff\"><h1>%s</h1></td></tr>\n<tr><td>%s</td></tr>\n<tr><td style=\"color:#777;font-size:12px\">You get this letter because you asked for it. One click in the header ends it.</td></tr></table>\n</body></html>\n", n.colour, n.from.Name, body)
}

type thread struct {
	subject string
	lines   []string
}

var threads = []thread{
	{"Which colour for the new signs?", []string{
		"Hi {to},\n\nthe sign maker needs to know by {day}: dark blue or warm grey? I have put both samples on the table in the hall.",
		"Blue. The grey one disappears against the wall as soon as the sun is gone.",
		"I like the grey better, but I see the point about the evening. What does the lettering cost in each?",
		"The same in both, I asked. White letters, 12 cm, legible from the gate.",
		"Then blue it is, as far as I am concerned.",
		"Fine with me. Can we have the arrow to the yard a little larger?",
		"Yes. Ordered: dark blue, white letters, large arrow. They come on the last day of the month.",
		"Perfect, thank you for looking after this.",
	}},
	{"Delivery to the island", []string{
		"Hello {to},\n\nwe have an order of {n} benches for the hotel on the island. The ferry takes trucks up to 12 tonnes only. Any idea?",
		"We could send two small trucks, or one large one to the harbour and reload there.",
		"Reloading cost us three scratched tables last time.",
		"Two small ones then. I ask the carrier for a price.",
		"The carrier says 1,140 for both, ferry included, on Tuesday or Thursday.",
		"Thursday. The hotel has somebody at the pier until four.",
		"Booked for Thursday, first ferry. I sent them the phone number of the hotel.",
		"And they are there! All benches whole, and the hotel sent a photo of the sunset.",
		"Best delivery report I have ever read.",
	}},
	{"Apprentices' project", []string{
		"Hi {to},\n\nthe apprentices may build something of their own this year. What could it be?",
		"Something that we use afterwards. A bench for the yard, with a roof?",
		"Or a bookcase for the break room, there are boxes of books everywhere.",
		"I asked them: they want to build a table tennis table, from wood, that folds.",
		"I love it. Do we have a drawing?",
		"They made one over the weekend. It is good, only the hinge needs a second look.",
		"I can help with the hinge on {day} after four.",
	}},
	{"Printer on the second floor", []string{
		"The printer on the second floor prints everything in pink. Is it just me?",
		"No, mine came out pink as well. I thought it was on purpose.",
		"The drum is worn. A new one comes on {day}; until then please use the one by the stairs.",
		"New drum is in. Black is black again.",
		"Thank you! I will miss the pink a little.",
	}},
	{"Budget for the workshop", []string{
		"Hello {to},\n\nfor next year I would like to plan a second extraction unit. It is about {n} hundred, and hall 2 is dusty without it.",
		"Dusty is polite. Does the old one do for hall 1 alone?",
		"Yes, with new filters it is good for some years.",
		"Can you get a second offer? With two it goes through more easily.",
		"The second offer is in: a bit dearer, but with service for three years.",
		"Then I would take that one. I put it on the list.",
		"Approved, by the way. Well prepared, thank you.",
	}},
	{"Shelf labels", []string{
		"Hi {to},\n\nhalf of the shelf labels in aisle three have fallen off. Do we still have the strong ones?",
		"One roll is left in the office, lower drawer.",
		"Found it. It is enough for two aisles.",
		"I order three more rolls, they never last.",
	}},
	{"Bees on the roof?", []string{
		"Hello {to},\n\na neighbour keeps bees and looks for a flat roof for two hives. Ours would do. What do you think?",
		"If they stay on the roof I am all for it.",
		"Who goes up there? The roofers, twice a year. They should know.",
		"I talked to the neighbour: the hives stand at the far end, and there is a sign at the ladder.",
		"And do we get honey?",
		"{n} jars a year, he says.",
		"Then I do not see a problem at all.",
		"The hives came this morning. Everybody is calm, the bees most of all.",
	}},
	{"Catalogue, last corrections", []string{
		"Hi {to},\n\nthe catalogue goes to print on {day}. This is the last chance for corrections.",
		"Page 12: the folding table has four legs on the picture and three in the text.",
		"Page 30: the weight of the rain barrel is its weight when it is full, I think.",
		"Both corrected. Page 12 was a good one.",
		"Page 2: my name has lost its accent again.",
		"It is back where it belongs. Anything else?",
		"Not from me. Go!",
	}},
}
