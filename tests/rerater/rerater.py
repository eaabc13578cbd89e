#!/usr/bin/env python3
"""rerater.py DIR OUT : exact, simple, slow re-rater of a folder of interface 7.1, written from the specification only.
OUT gets the files of `esep rate DIR --out OUT`. No float near money: Fraction everywhere."""
import csv, fnmatch, gzip, json, os, re, sys, time, tomllib
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction as F
from zoneinfo import ZoneInfo

FIELDS = ("record_id service a_number b_number setup_at answer_at release_at cause answered_by bytes_up bytes_down "
          "quantity visited_network realtime route_in route_out call_ref part last direction redirect_reason "
          "charge_indicator corrects").split()
SERVICES = ("voice", "sms", "data", "internet", "vas")
EVENTS = ("sms", "vas")
VAT = [(None, "2001-06-30", 20), ("2001-07-01", "2003-12-31", 16), ("2004-01-01", "2006-12-31", 15),
       ("2007-01-01", "2007-12-31", 14), ("2008-01-01", "2008-12-31", 13), ("2009-01-01", "2025-12-31", 12),
       ("2026-01-01", None, 16)]
# Contested readings: where the specification has more than one, the product's decision stands first and is the default.
# RERATER_KNOBS="free_units=rate,over_limit=with_gt" tries others.
KNOBS = dict(
    # Decided by the product (README.md):
    allowance_scope="home_out",     # home_out | any     roaming, in and forward usage takes only allowances that name it
    timed_without_release="no_rate",  # no_rate | zero   a data session priced by time that has no release
    cut_minimum="none_after_allowance",  # none_after_allowance | total | priced   what the cut-off compares with minimum_units
    over_limit="before",            # before | with_ge | with_gt   the month's sum that is compared with the limit
    over_limit_zero="yes",          # yes | no           a charge of 0.00 is flagged too
    over_limit_advance="no",        # no | yes           the limit of an advance account flags too
    # Readings on which both agreed from the start:
    free_units="zero",              # zero | rate        units of a record that a free zone or rule makes free
    under_free_units="zero",        # zero | counted     units of a call not longer than `free`
    minimum_after_allowance="extended",  # extended | real   what remains of units that only the minimum made
    part_time="contiguous",         # contiguous | any   whether parts must also touch in time
    part_first_flag="no",           # no | yes           the first part has the flag `part` too
    reversal_allowance="yes",       # yes | no           a reversed charge gives its allowance back
    reversal_balance="yes",         # yes | no           a reversed charge gives its money back
    version_allowance="shared",     # shared | separate  one counter over the tariff versions of a month
    screening_number="normalised",  # normalised | raw | either
    carry_unseen="yes",             # yes | no           a month without any usage carries its whole allowance
    round_unit="all",               # all | cut          round = unit_price: every price, or only one with price_per
    opened_prorates="yes",          # yes | no           opened_on inside the month is a mid-period start
    interconnect="never_ours",      # never_ours | not_ours_then   a number in lines.csv, but of nobody at that instant
)
for _knob in filter(None, os.environ.get("RERATER_KNOBS", "").replace(",", " ").split()):
    _name, _value = _knob.split("=")
    assert _name in KNOBS, _name
    KNOBS[_name] = _value
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


# ---------------------------------------------------------------- small things
class Reject(Exception):
    def __init__(self, reason, detail=""):
        self.reason, self.detail = reason, detail


class Suspend(Exception):
    def __init__(self, reason, detail=""):
        self.reason, self.detail = reason, detail


