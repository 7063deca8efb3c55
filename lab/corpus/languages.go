package corpus

// foreignNote is mail in another language, in the character set that such mail often has.
type foreignNote struct {
	from          Person
	subject, body string
	charset       string
	file          string
}

var (
	juergen = Person{Name: "Jürgen Krämer", Address: "juergen.kraemer@example.org"}
	zofia   = Person{Name: "Zofia Wójcik", Address: "zofia.wojcik@example.net"}
	nikos   = Person{Name: "Νίκος Παπαδόπουλος", Address: "nikos@example.org"}
	misaki  = Person{Name: "佐藤 美咲", Address: "misaki.sato@example.net"}
	layla   = Person{Name: "ليلى حداد", Address: "layla.haddad@example.org"}
	zoe     = Person{Name: "Zoë 🌻", Address: "zoe@example.net"}
)

var foreignNotes = []foreignNote{
	{juergen, "Rückfrage zur Bestellung der Gartenstühle", "Guten Tag {to},\n\nsind die grünen Gartenstühle ab März wieder verfügbar? Wir bräuchten zwölf Stück, möglichst mit Auflagen.\n\nSchöne Grüße aus Köln\nJürgen Krämer\n", "iso-8859-1", ""},
	{juergen, "Übersicht der Maße", "Hallo {to},\n\nanbei die Übersicht der Maße. Größe XL fehlt noch, sie kommt nächste Woche.\n\nViele Grüße\nJürgen\n", "", "Übersicht Maße.csv"},
	{juergen, "Grüße von der Messe", "Hallo {to},\n\nwir hatten heute über hundert Gäste am Stand. Die Eichenbank war der Publikumsliebling, jeder wollte einmal Probe sitzen.\n\nHerzliche Grüße\nJürgen\n", "", ""},
	{zofia, "Zamówienie na wrzesień", "Dzień dobry,\n\nproszę o potwierdzenie zamówienia na wrzesień: dziesięć ławek dębowych i pięć skrzynek na kwiaty.\n\nŁączę pozdrowienia\nZofia Wójcik\n", "iso-8859-2", ""},
	{zofia, "Zdjęcia z ogrodu", "Cześć {to},\n\nławka stoi już pod jabłonią i wygląda pięknie. Dziękuję za szybką dostawę!\n\nZofia\n", "", "zdjęcie – ławka.png"},
	{nikos, "Καλημέρα από τη Θεσσαλονίκη", "Καλημέρα {to},\n\nτα τραπέζια έφτασαν χθες και είναι όλα σε άριστη κατάσταση. Ο καφές στην αυλή έχει τώρα άλλη γεύση.\n\nΜε εκτίμηση\nΝίκος\n", "iso-8859-7", ""},
	{nikos, "Προσφορά για το ξενοδοχείο", "Αγαπητοί φίλοι,\n\nσας στέλνω την προσφορά για το ξενοδοχείο. Περιμένω τη γνώμη σας ως την Παρασκευή.\n\nΝίκος\n", "", "Προσφορά.pdf"},
	{misaki, "見積もりのお願い", "{to} 様\n\nいつもお世話になっております。\nオーク材のベンチ十台の見積もりをお願いいたします。\n納期もあわせてお知らせください。\n\n佐藤 美咲\n", "iso-2022-jp", ""},
	{misaki, "写真を送ります", "{to} 様\n\n先日届いたテーブルの写真を送ります。お客様にとても好評です。\n\n佐藤\n", "", "テーブルの写真.png"},
	{layla, "شكرا على التسليم السريع", "مرحبا {to}،\n\nوصلت الطاولات اليوم وكلها بحالة ممتازة. الحديقة جاهزة لفصل الربيع.\n\nمع أطيب التحيات\nليلى حداد\n", "", ""},
	{layla, "قائمة الأسعار الجديدة", "مرحبا {to}،\n\nأرجو إرسال قائمة الأسعار الجديدة قبل نهاية الأسبوع.\n\nليلى\n", "", "قائمة الأسعار.csv"},
	{zoe, "It grows! 🌱🌷🐝", "Hi {to},\n\nthe plant boxes are a hit: tulips 🌷, thyme 🌿 and a bee 🐝 that comes every day at ten.\n\nZoë 🌻\n", "", ""},
	{zoe, "Picnic 🧺 on Sunday?", "Hello {to},\n\nblanket ✅ lemonade ✅ cake 🍰 ✅ – all that is missing is you.\n\nZoë\n", "", ""},
}
