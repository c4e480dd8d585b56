"""Short documents, each small enough to be read at once."""

SHORT = {
    "short/lease.txt": """\
LEASE OF THE STORAGE ROOM (extract)

1. The landlord lets to the Harrowmere Clinics the dry storage room in the rear building of the Malt Yard, 38 square
   metres, together with the use of the goods lift.
2. The rent is 410 crowns a month, payable by the third working day. Heating is included, electricity is not.
3. The lease begins on 1 May 2024 and runs for three years. After that, either side may end it with notice of four
   months to the end of a quarter.
4. Flammable liquids may not be stored. Food may be stored in closed containers.
5. The tenant has received three keys. A lost key costs 65 crowns, the change of the lock not included.
6. Subletting requires the landlord's written consent, which may not be refused without reason.
""",
    "short/minutes.md": """\
# Site meeting, Low Fennick, 14 October 2024

Present: Ilse (chair), Rufus, Tamsin, Willem; apologies from Odile, who is on leave until the 21st.

- **Entrance mat.** It slips when wet. Willem orders a heavier one; the old mat goes to the boiler room.
- **Flu vaccination of staff.** Moved from the 4th to the 11th of November, because the refrigerator is being serviced.
  Tamsin puts up the list.
- **Aquarium.** Two offers came in: 120 crowns a month for full care, or 45 for water tests only. We take neither for
  now; Rufus goes on feeding the fish.
- **Coffee.** The fund stands at minus 18 crowns. From now on the price of a cup goes from 0.50 to 0.60.

Next meeting: 11 November, half past seven, in the library instead of the kitchen.
""",
    "short/mail.eml": """\
From: Nadine Fennimark <n.fennimark@harrowmere.example>
To: Site leads <leads@harrowmere.example>
Date: Tue, 03 Jun 2025 09:12:00 +0000
Subject: Change of the laboratory courier

Dear all,

from 16 June the laboratory courier comes at 15:40 instead of 16:30 in Tarnwick and Ostrel Bay. Harrowmere keeps the old
time. Low Fennick is not served on Wednesdays any more; urgent samples from there go by taxi, against a receipt.

The blue boxes stay in use until they are worn out, then only the grey ones are delivered. Samples that need cooling
must carry the orange sticker, otherwise they travel in the boot.

Questions to Piers, not to me: I am away from Thursday.

Nadine
""",
    "short/recipe.txt": """\
Cleaning solution for the brass plate at the entrance

Dissolve one level spoon of salt in 150 millilitres of warm vinegar. Stir in flour until it runs slowly off the spoon,
about four spoons. Apply with a cotton cloth, never with wool, and leave it for ten minutes. Rinse with water, dry at
once. The plate was lacquered in 2019; where the lacquer still holds, soapy water is enough and vinegar would dull it.
Keeps for a week in a jar. Not for the chrome handles.
""",
    "short/prices.csv": """\
service,unit,crowns
travel certificate,each,35
copy of records,page,0.40
copy of records on disc,each,12
missed appointment,each,28
interpreter,half hour,22
parking permit,month,54
""",
}