def round2(x):
    """half up, by magnitude, to 0.01"""
    if x < 0:
        return -round2(-x)
    return F((x * 200 + 1).__floor__() // 2, 100)


def money(x):
    n = x * 100
    assert n.denominator == 1, x
    n = int(n)
    return "%s%d.%02d" % ("-" if n < 0 else "", abs(n) // 100, abs(n) % 100)


def vat_percent(day):
    d = day.isoformat()
    for a, b, r in VAT:
        if (a is None or a <= d) and (b is None or d <= b):
            return r
    raise AssertionError(day)


def net_of(gross, pct):
    return round2(gross / (1 + F(pct, 100)))


TIME = re.compile(r"^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$")


def instant(s):
    """RFC 3339 with offset -> ms since the epoch; ValueError otherwise"""
    m = TIME.match(s)
    if not m:
        raise ValueError(s)
    y, mo, d, h, mi, se = (int(x) for x in m.groups()[:6])
    ms = int(((m.group(7) or "") + "000")[:3])
    off = 0
    z = m.group(8)
    if z not in "Zz":
        oh, om = int(z[1:3]), int(z[4:6])
        if oh > 23 or om > 59:
            raise ValueError(s)
        off = (oh * 60 + om) * (-1 if z[0] == "-" else 1)
    t = datetime(y, mo, d, h, mi, se, tzinfo=timezone.utc)
    return ((t - EPOCH) // timedelta(seconds=1) - off * 60) * 1000 + ms


def utc(ms):
    return EPOCH + timedelta(milliseconds=ms)


def local(ms, tz):
    return utc(ms).astimezone(tz)


def midnight(day, tz):
    """first instant of a local day (fold 0)"""
    t = datetime(day.year, day.month, day.day, tzinfo=tz)
    return (t.astimezone(timezone.utc) - EPOCH) // timedelta(milliseconds=1)


def show(ms, tz):
    t = local(ms, tz)
    o = t.utcoffset() // timedelta(minutes=1)
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + "%03d" % (t.microsecond // 1000) + "%s%02d:%02d" % (
        "-" if o < 0 else "+", abs(o) // 60, abs(o) % 60)


def day_or_instant(s, tz):
    """a local day (its first instant) or a full instant -> ms; empty -> None"""
    s = (s or "").strip()
    if not s:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", s):
        return midnight(date.fromisoformat(s), tz)
    return instant(s)


def local_day_of(s, tz):
    s = (s or "").strip()
    if not s:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", s):
        return date.fromisoformat(s)
    return local(instant(s), tz).date()


def read_csv(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8-sig") as f:
        return [{(k or "").strip(): (v or "").strip() for k, v in r.items() if isinstance(v, str) or v is None}
                for r in csv.DictReader(f)]


# ---------------------------------------------------------------- tariff
def dec(x):
    """exact decimal of a TOML string (or integer)"""
    return F(str(x))


def measure(text, kb):
    """'10s' -> ('time', 10000) ms; '1MB' -> ('bytes', n); 'event' -> ('event', 1)"""
    if isinstance(text, int):
        return ("event", text)
    m = re.fullmatch(r"\s*(\d*)\s*(s|min|h|KB|MB|GB|event)?\s*", str(text))
    if not m or not (m.group(1) or m.group(2)):
        raise SystemExit("unit? %r" % text)
    n = int(m.group(1) or 1)
    u = m.group(2) or "event"
    if u in ("s", "min", "h"):
        return ("time", n * {"s": 1000, "min": 60000, "h": 3600000}[u])
    if u == "event":
        return ("event", n)
    return ("bytes", n * kb ** {"KB": 1, "MB": 2, "GB": 3}[u])


class Rate:
    def __init__(self, t, kb, round_unit):
        self.service = t["service"]
        self.zones = t.get("zones") or None
        self.window = t.get("window")
        self.direction = t.get("direction") or "out"
        self.visited = t.get("visited") or None
        self.connect = dec(t.get("connect_fee", "0"))
        self.minimum = int(t.get("minimum_units", 0))
        self.free = measure(t.get("free", "0s"), kb)[1]
        self.steps = []          # (count or None, length, price of a unit)
        for s in t.get("steps") or [dict(unit=t["unit"], price=t["price"], price_per=t.get("price_per"))]:
            self.measure, length = measure(s["unit"], kb)
            price = dec(s["price"])
            if s.get("price_per"):
                pm, span = measure(s["price_per"], kb)
                assert pm == self.measure
                price = price * length / span
            if round_unit and (KNOBS["round_unit"] == "all" or s.get("price_per")):
                price = round2(price)
            self.steps.append((s.get("units"), length, price))

    def step(self, index):
        """(length, price) of the index-th unit, from 0"""
        for count, length, price in self.steps:
            if count is None or index < count:
                return length, price
            index -= count
        raise AssertionError("last step must be open")


DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Version:
    def __init__(self, path, root):
        with open(path, "rb") as f:
            t = tomllib.load(f)
        self.name = t["name"]
        self.tz = ZoneInfo(t.get("time_zone", "Asia/Almaty"))
        vf = t["valid_from"]
        self.valid_from = midnight(vf if isinstance(vf, date) else date.fromisoformat(vf), self.tz)
        self.with_vat = t.get("prices_include_vat", True)
        kb = t.get("kilobyte", 1024)
        self.split = t.get("split", False)
        ru = t.get("round", "charge") == "unit_price"
        self.holidays = set()
        if t.get("holidays"):
            for base in (os.path.dirname(path), root):
                p = os.path.join(base, t["holidays"])
                if os.path.exists(p):
                    self.holidays = {date.fromisoformat(r["date"]) for r in read_csv(p)}
                    break
        self.screening = t.get("screening", [])
        self.zones = t.get("zones", {})
        self.windows = {}
        for n, w in t.get("windows", {}).items():
            hm = lambda s: int(s[:2]) * 60 + int(s[3:5])
            self.windows[n] = (set(w.get("days", DAYS)), hm(w["from"]), hm(w["to"]))
        self.plans = {}
        for n, p in t.get("plans", {}).items():
            rates = [Rate(r, kb, ru) for r in p.get("rates", [])]
            allow = []
            for i, a in enumerate(p.get("allowances", [])):
                m, q = measure(a["quantity"], kb)
                allow.append(dict(service=a["service"], direction=a.get("direction") or "out",
                                  visited=a.get("visited") or None, zones=a.get("zones") or None, measure=m,
                                  quantity=q, priority=a.get("priority", 0), carry=a.get("carry_over", False),
                                  full=a.get("proration", "days") == "full", idx=i))
            self.plans[n] = (rates, allow)

    def day_kind(self, d):
        return "sun" if d in self.holidays else DAYS[d.weekday()]

    def holds(self, window, ms):
        days, a, b = self.windows[window]
        t = local(ms, self.tz)
        m = t.hour * 60 + t.minute          # from, to are whole minutes; from inclusive, to exclusive
        today, before = self.day_kind(t.date()), self.day_kind(t.date() - timedelta(days=1))
        if a < b:
            return today in days and a <= m < b
        return (today in days and m >= a) or (before in days and m < b)

    @staticmethod
    def fits_place(thing_direction, thing_visited, rec):
        """direction and visited networks of a rate or an allowance against those of the record"""
        if thing_direction != rec.direction:
            return False
        if rec.visited_network:
            return bool(thing_visited) and ("*" in thing_visited or rec.visited_network in thing_visited)
        return not thing_visited

    def pick(self, plan, rec, zone, ms):
        """the rate at an instant, or None"""
        best = None
        for r in self.plans[plan][0]:
            if r.service != rec.service or not self.fits_place(r.direction, r.visited, rec):
                continue
            if r.zones and zone not in r.zones and not (zone is None and rec.service in ("data", "internet")):
                continue
            if r.window and not self.holds(r.window, ms):
                continue
            rank = (bool(r.zones), bool(r.window))
            if best is None or rank > best[0]:
                best = (rank, r)
        return best and best[1]


# ---------------------------------------------------------------- records
CAUSE = re.compile(r"^(q850:|sip:)?(\d+)$")


def parse_cause(s):
    if s == "":
        return ("empty", 0)
    m = CAUSE.match(s)
    if not m:
        return ("odd", 0)
    return ("sip" if m.group(1) == "sip:" else "q850", int(m.group(2)))


def unanswered_reason(cause):
    kind, n = cause
    if kind == "q850":
        if n == 17: return "busy"
        if n in (18, 19, 26, 102, 16, 31): return "no_answer"
        if n in (1, 5, 20, 22, 27, 28): return "unavailable"
        if n == 4: return "announcement"
        if n == 21 or 50 <= n <= 57 or n == 87: return "rejected_by_party"
    elif kind == "sip":
        if n in (486, 600): return "busy"
        if n in (408, 487): return "no_answer"
        if n in (404, 410, 480, 484, 604): return "unavailable"
        if n in (401, 402, 403, 407, 603): return "rejected_by_party"
    return "not_connected"


class Record:
    def __init__(self, v):
        """v: field -> text. Raises Reject."""
        for k in FIELDS:
            setattr(self, k, (v.get(k) or "") if k == "b_number" else (v.get(k) or "").strip())   # b_number is raw
        for k in ("record_id", "service", "a_number", "setup_at"):
            if not getattr(self, k):
                raise Reject("missing_field", k)
        if self.service not in SERVICES:
            raise Reject("garbage", "service")
        for k in ("setup_at", "answer_at", "release_at"):
            s = getattr(self, k)
            try:
                setattr(self, k, instant(s) if s else None)
            except (ValueError, OverflowError):
                raise Reject("bad_time", k)
        for k, empty in (("bytes_up", 0), ("bytes_down", 0), ("quantity", 1), ("part", 0)):
            s = getattr(self, k)
            if s and not re.fullmatch(r"-?\d+", s):
                raise Reject("garbage", k)
            n = int(s) if s else empty
            if n < 0:
                raise Reject("negative_volume" if k != "part" else "garbage", k)
            setattr(self, k, n)
        if self.direction == "":
            self.direction = "out"
        if self.direction not in ("out", "in", "forward"):
            raise Reject("garbage", "direction")
        if self.answered_by not in ("", "subscriber", "machine", "fax", "autoresponder", "announcement"):
            raise Reject("garbage", "answered_by")
        low = self.last.lower()
        if low not in ("", "true", "false"):
            raise Reject("garbage", "last")
        self.last = low == "true"
        low = self.realtime.lower()
        if low not in ("", "true", "false"):
            raise Reject("garbage", "realtime")
        self.realtime = low
        if self.answer_at is not None and self.release_at is None and self.service in ("voice",):
            raise Reject("missing_field", "release_at")
        if self.answer_at is not None and self.answer_at < self.setup_at:
            raise Reject("answer_before_setup")
        if self.answer_at is not None and self.release_at is not None and self.release_at < self.answer_at:
            raise Reject("release_before_answer")
        self.cause_v = parse_cause(self.cause)

    def content(self):
        """normalised content, for `differs`"""
        return tuple(self.cause_v if k == "cause" and self.cause_v[0] != "odd" else getattr(self, k) for k in FIELDS)

    @property
    def at(self):
        """the instant that decides versions, days, windows, balance"""
        if self.service in EVENTS:
            return self.setup_at
        return self.answer_at if self.answer_at is not None else self.setup_at

    @property
    def is_part(self):
        return bool(self.call_ref) and self.part > 0

    def duration(self):
        if self.release_at is None:
            return 0
        a = self.answer_at if self.answer_at is not None else self.setup_at
        return max(0, self.release_at - a)


def normalise(b, a, form):
    """-> (number, is_short_code)"""
    if form == "e164":
        for p in ("+", "00"):
            if b.startswith(p):
                return b[len(p):], False
        return b, False
    for p in ("+", "00", "810"):
        if b.startswith(p):
            return b[len(p):], False
    if b.isdigit() and b.isascii():
        if len(b) == 11 and b[0] == "8":
            return "7" + b[1:], False
        if len(b) == 10:
            return "7" + b, False
        if 5 <= len(b) <= 7:
            return a[:11 - len(b)] + b, False
        if 1 <= len(b) <= 4:
            return b, True
    return b, False


# ---------------------------------------------------------------- the run
class Account:
    def __init__(self, row):
        self.row = row
        self.opening = F(row.get("opening_balance") or "0")
        self.credits = []           # (at, amount)
        self.debits = F(0)
        self.month_usage = {}
        self.buckets = {}           # (plan, idx, y, m) -> remaining


class Run:
    def __init__(self, root):
        self.root = root
        conf = {}
        p = os.path.join(root, "esep.toml")
        if os.path.exists(p):
            with open(p, "rb") as f:
                conf = tomllib.load(f)
        self.feeds = conf.get("feed") or [dict(source="feeds", files="feeds/*.csv", format="native")]
        where = lambda k, d: os.path.join(root, conf.get(k, d))
        td = os.path.join(root, "tariffs")
        self.versions = sorted((Version(os.path.join(td, n), root) for n in sorted(os.listdir(td)) if n.endswith(".toml")),
                               key=lambda v: v.valid_from)
        tz = self.versions[0].tz if self.versions else ZoneInfo("Asia/Almaty")
        self.tz = tz
        self.prefixes = {r["prefix"]: r["zone"] for r in read_csv(where("prefixes", "prefixes.csv"))}
        self.accounts = {r["account_id"]: Account(r) for r in read_csv(where("accounts", "accounts.csv"))}
        self.lines = {}
        for r in read_csv(where("lines", "lines.csv")):
            self.lines.setdefault(r["line"], []).append(
                (day_or_instant(r["valid_from"], tz), day_or_instant(r["valid_to"], tz), r["account_id"]))
        self.assign = {}
        for r in read_csv(where("assignments", "assignments.csv")):
            self.assign.setdefault(r["account_id"], []).append(
                (day_or_instant(r["valid_from"], tz), day_or_instant(r["valid_to"], tz), r["plan"]))
        seen = set()
        for r in read_csv(where("payments", "payments.csv")):
            if r["payment_id"] in seen:
                continue
            seen.add(r["payment_id"])
            a = self.accounts.get(r["account_id"])
            if not a:
                continue
            at = day_or_instant(r["paid_at"], tz)
            amount = F(r["amount"])
            if a.row.get("funding") == "budget":
                amount = net_of(amount, vat_percent(local(at, tz).date()))
            a.credits.append((at, amount))
        self.events = {}
        for r in read_csv(where("events", "events.csv")):
            self.events.setdefault(r["account_id"], []).append((day_or_instant(r["at"], tz), r["kind"]))
        self.seen = {}              # (source, id) -> content
        self.charges = {}           # (source, id) -> what was booked, for reversal
        self.reversed = F(0)        # sum of charges of rated.csv that were given back
        self.replaced = set()       # (source, id) corrected before it was booked
        self.pending = {}           # (source, call_ref) -> [entry]
        self.rows = []              # entries in feed order: dict(outcome=..., ...)
        self.files = []

    # -------- reading
    def feed_files(self):
        out = {}
        for dp, _, names in os.walk(self.root):
            for n in names:
                rel = os.path.relpath(os.path.join(dp, n), self.root).replace(os.sep, "/")
                for f in self.feeds:
                    if fnmatch.fnmatchcase(rel, f["files"]):
                        out.setdefault(rel, f)
                        break
        return sorted(out.items(), key=lambda x: x[0].encode())

    def read(self):
        for rel, feed in self.feed_files():
            p = os.path.join(self.root, rel)
            with open(p, "rb") as f:
                data = f.read()
            if rel.endswith(".gz"):
                data = gzip.decompress(data)
            text = data.decode("utf-8", "replace").lstrip("\ufeff")
            head = None
            start = len(self.rows)
            for no, line in enumerate(text.split("\n"), 1):
                line = line[:-1] if line.endswith("\r") else line
                if feed.get("format", "native") == "native" and head is None:
                    head = [h.strip() for h in next(csv.reader([line]))]
                    continue
                if line == "":
                    continue
                e = dict(source=feed["source"], file=rel, line=no, record_id="", feed=feed)
                self.rows.append(e)
                try:
                    if feed.get("format", "native") == "ndjson":
                        v = self.json_line(line)
                    else:
                        try:
                            cells = next(csv.reader([line], strict=True))
                        except (csv.Error, StopIteration) as x:
                            raise Reject("garbage", str(x))
                        if len(cells) != len(head):
                            raise Reject("garbage", "%d cells, not %d" % (len(cells), len(head)))
                        v = dict(zip(head, cells))
                    e["record_id"] = (v.get("record_id") or "").strip()
                    rec = Record(v)
                    rec.form = feed.get("number_form", "dialled")
                    e["rec"] = rec
                except Reject as x:
                    e.update(outcome="rejected", reason=x.reason, detail=x.detail)
                    continue
                self.one(e)
            self.files.append((rel, start, len(self.rows)))
        for entries in self.pending.values():          # what never became whole
            for e in entries:
                e.update(outcome="suspended", reason="incomplete_parts", detail="")
                try:
                    self.locate(e["rec"])
                except Suspend as x:
                    e.update(reason=x.reason, detail=x.detail)

    @staticmethod
    def json_line(line):
        try:
            v = json.loads(line)
        except ValueError as x:
            raise Reject("garbage", str(x))
        if not isinstance(v, dict):
            raise Reject("garbage", "not an object")
        out = {}
        for k, x in v.items():
            if x is None:
                x = ""
            elif isinstance(x, bool):
                x = "true" if x else "false"
            elif isinstance(x, (dict, list)):
                if k in FIELDS:
                    raise Reject("garbage", k)
                continue
            out[k] = str(x)
        return out

    # -------- one record: duplicate, filtered, suspended, rated
    def one(self, e):
        rec = e["rec"]
        key = (e["source"], rec.record_id)
        if key in self.seen:
            differs = self.seen[key] != rec.content()
            e.update(outcome="duplicate", reason="differs" if differs else "duplicate", detail="")
            return
        self.seen[key] = rec.content()
        free, reason = self.screen(rec)
        if reason:
            e.update(outcome="filtered", reason=reason, detail="")
            if rec.corrects:                    # the call turned out to be none: nothing takes the old charge's place
                self.reverse((e["source"], rec.corrects))
            return
        rec.free_rule = free
        if rec.is_part:
            k = (e["source"], rec.call_ref)
            self.pending.setdefault(k, []).append(e)
            self.try_parts(k)
            return
        try:
            self.rate(e, rec)
        except Suspend as x:
            e.update(outcome="suspended", reason=x.reason, detail=x.detail)

    def version_at(self, ms):
        best = None
        for v in self.versions:
            if v.valid_from <= ms:
                best = v
        return best

    def screen(self, rec):
        """(free by rule, filter reason or None)"""
        free = False
        if rec.service == "voice":
            v = self.version_at(rec.at)
            number, _ = normalise(rec.b_number, rec.a_number, rec.form)
            for rule in v.screening if v else []:
                if "called" in rule:
                    c, how = rule["called"], KNOBS["screening_number"]
                    if not (how != "raw" and number.startswith(c) or how != "normalised" and rec.b_number.startswith(c)):
                        continue
                if any(k in rule and getattr(rec, k) != rule[k]
                       for k in ("route_in", "route_out", "redirect_reason", "charge_indicator")):
                    continue
                if rule["means"] == "free":
                    free = True
                else:
                    return False, rule["means"]
                break
            if rec.answered_by in ("announcement", "autoresponder"):
                return False, rec.answered_by
            if rec.answer_at is None:
                return False, unanswered_reason(rec.cause_v)
        # Incoming at home, or brought by another operator's trunk: an incoming call abroad is charged to a line of ours.
        foreign = rec.direction == "in" and not rec.visited_network or rec.route_in
        if foreign and self.line_account(rec) is None and (
                rec.a_number not in self.lines or KNOBS["interconnect"] == "not_ours_then"):
            return False, "interconnect_only"
        return free, None

    def line_account(self, rec):
        for a, b, acc in self.lines.get(rec.a_number, []):
            if (a is None or a <= rec.at) and (b is None or rec.at < b):
                return acc
        return None

    def try_parts(self, k):
        entries = sorted(self.pending[k], key=lambda e: e["rec"].part)
        recs = [e["rec"] for e in entries]
        if [r.part for r in recs] != list(range(1, len(recs) + 1)):
            return
        if [r.last for r in recs] != [False] * (len(recs) - 1) + [True]:
            return
        for x, y in zip(recs, recs[1:]):
            if x.release_at != y.answer_at and KNOBS["part_time"] == "contiguous":        # a gap or an overlap in time
                return
        whole = Record.__new__(Record)
        whole.__dict__.update(recs[0].__dict__)
        whole.release_at = recs[-1].release_at
        whole.bytes_up = sum(r.bytes_up for r in recs)
        whole.bytes_down = sum(r.bytes_down for r in recs)
        del self.pending[k]
        first = entries[0]
        try:
            self.rate(first, whole)
        except Suspend as x:
            for e in entries:
                e.update(outcome="suspended", reason=x.reason, detail=x.detail)
            return
        if KNOBS["part_first_flag"] == "yes":
            first["row"]["flags"].append("part")
        for e in entries[1:]:
            row = dict(first["row"])
            row.update(record_id=e["rec"].record_id, duration_ms=0, units=0, charge="0.00", vat="0.00",
                       not_owed="0.00", cut_off_at="", flags=["part"],
                       answer_at=show(e["rec"].at, self.tz))
            e.update(outcome="rated", row=row)

    # -------- where it belongs
    def locate(self, rec):
        acc_id = self.line_account(rec)
        if acc_id is None:
            raise Suspend("unknown_line", rec.a_number)
        acc = self.accounts.get(acc_id)
        if acc is None:
            raise Suspend("unknown_account", acc_id)
        v = self.version_at(rec.at)
        tz = v.tz if v else self.tz
        s = day_or_instant(acc.row.get("terminated_on"), tz)
        if s is not None and rec.at >= s:
            raise Suspend("service_not_allowed", "terminated_on")
        happened = sorted(self.events.get(acc_id, []), key=lambda x: x[0])
        # off by the register until an event of a later day says that they are on again
        s = day_or_instant(acc.row.get("switched_off_on"), tz)
        if s is not None and rec.at >= s and not any(
                kind in ("services_on", "resumed") and at <= rec.at and local(at, tz).date() > local(s, tz).date()
                for at, kind in happened):
            raise Suspend("service_not_allowed", "switched_off_on")
        off = False
        for at, kind in happened:
            if at <= rec.at and kind in ("services_off", "suspended", "contract_terminated"):
                off = True
            elif at <= rec.at and kind in ("services_on", "resumed"):
                off = False
        if off:
            raise Suspend("service_not_allowed", "event")
        if v is None:
            raise Suspend("no_tariff")
        plan = acc.row.get("plan", "")
        for a, b, p in self.assign.get(acc_id, []):
            if (a is None or a <= rec.at) and (b is None or rec.at < b):
                plan = p
                break
        if plan not in v.plans:
            raise Suspend("no_plan", plan)
        free = rec.free_rule if hasattr(rec, "free_rule") else False
        zone = None
        if rec.service not in ("data", "internet"):
            number, short = normalise(rec.b_number, rec.a_number, rec.form)
            if short:
                zone = self.prefixes.get(number)
            else:
                for n in range(len(number), 0, -1):
                    if number[:n] in self.prefixes:
                        zone = self.prefixes[number[:n]]
                        break
            if zone is not None and zone not in v.zones:
                zone = None
            if zone is None and not free and (rec.b_number or rec.service != "vas"):
                raise Suspend("no_zone", number)
            if zone is not None and v.zones[zone].get("kind") == "free":
                free = True
        rate = v.pick(plan, rec, zone, rec.at)
        if rate is None and not free:
            raise Suspend("no_rate", "%s %s" % (rec.service, zone))
        if (not free and rate.measure == "time" and rec.release_at is None
                and KNOBS["timed_without_release"] == "no_rate"):
            raise Suspend("no_rate", "priced by time, and there is no release")
        return acc_id, acc, v, plan, zone, rate, free

    # -------- rating proper
    def rate(self, e, rec):
        acc_id, acc, v, plan, zone, rate, free = self.locate(rec)
        # From here the record is rated.
        day = local(rec.at, v.tz).date()
        month = (day.year, day.month)
        pct = vat_percent(day)
        duration = rec.duration()
        flags = []
        if rec.corrects:
            flags.append("correction")
            self.reverse((e["source"], rec.corrects))
        if rec.service == "voice" and (rec.cause_v[0] == "odd" or (rec.cause_v[0] == "q850" and 17 <= rec.cause_v[1] <= 20)):
            flags.append("odd_cause")
        if rec.visited_network:
            flags.append("roaming")

        if rate is None:
            amount = 0
        elif rate.measure == "event":
            amount = rec.quantity
        elif rate.measure == "bytes":
            amount = rec.bytes_up + rec.bytes_down
        else:
            amount = duration
        under = not free and rate.measure == "time" and rate.free > 0 and amount <= rate.free
        real = 0 if under else amount

        def cut(start, end):
            """units of [start, end) of the usage: (length, price) each, steps from the first"""
            out = []
            while start < end:
                r = rate
                if v.split and rate.measure == "time":
                    r = v.pick(plan, rec, zone, rec.at + start) or rate
                length, price = r.step(len(out))
                out.append((length, price))
                start += length
            return out

        used = []
        covered = covered_len = 0
        priced = []
        shown = None
        if free or under:
            how = KNOBS["free_units"] if free else KNOBS["under_free_units"]
            shown = 0 if how == "zero" or rate is None else len(cut(0, amount))
            if shown and how == "rate":
                shown = max(shown, rate.minimum)
        elif amount > 0:
            n = len(cut(0, amount))
            while n < rate.minimum:               # as long as that many units are
                amount = sum(l for l, _ in cut(0, amount)) + 1
                n = len(cut(0, amount))
                if n == rate.minimum:
                    amount = sum(l for l, _ in cut(0, amount))
            for key, left in self.buckets_for(acc, acc_id, v, plan, rec, zone, rate.measure, month):
                took = 0
                for length, _ in cut(covered_len, amount):
                    if took + length > left:
                        break
                    took += length
                    covered += 1
                if took:
                    acc.buckets[key] -= took
                    used.append((key, took))
                    covered_len += took
            if covered and KNOBS["minimum_after_allowance"] == "real":
                amount = real
            priced = cut(covered_len, amount)
        if covered:
            flags.append("allowance")

        def cost(n):
            """(gross, net) of the first n priced units"""
            raw = sum((p for _, p in priced[:n]), F(0)) + (rate.connect if n else 0)
            if v.with_vat:
                gross = round2(raw)
                return gross, net_of(gross, pct)
            net = round2(raw)
            return net + round2(net * F(pct, 100)), net

        budget = acc.row.get("funding") == "budget"
        n = len(priced)
        full, full_net = cost(n)
        gross, net = full, full_net
        cut_off = None
        if acc.row.get("method") == "advance" and full > 0:
            told = local_day_of(acc.row.get("roaming_risk_notified_on"), v.tz)
            told_ms = [at for at, kind in self.events.get(acc_id, []) if kind == "risk_notified"]
            told = min([d for d in [told] + [local(x, v.tz).date() for x in told_ms] if d] or [None])
            exempt = rec.visited_network and rec.realtime == "false" and told is not None and told <= day
            if not exempt:
                balance = acc.opening + sum((a for at, a in acc.credits if at <= rec.at), F(0)) - acc.debits
                debit = lambda g_n: g_n[1] if budget else g_n[0]
                if debit((full, full_net)) > balance:
                    k = 0
                    if balance >= 0:
                        while k < n and debit(cost(k + 1)) <= balance:
                            k += 1
                    how = KNOBS["cut_minimum"]
                    if not (how == "none_after_allowance" and covered) and k + (covered if how == "total" else 0) < rate.minimum:
                        k = 0
                    gross, net = cost(k)
                    if rate.measure == "time":
                        cut_off = rec.at + covered_len + sum(l for l, _ in priced[:k])
        debit = net if budget else gross
        acc.debits += debit
        outgoing = rec.direction == "out"
        if outgoing:
            before = acc.month_usage.get(month, F(0))
            limit = acc.row.get("usage_limit")
            how = KNOBS["over_limit"]
            if limit and (acc.row.get("method") == "credit" or KNOBS["over_limit_advance"] == "yes") and (
                    before >= F(limit) if how == "before" else
                    before + gross >= F(limit) if how == "with_ge" else before + gross > F(limit)) and (
                    gross > 0 or KNOBS["over_limit_zero"] == "yes"):
                flags.append("over_limit")
            acc.month_usage[month] = before + gross
        key = (e["source"], rec.record_id)
        self.charges[key] = dict(acc=acc_id, debit=debit, gross=gross, month=month, outgoing=outgoing, used=used)
        if key in self.replaced:                # its correction came before it
            self.replaced.remove(key)
            self.reverse(key)
        e.update(outcome="rated", gross=gross, vat_v=gross - net, not_owed_v=full - gross, row=dict(
            source=e["source"], record_id=rec.record_id, account_id=acc_id, plan=plan, tariff=v.name, zone=zone or "",
            service=rec.service, answer_at=show(rec.at, v.tz), duration_ms=duration, units=covered + n if shown is None else shown,
            charge=money(gross), vat=money(gross - net), vat_rate=pct, not_owed=money(full - gross),
            cut_off_at=show(cut_off, v.tz) if cut_off is not None else "", flags=flags))

    def reverse(self, key):
        """gives back what the charge of a record took; one that is not booked yet is reversed when it comes"""
        old = self.charges.pop(key, None)
        if old is None:
            self.replaced.add(key)
            return
        self.reversed += old["gross"]
        a = self.accounts[old["acc"]]
        if KNOBS["reversal_balance"] == "yes":
            a.debits -= old["debit"]
        if old["outgoing"]:
            a.month_usage[old["month"]] -= old["gross"]
        for b, used in old["used"] if KNOBS["reversal_allowance"] == "yes" else []:
            a.buckets[b] += used

    # -------- allowances
    def plan_in_month(self, acc, acc_id, plan, month):
        """(was the account on that plan in that month, first day of it or None when before the month)"""
        first = date(month[0], month[1], 1)
        nxt = date(month[0] + month[1] // 12, month[1] % 12 + 1, 1)
        a0, b0 = midnight(first, self.tz), midnight(nxt, self.tz)
        rows = [(a, b) for a, b, p in self.assign.get(acc_id, [])
                if p == plan and (a is None or a < b0) and (b is None or b > a0)]
        if rows:
            s = min((a if a is not None else -10 ** 18) for a, b in rows)
            return True, (local(s, self.tz).date() if s > a0 else None)
        if acc.row.get("plan") == plan:
            o = local_day_of(acc.row.get("opened_on"), self.tz)
            if o is not None and o >= nxt:
                return False, None
            return True, (o if o is not None and o > first and KNOBS["opened_prorates"] == "yes" else None)
        return False, None

    def buckets_for(self, acc, acc_id, v, plan, rec, zone, measure_, month):
        prev = (month[0] - (month[1] == 1), (month[1] + 10) % 12 + 1)
        out = []
        for a in v.plans[plan][1]:
            if a["service"] != rec.service or a["measure"] != measure_ or (a["zones"] and zone not in a["zones"]):
                continue
            if KNOBS["allowance_scope"] == "home_out" and not v.fits_place(a["direction"], a["visited"], rec):
                continue
            for m, expiry in ((prev, 0), (month, 1 if a["carry"] else 0)):
                d = a
                if m == prev:
                    if not a["carry"]:
                        continue
                    pv = self.version_at(midnight(date(month[0], month[1], 1), self.tz) - 1)
                    if not pv or plan not in pv.plans or len(pv.plans[plan][1]) <= a["idx"]:
                        continue
                    d = pv.plans[plan][1][a["idx"]]
                    if not d["carry"]:
                        continue
                key = (plan, a["idx"], *m) + ((v.name,) if KNOBS["version_allowance"] == "separate" else ())
                if m == prev and key not in acc.buckets and KNOBS["carry_unseen"] == "no":
                    continue
                if key not in acc.buckets:
                    on, start = self.plan_in_month(acc, acc_id, plan, m)
                    if not on:                      # the account is opened later: nothing is included yet
                        continue
                    q = d["quantity"]
                    if start and not d["full"]:
                        days = monthrange(*m)[1]
                        q = q * (days - start.day + 1) // days
                    acc.buckets[key] = q
                out.append(((a["priority"], expiry, a["idx"]), key))
        return [(k, acc.buckets[k]) for _, k in sorted(out)]

    # -------- writing
    def write(self, out, elapsed):
        os.makedirs(out, exist_ok=True)
        cols = ("source record_id account_id plan tariff zone service answer_at duration_ms units charge vat vat_rate "
                "not_owed cut_off_at flags rules").split()
        with open(os.path.join(out, "rated.csv"), "w", newline="") as f:
            w = csv.writer(f, lineterminator="\n")
            w.writerow(cols)
            for e in self.rows:
                if e["outcome"] == "rated":
                    r = dict(e["row"], flags=";".join(e["row"]["flags"]), rules="")
                    w.writerow([r[c] for c in cols])
        for name in ("filtered", "duplicate", "suspended", "rejected"):
            with open(os.path.join(out, name + ".csv"), "w", newline="") as f:
                w = csv.writer(f, lineterminator="\n")
                w.writerow("source file line record_id reason detail".split())
                for e in self.rows:
                    if e["outcome"] == name:
                        w.writerow([e["source"], os.path.basename(e["file"]), e["line"], e["record_id"], e["reason"],
                                    e.get("detail", "")])
        five = ("rated", "filtered", "duplicate", "suspended", "rejected")

        def count(rows):
            return dict({"in": len(rows)}, **{k: sum(e["outcome"] == k for e in rows) for k in five})

        def reasons(k):
            d = {}
            for e in self.rows:
                if e["outcome"] == k:
                    d[e["reason"]] = d.get(e["reason"], 0) + 1
            return d
        tot = lambda k: money(sum((e[k] for e in self.rows if k in e), F(0)))
        s = dict(records=count(self.rows), filtered=reasons("filtered"), suspended=reasons("suspended"),
                 rejected=reasons("rejected"), charged=tot("gross"), vat=tot("vat_v"), not_owed=tot("not_owed_v"), reversed=money(self.reversed),
                 accounts=len({e["row"]["account_id"] for e in self.rows if e["outcome"] == "rated"}),
                 files=[dict(name=n, **count(self.rows[a:b])) for n, a, b in self.files],
                 elapsed_ms=int(elapsed * 1000), records_per_second=0)
        assert s["records"]["in"] == sum(s["records"][k] for k in five)
        with open(os.path.join(out, "summary.json"), "w") as f:
            json.dump(s, f, indent=1)
        return s


def main(d, out):
    t = time.time()
    run = Run(d)
    run.read()
    return run.write(out, time.time() - t), run


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
