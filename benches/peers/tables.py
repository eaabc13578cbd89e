"""Tables for the SQL of the peers: the tariff of a folder as rows of integers. Built before the clock starts.

What SQL here cannot say is refused (`Beyond`), never approximated: more than one tariff version, holidays, `split`,
allowances, advance accounts, roaming, more than two steps, screening rules, prices without VAT.
"""
import csv, os, re, tomllib
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from math import lcm
from zoneinfo import ZoneInfo

SERVICES = ["voice", "sms", "data", "internet", "vas"]
REASONS = ["busy", "no_answer", "unavailable", "announcement", "autoresponder", "rejected_by_party", "not_connected"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# (first day, per cent); the same table as src/law/vat.rs since 2009.
VAT = [(date(2009, 1, 1), 12), (date(2026, 1, 1), 16)]
TIME, VOLUME, EVENTS = 0, 1, 2
KINDS = {"voice": TIME, "sms": EVENTS, "data": VOLUME, "internet": VOLUME, "vas": EVENTS}
RATE_COLUMNS = "rate_key span1 unit1 price1 unit2 price2 base floor free whole".split()
BEYOND_ALL = 10**15


class Beyond(Exception):
    """The folder needs something that these queries do not express."""


def refuse(condition, what):
    if condition:
        raise Beyond(what)


def measure(text, kilobyte):
    number, unit = re.fullmatch(r"(\d*)\s*(ms|s|min|h|B|KB|MB|GB|events?)", text.strip()).groups()
    n = int(number or 1)
    if unit in ("ms", "s", "min", "h"):
        return TIME, n * {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}[unit]
    if unit.startswith("event"):
        return EVENTS, n
    return VOLUME, n * kilobyte ** ["B", "KB", "MB", "GB"].index(unit)


def micro(text):
    value = Fraction(str(text)) * 1_000_000
    refuse(value.denominator != 1, f"price {text} has more than six decimals")
    return int(value)


def unanswered(kind, n):
    """Rating 1.3: why a call without an answer is not charged."""
    if kind == "sip":
        table = {"busy": (486, 600), "no_answer": (408, 487), "unavailable": (404, 410, 480, 484, 604),
                 "rejected_by_party": (401, 402, 403, 407, 603)}
    else:
        table = {"busy": (17,), "no_answer": (18, 19, 26, 102, 16, 31), "unavailable": (1, 5, 20, 22, 27, 28),
                 "announcement": (4,), "rejected_by_party": (21, *range(50, 58), 87)}
    return next((reason for reason, causes in table.items() if n in causes), "not_connected")


def write(path, header, rows):
    with open(path, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        w.writerows(rows)


class Tariff:
    def __init__(self, folder):
        names = sorted(n for n in os.listdir(f"{folder}/tariffs") if n.endswith(".toml"))
        refuse(len(names) != 1, f"{len(names)} tariff versions")
        with open(f"{folder}/tariffs/{names[0]}", "rb") as f:
            self.toml = t = tomllib.load(f)
        refuse(not t.get("prices_include_vat", True), "prices without VAT")
        refuse(t.get("round", "charge") != "charge", "round = unit_price")
        refuse(t.get("split"), "split")
        refuse(t.get("holidays"), "holidays")
        refuse(t.get("screening"), "screening rules")
        self.name = t["name"]
        self.kilobyte = t.get("kilobyte", 1024)
        self.zones = list(t["zones"])
        self.plans = list(t["plans"])
        self.windows = list(t.get("windows", {}))
        for plan in t["plans"].values():
            refuse(plan.get("allowances"), "allowances")
        with open(f"{folder}/esep.toml", "rb") as f:
            feeds = tomllib.load(f).get("feed", [{"source": "feeds"}])
        refuse(len(feeds) != 1 or feeds[0].get("number_form", "dialled") != "dialled", "several feeds, or e164")
        self.source = feeds[0]["source"]

    def windows_by_minute(self):
        """For each minute of the week from Monday: 1 + the index of the window that holds, 0 where none does."""
        table = [0] * 7 * 1440
        for index, name in enumerate(self.windows):
            w = self.toml["windows"][name]
            start, end = (int(w[k][:2]) * 60 + int(w[k][3:5]) for k in ("from", "to"))
            for day in w.get("days", DAYS):
                first = DAYS.index(day) * 1440
                for minute in range(first + start, first + end + (0 if start < end else 1440)):
                    minute %= 7 * 1440
                    refuse(table[minute], f"window {name} overlaps another")
                    table[minute] = index + 1
        return table

    def rates(self):
        """One row for each plan, service, zone (0: none) and window class that has a rate."""
        prices = {}
        for p, plan in enumerate(self.plans):
            for rate in self.toml["plans"][plan]["rates"]:
                if rate.get("direction", "out") != "out" or rate.get("visited"):
                    continue
                zones = [self.zones.index(z) + 1 for z in rate.get("zones", [])] or range(len(self.zones) + 1)
                windows = [self.windows.index(rate["window"]) + 1] if "window" in rate else range(len(self.windows) + 1)
                row, rank = self.row(rate), (bool(rate.get("zones")), "window" in rate)
                for z in zones:
                    for w in windows:
                        key = self.key(p, SERVICES.index(rate["service"]), z, w)
                        if key not in prices or rank > prices[key][0]:
                            prices[key] = (rank, row)
        nothing = (BEYOND_ALL, 1, 0, 1, 0, 0, 0, BEYOND_ALL, 1)
        for z, zone in enumerate(self.zones):
            if self.toml["zones"][zone].get("kind") == "free":     # rated at 0.00 whatever the plan says
                for p in range(len(self.plans)):
                    for service in range(len(SERVICES)):
                        for w in range(len(self.windows) + 1):
                            prices[self.key(p, service, z + 1, w)] = (None, nothing)
        return [(key, *row) for key, (_, row) in sorted(prices.items())]

    def key(self, plan, service, zone, window):
        return ((plan * len(SERVICES) + service) * (len(self.zones) + 1) + zone) * (len(self.windows) + 1) + window

    def row(self, rate):
        steps = rate.get("steps") or [rate]
        refuse(len(steps) > 2, "more than two steps")
        cut = []
        for step in steps:
            kind, unit = measure(step["unit"], self.kilobyte)
            price = Fraction(micro(step["price"]))
            if "price_per" in step:
                price = price * unit / measure(step["price_per"], self.kilobyte)[1]
            cut.append((kind, unit, step.get("units", 0), price))
        minimum = rate.get("minimum_units", 0)
        refuse(minimum > 1 and len(cut) > 1, "minimum units with steps")
        if len(cut) == 1:
            cut[0] = (*cut[0][:2], BEYOND_ALL // cut[0][1], cut[0][3])
            cut.append((cut[0][0], 1, 0, Fraction(0)))
        (kind, unit1, count1, price1), (_, unit2, _, price2) = cut
        common = lcm(price1.denominator, price2.denominator)
        span1, price1, price2 = unit1 * count1, int(price1 * common), int(price2 * common)
        base, whole = micro(rate.get("connect_fee", "0")) * common + 5_000 * common, 10_000 * common
        floor = (minimum - 1) * unit1 + 1 if minimum > 1 else 0
        free = measure(rate.get("free", "0s"), self.kilobyte)[1]
        # What a rate of one step leaves out is chosen so that one formula without a condition fits all:
        # first = least(amount, span1); units = ceil(first / unit1) and ceil((amount - first) / unit2);
        # charge in tiyn = (units × prices + base) // whole, where base is the connect fee and one half.
        refuse(kind != KINDS[rate["service"]], f"a rate of {rate['service']} by another measure")
        return (span1, unit1, price1, unit2, price2, base, floor, free, whole)


def leaf_pushed(prefixes, digits):
    """Every number of `digits` digits that a prefix of at most so many covers -> zone."""
    table = {}
    for prefix in sorted(prefixes, key=len):
        if len(prefix) <= digits:
            width = 10 ** (digits - len(prefix))
            start = int(prefix) * width
            table.update((n, prefixes[prefix]) for n in range(start, start + width))
    return table


def build(folder, work):
    """Writes the tables into `work`; returns the words to be put into the SQL."""
    os.makedirs(work, exist_ok=True)
    t = Tariff(folder)
    zone_id = {z: i + 1 for i, z in enumerate(t.zones)}
    with open(f"{folder}/prefixes.csv", newline="") as f:
        prefixes = {r["prefix"]: zone_id[r["zone"]] for r in csv.DictReader(f)}
    refuse(any(len(p) > 8 for p in prefixes), "prefixes of more than eight digits")
    write(f"{work}/rates.csv", RATE_COLUMNS, t.rates())
    write(f"{work}/zones.csv", ["zone_id", "zone"], enumerate(["", *t.zones]))
    write(f"{work}/windows.csv", ["minute", "window_id"], enumerate(t.windows_by_minute()))
    write(f"{work}/plans.csv", ["plan_id", "plan"], enumerate(t.plans))
    causes = [(text, REASONS.index(unanswered("q850", n))) for n in range(128) for text in (f"q850:{n}", str(n))]
    causes += [(f"sip:{n}", REASONS.index(unanswered("sip", n))) for n in range(300, 700)]
    write(f"{work}/causes.csv", ["cause", "reason"], causes)
    write(f"{work}/prefixes.csv", ["prefix", "length", "number", "zone_id"],
          [(p, len(p), int(p), z) for p, z in prefixes.items()])
    write(f"{work}/keys.csv", ["number", "zone_id"], [(int("1" + p), z) for p, z in prefixes.items()])
    # A digit is four bits, so eight digits are an IPv4 address and a prefix is a network.
    write(f"{work}/networks.csv", ["network", "zone_id"],
          [(".".join(str(int(p.ljust(8, "0")[i:i + 2], 16)) for i in (0, 2, 4, 6)) + f"/{4 * len(p)}", z)
           for p, z in prefixes.items()])
    # The same table cut into levels: what the first six digits settle, and eight digits for what they do not.
    write(f"{work}/zone6.csv", ["number", "zone_id"], sorted(leaf_pushed(prefixes, 6).items()))
    longer = {p: z for p, z in prefixes.items() if len(p) > 6}
    write(f"{work}/zone8.csv", ["number", "zone_id"], sorted(leaf_pushed(longer, 8).items()))
    write(f"{work}/zone4.csv", ["number", "zone_id"], sorted(leaf_pushed(prefixes, 4).items()))
    middle = {p: z for p, z in prefixes.items() if 4 < len(p) <= 6}
    write(f"{work}/zone46.csv", ["number", "zone_id"], sorted(leaf_pushed(middle, 6).items()))
    # And as intervals of eight digits, each from the one start to the next.
    spans = [(int(p) * 10 ** (8 - len(p)), (int(p) + 1) * 10 ** (8 - len(p)), z)
             for p, z in sorted(prefixes.items(), key=lambda row: len(row[0]))]
    edges = sorted({0} | {edge for low, high, _ in spans for edge in (low, high)})
    position, zone_at = {edge: i for i, edge in enumerate(edges)}, [0] * len(edges)
    for low, high, zone in spans:
        zone_at[position[low]:position[high]] = [zone] * (position[high] - position[low])
    write(f"{work}/zone_starts.csv", ["number", "zone_id"], zip(edges, zone_at))
    short = {p: z for p, z in prefixes.items() if len(p) <= 4}
    write(f"{work}/codes.csv", ["number", "zone_id"], sorted((int("1" + p), z) for p, z in short.items()))
    with open(f"{folder}/accounts.csv") as f:
        account_columns = next(f).strip().split(",")

    month = first_day(folder)
    zone = ZoneInfo(t.toml.get("time_zone", "Asia/Almaty"))
    days = [datetime(month.year, month.month, month.day, tzinfo=zone) + timedelta(days=d) for d in range(-1, 34)]
    offsets = {d.utcoffset() for d in days}
    refuse(len(offsets) != 1, "the clocks change within the month")
    percents = {max(row for row in VAT if row[0] <= d.date())[1] for d in days if d.month == month.month or d.day < 3}
    refuse(len(percents) != 1, "the VAT rate changes within the month")
    valid_from = t.toml["valid_from"]
    refuse(valid_from > month, "the tariff begins within the month")
    offset = offsets.pop()
    minutes = offset // timedelta(minutes=1)
    vat = percents.pop()
    return dict(dir=os.path.abspath(folder), work=os.path.abspath(work), source=t.source, tariff=t.name,
                zones=len(t.zones) + 1, window_classes=len(t.windows) + 1,
                offset_ms=minutes * 60_000, offset=f"{minutes // 60:+03d}:{minutes % 60:02d}",
                vat=vat, vat_divisor=10_000 + 100 * vat,
                time_zone=zone.key, account_columns=account_columns)


def first_day(folder):
    feeds = sorted(os.listdir(f"{folder}/feeds"))
    with open(f"{folder}/feeds/{feeds[0]}") as f:
        header = next(f).rstrip("\n").split(",")
        setup = dict(zip(header, next(f).rstrip("\n").split(",")))["setup_at"]
    return date.fromisoformat(setup[:8] + "01")


def refuse_clients(folder):
    """Accounts and lines that the queries do not express."""
    with open(f"{folder}/accounts.csv", newline="") as f:
        for row in csv.DictReader(f):
            refuse(row["method"] != "credit", "advance accounts")
            refuse(row["terminated_on"] or row["switched_off_on"] or row["usage_limit"], "switched-off accounts, limits")
            refuse(row["funding"] != "regular", "budget accounts")
    lines = set()
    with open(f"{folder}/lines.csv", newline="") as f:
        for row in csv.DictReader(f):
            refuse(row["line"] in lines, "a line with two accounts")
            lines.add(row["line"])
    for optional in ("assignments.csv", "events.csv"):
        refuse(os.path.exists(f"{folder}/{optional}"), optional)
