"""What English abbreviations, units and currencies stand for."""

MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "May": "May",
    "Jun": "June", "Jul": "July", "Aug": "August", "Sept": "September", "Sep": "September",
    "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
MONTH_NAMES = list(dict.fromkeys(MONTHS.values()))
DAYS = {
    "Mon": "Monday", "Tues": "Tuesday", "Tue": "Tuesday", "Weds": "Wednesday",
    "Wed": "Wednesday", "Thurs": "Thursday",
    "Thur": "Thursday", "Thu": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
SURE_DAYS = ("Mon", "Tues", "Tue", "Weds", "Wed", "Thurs", "Thur", "Thu", "Fri")
"""Those that are no other word."""
TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "Rev": "Reverend",
    "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Cpl": "Corporal",
    "Cmdr": "Commander", "Gov": "Governor", "Messrs": "Messieurs", "Mt": "Mount", "Jr": "Junior",
    "Sr": "Senior",
}  # fmt: skip
"""In front of a name, with or without a full stop."""
STOPPED_TITLES = {
    "Col": "Colonel", "Gen": "General", "Maj": "Major", "Sen": "Senator", "Rep": "Representative",
    "Pres": "President", "Hon": "Honorable", "Fr": "Father", "Supt": "Superintendent",
    "Ft": "Fort", "Pt": "Point",
}  # fmt: skip
"""In front of a name, with a full stop."""
SAINT_PLACES = frozenset({"Mount", "Fort", "Port", "North", "South", "East", "West", "Old", "New"})
"""A capital word before `St.` that makes no street of it: Port St. Lucie."""
NO_STREETS = frozenset(
    {"I", "Nurse", "Hi", "Hello", "Dear", "Thanks", "Yes", "No", "Miss", "Sir", "The", "A", "Your",
     "My", "Our", "His", "Her", "Their", "Any", "Call", "Ask", "See"}
)  # fmt: skip
STREETS = {
    "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane",
    "Hwy": "Highway", "Sq": "Square", "Pl": "Place", "Ct": "Court", "Pkwy": "Parkway",
    "Ter": "Terrace", "Cir": "Circle", "Expy": "Expressway", "Fwy": "Freeway", "Hts": "Heights",
    "Aly": "Alley", "Xing": "Crossing",
}  # fmt: skip
DIRECTIONS = {
    "N": "North", "S": "South", "E": "East", "W": "West", "NE": "Northeast", "NW": "Northwest",
    "SE": "Southeast", "SW": "Southwest",
}  # fmt: skip
ABBREVIATIONS = {
    "e.g": "for example", "i.e": "that is", "etc": "et cetera", "vs": "versus", "viz": "namely",
    "approx": "approximately", "incl": "including", "excl": "excluding", "dept": "department",
    "appt": "appointment", "appts": "appointments", "a.k.a": "also known as", "min": "minimum",
    "max": "maximum", "avg": "average", "misc": "miscellaneous", "inc": "incorporated",
    "ltd": "limited", "corp": "corporation", "co": "company", "bros": "brothers",
    "assn": "association", "asst": "assistant", "mgr": "manager", "govt": "government",
    "univ": "university", "est": "established", "intl": "international", "natl": "national",
    "hrs": "hours", "mins": "minutes", "secs": "seconds", "qty": "quantity", "ref": "reference",
    "resp": "respectively", "et al": "and others", "cont": "continued", "tel": "telephone",
    "bldg": "building", "apt": "apartment", "temp": "temperature", "yrs": "years", "wk": "week",
    "yr": "year", "mo": "month", "hr": "hour", "cf": "compare", "exp": "expires", "ca": "about",
}  # fmt: skip
"""With a full stop behind them."""
STOPLESS = frozenset(
    {"vs", "approx", "appt", "appts", "dept", "govt", "hrs", "mins", "qty", "asst"}
)
"""Of these, what is no word without a full stop either."""
BEFORE_NUMBERS = {
    "no": "number", "nos": "numbers", "nr": "number", "p": "page", "pp": "pages", "ch": "chapter",
    "fig": "figure", "figs": "figures", "fl": "floor", "min": "minimum", "max": "maximum",
    "sec": "section", "art": "article", "para": "paragraph", "ph": "phone", "rt": "route",
}  # fmt: skip
"""With a full stop and a number behind them; else "No." is an answer."""
STOPLESS_BEFORE_NUMBERS = {
    "apt": "apartment", "ext": "extension", "tel": "telephone", "ste": "suite", "vol": "volume",
    "bldg": "building", "rm": "room", "hwy": "highway", "rte": "route", "qty": "quantity",
    "acct": "account",
}  # fmt: skip
"""With a number behind them."""
SLASHED = {
    "w/o": "without", "w/": "with ", "w/out": "without", "c/o": "care of",
    "b/c": "because", "n/a": "not applicable",
    "s/o": "son of", "d/o": "daughter of", "f/t": "full time", "p/t": "part time",
}  # fmt: skip
NUMBERED = (
    "War|Chapter|Act|Part|Type|Phase|Volume|Section|Book|Level|Stage|Grade|Class|Bowl|Title|Article"
    "|Appendix|Round|Tier|Unit|Episode|Season|Scene|Figure|Table|Category|Schedule|Step|Lesson"
)
"""Words that a Roman numeral counts."""
RULERS = (
    "Henry|Louis|Elizabeth|George|Charles|Edward|William|James|Richard|Philip|Peter|Paul|Pius"
    "|Benedict|Francis|Leo|Alexander|Catherine|Mary|Nicholas|Frederick|Napoleon|Ferdinand|Felipe"
    "|Carlos|Innocent|Gregory|Clement|Ramesses|Ramses|Wilhelm|Friedrich|Ivan|Harald|Gustav|Leopold"
    "|Albert|Christian|Margrethe|Urban|Sixtus|Boniface|Robert|Umberto|Victor|Emmanuel"
    "|Isabella|Alfonso|Pedro|Joseph|Franz|Otto|Haakon|Olav|Ptolemy|Darius|Xerxes|Selim|Murad|Mehmed"
    "|Bahadur|Rama|Mohammed|Hassan|Hussein|Abdullah"
)
"""Names that one counts as "the eighth"."""
UNITS = {
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "m²": ("square metre", "square metres"),
    "m": ("metre", "metres"), "mi": ("mile", "miles"), "ft": ("foot", "feet"),
    "sq ft": ("square foot", "square feet"), "yd": ("yard", "yards"),
    "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"), "g": ("gram", "grams"),
    "lbs": ("pound", "pounds"), "lb": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "ml": ("millilitre", "millilitres"), "l": ("litre", "litres"),
    "kB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "kW": ("kilowatt", "kilowatts"),
    "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"), "Hz": ("hertz", "hertz"),
    "hrs": ("hour", "hours"), "hr": ("hour", "hours"), "h": ("hour", "hours"),
    "mins": ("minute", "minutes"), "min": ("minute", "minutes"),
    "secs": ("second", "seconds"), "sec": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "°C": ("degree Celsius", "degrees Celsius"), "° C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "° F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "mL": ("millilitre", "millilitres"), "L": ("litre", "litres"),
    "cl": ("centilitre", "centilitres"),
    "tbsp": ("tablespoon", "tablespoons"), "tsp": ("teaspoon", "teaspoons"),
    "gal": ("gallon", "gallons"), "qt": ("quart", "quarts"), "pt": ("pint", "pints"),
    "fl oz": ("fluid ounce", "fluid ounces"), "fl. oz": ("fluid ounce", "fluid ounces"),
    "yds": ("yard", "yards"), "sq. ft": ("square foot", "square feet"),
    "ft²": ("square foot", "square feet"), "sq m": ("square metre", "square metres"),
    "sq mi": ("square mile", "square miles"), "sq km": ("square kilometre", "square kilometres"),
    "km²": ("square kilometre", "square kilometres"), "m³": ("cubic metre", "cubic metres"),
    "kph": ("kilometre per hour", "kilometres per hour"),
    "kmh": ("kilometre per hour", "kilometres per hour"),
    "m/s": ("metre per second", "metres per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "KB": ("kilobyte", "kilobytes"), "W": ("watt", "watts"), "V": ("volt", "volts"),
    "MW": ("megawatt", "megawatts"), "mAh": ("milliamp hour", "milliamp hours"),
    "bpm": ("beat per minute", "beats per minute"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "fps": ("frame per second", "frames per second"), "dB": ("decibel", "decibels"),
    "mcg": ("microgram", "micrograms"), "µg": ("microgram", "micrograms"),
    "mg/dL": ("milligram per decilitre", "milligrams per decilitre"),
    "kcal": ("kilocalorie", "kilocalories"), "cal": ("calorie", "calories"),
    "mi/h": ("mile per hour", "miles per hour"), "px": ("pixel", "pixels"),
    "µm": ("micrometre", "micrometres"), "nm": ("nanometre", "nanometres"),
    "wks": ("week", "weeks"), "wk": ("week", "weeks"), "yrs": ("year", "years"),
    "yr": ("year", "years"), "mos": ("month", "months"), "mo": ("month", "months"),
    "m/s²": ("metre per second squared", "metres per second squared"),
    "kg/m³": ("kilogram per cubic metre", "kilograms per cubic metre"),
    "cm²": ("square centimetre", "square centimetres"),
    "cm³": ("cubic centimetre", "cubic centimetres"),
    "Ω": ("ohm", "ohms"), "kΩ": ("kilohm", "kilohms"), "MΩ": ("megohm", "megohms"),
    "kPa": ("kilopascal", "kilopascals"), "hPa": ("hectopascal", "hectopascals"),
    "MPa": ("megapascal", "megapascals"), "Nm": ("newton metre", "newton metres"),
    "KiB": ("kibibyte", "kibibytes"), "MiB": ("mebibyte", "mebibytes"),
    "GiB": ("gibibyte", "gibibytes"), "TiB": ("tebibyte", "tebibytes"),
    "kJ": ("kilojoule", "kilojoules"), "mA": ("milliamp", "milliamps"),
    "mV": ("millivolt", "millivolts"), "kV": ("kilovolt", "kilovolts"),
    "µs": ("microsecond", "microseconds"), "μs": ("microsecond", "microseconds"),
    "μg": ("microgram", "micrograms"), "μm": ("micrometre", "micrometres"),
    "ºC": ("degree Celsius", "degrees Celsius"), "℃": ("degree Celsius", "degrees Celsius"),
    "ºF": ("degree Fahrenheit", "degrees Fahrenheit"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit"),
    "″": ("inch", "inches"), "′": ("foot", "feet"), "¢": ("cent", "cents"),
    "°": ("degree", "degrees"), "%": ("percent", "percent"),
}  # fmt: skip
"""One of them and several; behind a number only."""
MAGNITUDES = {
    "k": "thousand", "thousand": "thousand", "m": "million", "million": "million",
    "bn": "billion", "b": "billion", "billion": "billion", "trillion": "trillion",
}  # fmt: skip
PER = {
    "month": "month", "mo": "month", "hour": "hour", "hr": "hour", "h": "hour", "day": "day",
    "week": "week", "wk": "week", "year": "year", "yr": "year", "night": "night",
    "person": "person", "pp": "person", "minute": "minute", "min": "minute", "second": "second",
    "sec": "second", "s": "second", "kg": "kilogram", "lb": "pound", "oz": "ounce",
    "ml": "millilitre",
    "l": "litre", "mL": "millilitre", "L": "litre", "dL": "decilitre",
    "gal": "gallon", "gallon": "gallon", "mile": "mile", "mi": "mile",
    "km": "kilometre", "sqft": "square foot", "unit": "unit", "item": "item", "piece": "piece",
    "user": "user", "seat": "seat", "each": "each", "kWh": "kilowatt hour", "guest": "guest",
    "visit": "visit", "session": "session", "call": "call", "word": "word", "page": "page",
}  # fmt: skip
"""What an amount is of, behind a slash."""
_DOLLAR = ("dollar", "dollars", "cent", "cents")
CURRENCIES = {
    "$": _DOLLAR, "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"), "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("ruble", "rubles", "kopek", "kopeks"), "₺": ("lira", "lira", "kurush", "kurush"),
    "₫": ("dong", "dong", "xu", "xu"), "₪": ("shekel", "shekels", "agora", "agorot"),
    "฿": ("baht", "baht", "satang", "satang"), "₱": ("peso", "pesos", "centavo", "centavos"),
    "₦": ("naira", "naira", "kobo", "kobo"), "₴": ("hryvnia", "hryvnias", "kopek", "kopeks"),
    "zł": ("zloty", "zlotys", "grosz", "groszy"), "CHF": ("franc", "francs", "centime", "centimes"),
    "CNY": ("yuan", "yuan", "fen", "fen"), "kr": ("krona", "kronor", "øre", "øre"),
    "R$": ("real", "reais", "centavo", "centavos"),
    "CA$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "NZ$": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "Mex$": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "MYR": ("ringgit", "ringgit", "sen", "sen"), "ZAR": ("rand", "rand", "cent", "cents"),
    "AED": ("dirham", "dirhams", "fils", "fils"), "SAR": ("riyal", "riyals", "halala", "halalas"),
}  # fmt: skip
"""One and several of them and of their hundredths."""
CODES = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "RUB": "₽", "TRY": "₺",
    "VND": "₫", "ILS": "₪", "THB": "฿", "PHP": "₱", "NGN": "₦", "UAH": "₴", "PLN": "zł",
    "CHF": "CHF", "Fr.": "CHF", "CNY": "CNY", "RMB": "CNY", "SEK": "kr", "NOK": "kr", "DKK": "kr",
    "BRL": "R$", "CAD": "CA$", "C$": "CA$", "AUD": "A$", "AU$": "A$", "NZD": "NZ$", "HKD": "HK$",
    "SGD": "S$", "MXN": "Mex$", "MX$": "Mex$", "US$": "$", "Rs.": "₹", "Rs": "₹", "MYR": "MYR",
    "ZAR": "ZAR", "AED": "AED", "SAR": "SAR",
}  # fmt: skip
"""Other ways to write them."""
SPECIAL_FRACTIONS = {"24/7": "twenty-four seven", "9/11": "nine eleven"}
GLYPHS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
