#!/usr/bin/env python3
"""folders.py --seed S --out DIR [--contested] [--records N] : one random folder in the form of 7.1, full of boundaries.
--contested adds cases to which the specification has no plain answer (README.md)."""
import argparse, csv, gzip, io, json, os, random, shutil
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction as F
from zoneinfo import ZoneInfo
import rerater

EVENT_UNIT = "event"            # how `unit` of an event-priced rate is written
EVENT_QUANTITY = "%devent"      # how an allowance of messages is written
DAYS = rerater.DAYS
UTC = timezone.utc


def q(s):
    return '"%s"' % s


def arr(xs):
    return "[" + ", ".join(q(x) for x in xs) + "]"


class Folder:
    def __init__(self, seed, contested, records):
        self.r = random.Random(seed)
        r = self.r
        self.contested = contested
        self.count = records or r.choice([50, 80, 120, 200, 300, 400])
        self.scene = r.choice(["2026-03", "2024-02", "2024-02", "2025-12", "2008-12", "2026-05"])
        y, m = map(int, self.scene.split("-"))
        self.m0 = date(y, m, 1)
        self.m1 = date(y + m // 12, m % 12 + 1, 1)
        self.tzname = r.choice(["Asia/Almaty"] * 7 + ["Asia/Aqtobe", "Asia/Qyzylorda"])
        self.tz = ZoneInfo(self.tzname)
        self.lo = self.m0 - timedelta(days=r.choice([0, 3, 10, 20]))
        self.hi = self.m1 + timedelta(days=r.choice([1, 2, 5]))
        self.edges = []            # interesting instants, ms
        self.add_day(self.m0), self.add_day(self.m1)
        if y == 2024:
            for s in ("2024-02-29T17:00:00Z", "2024-02-29T18:00:00Z", "2024-02-29T19:00:00Z", "2024-02-29T17:30:00Z",
                      "2024-02-29T18:30:00Z"):
                self.edges += [rerater.instant(s)] * 2

    # ---- time
    def ms(self, day, hh=0, mm=0, fold=0):
        t = datetime(day.year, day.month, day.day, hh, mm, tzinfo=self.tz, fold=fold)
        return (t.astimezone(UTC) - rerater.EPOCH) // timedelta(milliseconds=1)

    def add_day(self, d):
        self.edges.append(self.ms(d))

    def day(self, a=None, b=None):
        a, b = a or self.lo, b or self.hi
        return a + timedelta(days=self.r.randrange((b - a).days))

    def text(self, ms, how=None):
        r = self.r
        how = how or r.choice(["local"] * 6 + ["z", "+05:00", "+06:00", "+03:00", "-04:30"])
        if how == "local":
            return rerater.show(ms, self.tz)
        if how == "z":
            return rerater.utc(ms).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (ms % 1000)
        sign = -1 if how[0] == "-" else 1
        off = sign * timedelta(hours=int(how[1:3]), minutes=int(how[4:6]))
        return rerater.show(ms, timezone(off))

    def answer(self):
        """an instant, often at a boundary"""
        r = self.r
        x = r.random()
        if x < .40 and self.edges:
            return r.choice(self.edges) + r.choice([0, 0, -1, 1, 1000, -1000, -5000, -10000, -15001, -60000])
        if x < .60 and self.windows:
            w = r.choice(list(self.windows.values()))
            hm = r.choice(w[1:3])
            return self.ms(r.choice([self.day(), self.day(), *self.holidays]) if self.holidays else self.day(),
                           int(hm[:2]), int(hm[3:]), r.randrange(2)) + r.choice([0, -1, 1, -5000, -15000, -25000, -59999])
        return self.ms(self.day()) + r.randrange(86400000)

    # ---- tariffs
    def price(self, big=False):
        r = self.r
        if big:
            return r.choice(["95.00", "190", "62.5", "33.333333", "120.005", "7.77"])
        return r.choice(["4.50", "4.50", "0.0333", "0.0050", "1.005", "2.25", "0.123456", "3", "12.5", "0.000001", "9.99",
                         "0.8333", "0", "0.015", "5"])

    def voice_shape(self):
        """(lines of unit structure with %s for the price factor, unit lengths, extra lines)"""
        r = self.r
        if r.random() < .22:
            u1, u2 = r.choice([("10s", "60s"), ("60s", "10s"), ("1s", "30s"), ("60s", "1s"), ("6s", "6s")])
            k = r.choice([1, 2, 6])
            three = r.random() < .3
            self.units |= {int(u1[:-1]) * 1000, int(u2[:-1]) * 1000}

            def mk():
                s = "{ units = %d, unit = %s, price = %s }, " % (k, q(u1), q(self.price()))
                if three:
                    s += "{ units = 3, unit = %s, price = %s }, " % (q(u2), q(self.price()))
                return "steps = [ %s{ unit = %s, price = %s } ]\n" % (s, q(u2), q(self.price()))
            return mk
        u = r.choice(["10s", "10s", "1s", "60s", "1min", "6s", "30s", "7s"])
        self.units.add({"1min": 60}.get(u, 0) * 1000 or int(u[:-1]) * 1000)
        per = r.choice([None, None, "60s", "1min", "1h"])

        def mk():
            s = "unit = %s\nprice = %s\n" % (q(u), q(r.choice(["11.50", "10", "8.333333", "4.99", "100"]) if per else self.price(u in ("60s", "1min"))))
            return s + ("price_per = %s\n" % q(per) if per else "")
        return mk

    def voice_extras(self):
        r = self.r
        s = ""
        if r.random() < .35:
            s += "connect_fee = %s\n" % q(r.choice(["3.00", "0.000001", "1.005000", "0", "2.499999", "0.005", "10"]))
        if r.random() < (.5 if self.now_allow else .3):
            s += "minimum_units = %d\n" % r.choice([1, 2, 3, 6, 10])
        if r.random() < .25:
            f = r.choice([3, 5, 10, 60])
            self.frees.add(f * 1000)
            s += "free = %s\n" % q("%ds" % f)
        return s

    def group(self, service, zones, direction="", visited=None):
        """rates for one service/zones/direction/visited: a base and rates by window"""
        r = self.r
        head = "service = %s\n" % q(service)
        if zones:
            head += "zones = %s\n" % arr(zones)
        if direction:
            head += "direction = %s\n" % q(direction)
        if visited:
            head += "visited = %s\n" % arr(visited)
        out = []
        wins = [None]
        if self.windows and r.random() < .6:
            wins += r.sample(sorted(self.windows), r.randint(1, len(self.windows)))
        if not self.split and len(wins) > 1 and r.random() < .04:
            wins = wins[1:]                      # now windows only: no_rate outside them
        shape = extras = None
        r.shuffle(wins)
        for w in wins:
            if service == "voice" or service in ("data", "internet") and self.time_data:
                if shape is None or not self.split:
                    shape, extras = self.voice_shape(), self.voice_extras()
                body = shape() + extras
            elif service in ("data", "internet"):
                if shape is None or not self.split:
                    shape = r.choice(["1KB", "100KB", "1MB", "10KB", "512KB", "1GB"])
                self.vols.add(shape)
                body = "unit = %s\n" % q(shape)
                if shape != "1GB" and r.random() < .3:
                    body += "price = %s\nprice_per = %s\n" % (q(r.choice(["10", "3.33", "0.000001", "500"])), q(r.choice(["1MB", "1GB"])))
                else:
                    body += "price = %s\n" % q(r.choice(["0.05", "0.000977", "1", "0"]) if shape[-2] == "K" else self.price())
            else:
                body = "unit = %s\nprice = %s\n" % (q(EVENT_UNIT), q(r.choice(["6", "9.995", "0.333333", "15.00", "0", "100.005"])))
            out.append("[[plans.%s.rates]]\n" + head + ("window = %s\n" % q(w) if w else "") + body)
        return out

    def make_tariffs(self):
        r = self.r
        self.units, self.frees, self.vols = set(), set(), set()
        self.split = r.random() < .35
        self.with_vat = r.random() < .75
        self.round = r.choice(["charge", "charge", "charge", "unit_price"])
        self.free_world = r.random() < .6        # emergency numbers are free; otherwise voice rates for any zone occur
        self.windows = {}
        n = r.choice([0, 1, 1, 2, 3])
        feb = self.scene == "2024-02" and r.random() < .5
        choices = [("night",) + (r.choice([("23:00", "06:00"), ("22:30", "23:30"), ("23:30", "07:00")]) if feb else
                                 r.choice([("22:00", "07:00"), ("22:00", "07:00"), ("00:00", "07:00"), ("22:00", "00:00")])),
                   ("day", "09:00", "18:00"), ("evening", "18:00", "22:00"), ("dawn", "07:00", "09:00")]
        r.shuffle(choices)
        for name, a, b in choices[:n]:
            kinds = [list(DAYS), DAYS[:5], DAYS[5:], ["fri"], ["sun"], ["sat"], ["mon", "wed", "sun"]]
            ds = r.choice(kinds)
            self.windows[name] = (ds, a, b)
            rest = [d for d in DAYS if d not in ds]
            if rest and r.random() < .3:
                self.windows[name + "2"] = (rest, a, b)
        self.holidays = []
        if r.random() < .6:
            self.holidays = sorted({self.day() for _ in range(r.randint(1, 4))})
            for d in self.holidays:
                self.edges += [self.ms(d), self.ms(d + timedelta(days=1))]
                for _, a, b in self.windows.values():
                    for dd in (d, d + timedelta(days=1)):
                        self.edges += [self.ms(dd, int(a[:2]), int(a[3:])), self.ms(dd, int(b[:2]), int(b[3:]))]
        self.zones = {"kz-ld": "long-distance", "kz-mob": "mobile", "intl-a": "international", "intl-b": "international",
                      "special": "special"}
        if self.free_world:
            self.zones["emerg"] = "free"
        nv = r.choice([1, 2, 2, 3])
        froms = [self.lo - timedelta(days=70) if r.random() < .8 else self.lo + timedelta(days=r.randrange(1, 6))]
        if nv > 1 and r.random() < .4:
            froms.append(self.m1 if r.random() < .5 else max(self.m0, froms[0] + timedelta(days=9)))
        while len(froms) < nv:
            d = self.day(self.m0 + timedelta(days=2), self.m1)
            if d not in froms:
                froms.append(d)
        froms = sorted(set(froms))
        for d in froms:
            self.edges += [self.ms(d)] * 3
        self.plan_names = ["std", "eco", "biz"][:r.choice([2, 3, 3])] + ["net"]
        # plans: kinds decided once, prices anew in each version
        self.kinds = {}
        for p in self.plan_names:
            k = dict(roam=False, allow=[], missing=None)
            if p != "net" and r.random() < .45:
                k["roam"] = True
            if r.random() < (.5 if k["roam"] else .75):
                k["allow"] = self.make_allowances(p, k["roam"])
            if len(froms) > 1 and r.random() < .12:
                k["missing"] = r.randrange(len(froms))
            self.kinds[p] = k
        self.tariffs = {}
        for i, vf in enumerate(froms):
            if r.random() < .25:
                self.round = r.choice(["charge", "unit_price"])
            if r.random() < .1:
                self.with_vat = not self.with_vat
            self.kb = r.choice([1024, 1024, 1000]) if i == 0 else self.kb
            split = self.split
            t = 'name = "demo-%d-%s"\ncurrency = "KZT"\ntime_zone = %s\nvalid_from = %s\n' % (i + 1, vf, q(self.tzname), vf)
            if not self.with_vat or r.random() < .5:
                t += "prices_include_vat = %s\n" % str(self.with_vat).lower()
            if self.round != "charge" or r.random() < .5:
                t += "round = %s\n" % q(self.round)
            if self.kb != 1024 or r.random() < .5:
                t += "kilobyte = %d\n" % self.kb
            if split or r.random() < .5:
                t += "split = %s\n" % str(split).lower()
            if self.holidays and r.random() < .85:
                t += 'holidays = "holidays.csv"\n'
            t += "\n" + self.screening_text()
            for z, kind in self.zones.items():
                t += "[zones.%s]\nkind = %s\n" % (z, q(kind))
            for w, (ds, a, b) in self.windows.items():
                t += "\n[windows.%s]\ndays = %s\nfrom = %s\nto = %s\n" % (w, arr(ds), q(a), q(b))
            for p in self.plan_names:
                k = self.kinds[p]
                if k["missing"] == i:
                    continue
                t += '\n[plans.%s]\nmonthly_fee = "%d.00"\n' % (p, r.choice([0, 990, 1500]))
                for s in self.plan_rates(p, k):
                    t += s % p
                for a in k["allow"]:
                    t += "[[plans.%s.allowances]]\n%s" % (p, a)
            self.tariffs["t%d" % (i + 1)] = t

    def make_allowances(self, p, roam):
        r = self.r
        out = []
        prios = [10, 20, 5, 30]
        r.shuffle(prios)
        for i in range(r.choice([1, 1, 2, 3])):
            kind = "data" if p == "net" else r.choice(["voice", "voice", "voice", "sms", "data"])
            s = "service = %s\n" % q("internet" if p == "net" else kind)
            if kind == "voice":
                if r.random() < .8:
                    s += "zones = %s\n" % arr(r.sample(["kz-ld", "kz-mob", "intl-a"], r.randint(1, 2)))
                qty = r.choice(["25s", "25s", "45s", "65s", "91s", "121s", "5min", "10min", "600s", "1h", "1799s"])
            elif kind == "sms":
                if r.random() < .5:
                    s += "zones = %s\n" % arr(["kz-mob"])
                qty = EVENT_QUANTITY % r.choice([1, 3, 10, 31])
            else:
                qty = r.choice(["100KB", "1MB", "5MB", "1025KB", "10MB"])
            if roam and r.random() < .4:            # for usage abroad, or not outgoing
                s += r.choice(['visited = ["*"]\n', 'visited = ["TURK"]\n', 'direction = "forward"\n', 'direction = "in"\nvisited = ["*"]\n'])
            s += "quantity = %s\npriority = %d\n" % (q(qty), prios[i] if not self.contested else r.choice([10, prios[i]]))
            if r.random() < .3:
                s += "carry_over = true\n"
            elif r.random() < .3:
                s += "carry_over = false\n"
            if r.random() < .5:
                s += "proration = %s\n" % q(r.choice(["days", "full"]))
            out.append(s)
        return out

    def plan_rates(self, p, k):
        r = self.r
        out = []
        self.time_data = False
        self.now_allow = bool(k["allow"])
        if p == "net":
            self.time_data = r.random() < .4
            return self.group("internet", None)
        if r.random() < .6:
            out += self.group("voice", ["special"])
        for zs in r.choice([[["kz-ld"], ["kz-mob"], ["intl-a"], ["intl-b"]], [["kz-ld", "kz-mob"], ["intl-a", "intl-b"]],
                            [["kz-ld", "kz-mob"], ["intl-a"]]]):
            if r.random() < .93:
                out += self.group("voice", zs)
        if not self.free_world and r.random() < .6:
            out += self.group("voice", None)
        out += self.group("sms", r.choice([None, None, ["kz-mob", "intl-b"], ["kz-mob", "kz-ld"]]))
        if r.random() < .5:
            out += self.group("sms", ["intl-a"])
        self.time_data = r.random() < .25
        if r.random() < .9:
            out += self.group("data", None)
        self.time_data = False
        out += self.group("vas", r.choice([None, ["special"]]))
        if k["roam"]:
            out += self.group("voice", r.choice([["kz-ld", "kz-mob"], None]), "", r.choice([["*"], ["KCEL", "TURK"]]))
            if r.random() < .8:
                out += self.group("voice", None, "in", r.choice([["*"], ["TURK"]]))
            if r.random() < .6:
                out += self.group("sms", None, "", ["*"])
            if r.random() < .6:
                out += self.group("data", None, "", ["*"])
            if r.random() < .5:
                out += self.group("voice", ["kz-ld", "kz-mob"], "forward")
            if r.random() < .3:
                out += self.group("voice", None, "in")
        r.shuffle(out)
        return out

    def screening_text(self):
        r = self.r
        s = ""
        if r.random() < .7:
            s += '[[screening]]\ncalled = "1999"\nroute_out = "ivr"\nmeans = "autoresponder"\n\n'
        if r.random() < .5:
            s += '[[screening]]\nredirect_reason = "vm"\nmeans = "announcement"\n\n'
        if r.random() < .5:
            s += '[[screening]]\ncharge_indicator = "nc"\nmeans = "free"\n\n'
        if r.random() < .4:
            s += '[[screening]]\ncalled = "77770001"\nmeans = %s\n\n' % q(r.choice(["free", "autoresponder"]))
        return s

    # ---- reference data
    def make_reference(self):
        r = self.r
        self.prefixes = [("7727", "kz-ld"), ("7717", "kz-ld"), ("770", "kz-mob"), ("7701", "kz-mob"), ("77011", "kz-ld"),
                         ("7", "intl-b"), ("1", "intl-a"), ("44", "intl-a"), ("81", "intl-b"), ("813", "intl-a"),
                         ("8135550001", "special"), ("77770001122", "special"), ("7777", "kz-mob"), ("1999", "special"), ("4455", "kz-ld")]
        if r.random() < .5:
            self.prefixes.append(("77272500000", "intl-a"))
        if self.free_world:
            self.prefixes += [("112", "emerg"), ("101", "emerg"), ("7800", "emerg")]
        r.shuffle(self.prefixes)
        n = r.randint(3, 12)
        self.accounts = []
        self.lines, self.assign = [], []
        self.line_accounts = {}
        names = [p for p in self.plan_names if p != "net"]
        for i in range(n):
            a = dict(account_id="%d" % (77010000 + i), plan=r.choice(self.plan_names if r.random() < .3 else names),
                     method=r.choice(["credit", "advance", "advance"]), funding="budget" if r.random() < .25 else "regular",
                     opened_on=str(self.lo - timedelta(days=r.randrange(200, 900))), opening_balance="0.00")
            a["contract_on"] = a["opened_on"]
            if r.random() < .04:
                a["plan"] = "nosuch"
            carry = any("carry_over = true" in x for x in self.kinds.get(a["plan"], dict(allow=[]))["allow"])
            if r.random() < .3 or carry and not self.contested:
                d = self.m0 if carry and r.random() < .5 else self.day(self.m0, self.m1)
                b = r.choice([p for p in names if p != a["plan"]] or names)
                if carry and not self.contested:
                    # the plan that carries over begins inside the data
                    a["plan"], b = b, a["plan"]
                    if any("carry_over = true" in x for x in self.kinds[a["plan"]]["allow"]):
                        a["plan"] = "nosuch"
                if b != a["plan"]:
                    if r.random() < .5:
                        self.assign.append((a["account_id"], a["plan"], r.choice(["", str(self.lo - timedelta(days=200))]), str(d)))
                    self.assign.append((a["account_id"], b, str(d), ""))
                    self.edges.append(self.ms(d))
            elif r.random() < .12:
                d = self.day(self.m0 + timedelta(days=1), self.m1)
                a["opened_on"] = a["contract_on"] = str(d)
            x = r.random()
            if x < .12:
                d = self.day(self.m0, self.m1)
                a[r.choice(["terminated_on", "switched_off_on"])] = str(d)
                self.edges += [self.ms(d)] * 2
                if "terminated_on" in a:
                    a["termination_reason"] = "refusal"
            if r.random() < .6:
                d = self.day()
                a["roaming_risk_notified_on"] = str(d)
                self.edges += [self.ms(d), self.ms(d + timedelta(days=1))]
            self.accounts.append(a)
            for j in range(r.choice([1, 1, 2])):
                if a["plan"] == "net":
                    line = "user%d-%d" % (i, j)
                else:
                    line = r.choice(["77010000%03d", "77272600%03d"]) % (i * 10 + j)
                rows = [[line, a["account_id"], "", ""]]
                rows[0][2] = r.choice(["", str(self.lo - timedelta(days=100))])
                if r.random() < .25:
                    d = self.day()
                    at = self.ms(d)
                    s = str(d)
                    if r.random() < .4:
                        at += r.randrange(86400) * 1000
                        s = self.text(at)
                    self.edges += [at] * 2
                    rows[0][3] = s
                    if r.random() < .8:
                        other = "GHOST" if r.random() < .25 else r.choice(self.accounts)["account_id"]
                        rows.append([line, other, s, ""])
                self.lines += rows
                self.line_accounts[line] = a
        r.shuffle(self.lines)
        self.payments = []
        self.events = []
        for a in self.accounts:
            if r.random() < .12:                  # off, mostly on again, perhaps off again
                at = self.ms(self.day())
                for kind in [r.choice(["services_off", "suspended"])] + (["on"] + r.choice([[], [], ["services_off"]]) if r.random() < .8 else []):
                    note = {"services_off": "debt", "suspended": "request"}.get(kind, "")
                    kind = r.choice(["services_on", "resumed"]) if kind == "on" else kind
                    self.events.append((a["account_id"], at, kind, note))
                    self.edges += [at] * 2
                    at += r.choice([1, 60000, 86400000, 3 * 86400000, 86400000 + r.randrange(86400000)])
            elif r.random() < .04:
                at = self.ms(self.day())
                self.events.append((a["account_id"], at, "contract_terminated", "other"))
                self.edges += [at] * 2
            if r.random() < .1:
                at = self.ms(self.day()) + r.choice([0, r.randrange(86400000)])
                self.events.append((a["account_id"], at, "risk_notified", ""))
                self.edges += [at]
        r.shuffle(self.events)
        self.text_of = {at: self.text(at) for _, at, _, _ in self.events}

    # ---- usage
    def number(self, form, a):
        """b_number as dialled, aimed at some zone"""
        r = self.r
        full = r.choice(["7727250000%d" % r.randrange(2), "77171234567", "77051112233", "77011234567", "77021234567", "79161234567",
                         "12125550100", "442071234567", "81312345678", "8135550001", "81312345678", "77770001122", "77770001123", "445512345678",
                         "77272500000"])
        if r.random() < .04:
            return r.choice(["+999123", "00999123456", "99912345678", "12345678", "3", "77", "*100#", "9991", "8100999123"])
        if self.free_world and r.random() < .06:
            return r.choice(["112", "101", "112"] + (["88001234567", "78001234567"] if form == "dialled" else ["78001234567"]))
        if r.random() < .04:
            return "1999"
        kz = full.startswith("7") and len(full) == 11
        if form == "e164":
            return r.choice(["", "", "+", "00"]) + full if r.random() < .95 else r.choice(["8" + full[1:], "810" + full])
        x = r.random()
        if kz:
            if x < .3: return full
            if x < .5: return "8" + full[1:]
            if x < .65: return full[1:]
            if x < .8: return "+" + full
            if x < .88: return "810" + full
            return r.choice(["2500000", "250000", "25000", "1234567"]) if a.isdigit() else full
        return r.choice(["+", "00", "810", "810"]) + full

    def duration(self):
        r = self.r
        x = r.random()
        if x < .05:
            return 0
        if x < .13:
            return r.choice([1, 2, 999, 2500, 9000])
        if x < .6 and self.units:
            return max(0, r.choice(sorted(self.units)) * r.choice([1, 1, 2, 3, 6, 7, 10, 13]) + r.choice([-1, 0, 0, 1, 1]))
        if x < .7 and self.frees:
            return max(0, r.choice(sorted(self.frees)) + r.choice([-1, 0, 1, 1000]))
        if x < .73:
            return r.randrange(7200 * 1000)
        return r.randrange(400 * 1000)

    def volume(self):
        r = self.r
        if not self.vols or r.random() < .3:
            return r.choice([0, 1, r.randrange(3000000)])
        u = r.choice(sorted(self.vols))
        n = int(u[:-2]) * self.kb ** {"KB": 1, "MB": 2, "GB": 3}[u[-2:]]
        n = min(n, 3000000)
        return max(0, n * r.choice([1, 1, 2, 3]) + r.choice([-1, 0, 0, 1]))

    def usable_plans(self, line):
        """plans of the account of the line, for shaping only"""
        a = self.line_accounts.get(line)
        return {a["plan"]} | {p for x, p, _, _ in self.assign if x == a["account_id"]} if a else set()

    def record(self, form):
        r = self.r
        for _ in range(50):
            line = r.choice(sorted(self.line_accounts))
            a = self.line_accounts[line]
            t = self.answer()
            if not (self.ms(self.lo) - 86400000 <= t <= self.ms(self.hi) + 86400000):
                continue
            if t < self.ms(date.fromisoformat(a["opened_on"])) and not self.contested:
                continue
            break
        plans = self.usable_plans(line)
        if not line.isdigit():
            v = self.volume()
            up = r.randrange(v + 1)
            rec = dict(service="internet", a_number=line, answer=t, setup=t, release=t + self.duration(), up=up, down=v - up)
            return rec
        rec = dict(service="voice", a_number=line, setup=t - r.choice([0, 0, 1, 5000, 20000]), answer=t, cause=r.choice(["16"] * 6 + ["31", "q850:16", ""]))
        x = r.random()
        if x < .10:
            rec.update(service="sms", setup=t, answer=None, release=None, cause="", quantity=r.choice(["", "", "1", "2", "3", "0", "10"]))
            if r.random() < .4:
                rec.update(answer=t, release=t, cause="16")
            rec["b_number"] = self.number(form, line)
            if not rec["b_number"].lstrip("+").isdigit():
                rec["b_number"] = "+77021234567"
        elif x < .20:
            v = self.volume()
            up = r.choice([0, v, r.randrange(v + 1)])
            rec.update(service="data", setup=t, up=up, down=v - up, release=t + self.duration(), cause="")
            if r.random() < .25:
                rec.update(answer=None, release=r.choice([None, t]))
        elif x < .24:
            rec.update(service="vas", setup=t, answer=None, release=None, cause="", b_number=r.choice(["1999", "+77770001122", ""]),
                       quantity=r.choice(["", "1", "5"]))
        else:
            rec["b_number"] = self.number(form, line)
            rec["release"] = t + self.duration()
            y = r.random()
            if y < .05:
                rec["cause"] = r.choice(["41", "102", "q850:38", "sip:503", "17", "18", "q850:19", "20", "what", "sip:abc", "16x", "1 6"])
            elif y < .09:
                rec["answered_by"] = r.choice(["subscriber", "machine", "fax"])
            elif y < .12:
                rec["answered_by"] = r.choice(["autoresponder", "announcement"])
                if r.random() < .5:
                    rec["answer"] = None
            elif y < .26:
                rec["answer"] = None
                rec["release"] = rec["setup"] + r.choice([0, 5000, 30000])
                rec["cause"] = r.choice([str(r.randint(1, 127)), "q850:%d" % r.randint(1, 127), "sip:%d" % r.randint(300, 699),
                                         "sip:%d" % r.choice([486, 600, 408, 487, 404, 410, 480, 484, 604, 401, 402, 403, 407, 603, 500, 200, 183, 302]),
                                         r.choice(["17", "18", "19", "26", "102", "16", "31", "1", "5", "20", "22", "27", "28", "4", "21", "50", "57", "58", "49", "87", "88"]),
                                         r.choice(["", "0", "128", "999", "sip:99", "sip:700", "garb", "q850:", "sip:200"])])
            if r.random() < .08:
                z = r.random()
                if z < .3:
                    rec.update(b_number="1999", route_out="ivr")
                elif z < .5:
                    rec.update(redirect_reason="vm")
                elif z < .8:
                    rec.update(charge_indicator="nc")
                else:
                    rec.update(b_number="1999", route_out="other")
            elif r.random() < .05:
                rec["route_out"] = r.choice(["op-1", "op-2"])
        if rec["service"] in ("voice", "sms", "data") and (any(self.kinds.get(p, dict(roam=0))["roam"] for p in plans) and r.random() < .3 or r.random() < .02):
            if r.random() < .8:
                rec.update(visited_network=r.choice(["TURK", "KCEL", "BEEL"]), realtime=r.choice(["", "true", "false", "false"]))
                if rec["service"] == "voice" and r.random() < .3:
                    rec["direction"] = "in"
            elif rec["service"] == "voice":
                rec["direction"] = r.choice(["forward", "in", "out"])
            if rec.get("b_number") in ("112", "101", "88001234567", "78001234567"):
                rec["b_number"] = "+77272500000"
        elif r.random() < .02:
            rec["realtime"] = "false"
        if rec["service"] in ("voice", "sms") and r.random() < .01:
            rec["b_number"] = ""
        return rec

    def cells(self, rec, rid):
        c = dict(record_id=rid, service=rec["service"], a_number=rec["a_number"], b_number=rec.get("b_number", ""),
                 cause=rec.get("cause", ""), answered_by=rec.get("answered_by", ""), quantity=rec.get("quantity", ""),
                 visited_network=rec.get("visited_network", ""), realtime=rec.get("realtime", ""), route_in=rec.get("route_in", ""),
                 route_out=rec.get("route_out", ""), direction=rec.get("direction", ""), redirect_reason=rec.get("redirect_reason", ""),
                 charge_indicator=rec.get("charge_indicator", ""), corrects=rec.get("corrects", ""), call_ref=rec.get("call_ref", ""),
                 part=str(rec.get("part", "")), last=rec.get("last", ""), bytes_up=str(rec.get("up", "")), bytes_down=str(rec.get("down", "")))
        how = None if self.r.random() < .3 else "local"
        for k in ("setup", "answer", "release"):
            c[k + "_at"] = "" if rec.get(k) is None else self.text(rec[k], how)
        return c

    def reject(self, c):
        """spoil a good record in one way -> (cells or raw line)"""
        r = self.r
        k = r.choice(["time", "time", "release", "answer", "volume", "missing", "missing", "line", "service"])
        c = dict(c)
        if c["service"] not in ("voice",) and k in ("release", "answer"):
            k = "time"
        if k == "time":
            c[r.choice([x for x in ("setup_at", "answer_at", "release_at") if c[x]])] = r.choice(
                ["yesterday", "2026-13-01T00:00:00+05:00", "2026-02-30T00:00:00.000+05:00", "2026-03-01T25:00:00.000+05:00",
                 "2026-03-01T10:00:00.000", "1772323200", "2026-03-01"])
        elif k == "release":
            t = rerater.instant(c["answer_at"] or c["setup_at"])
            c.update(answer_at=self.text(t), release_at=self.text(t - r.choice([1, 1, 8000])), setup_at=self.text(t - 20000))
        elif k == "answer":
            t = rerater.instant(c["setup_at"])
            c.update(answer_at=self.text(t - r.choice([1, 1, 5000])), release_at=self.text(t + 9000))
        elif k == "volume":
            c[r.choice(["bytes_up", "bytes_down"])] = r.choice(["-1", "-500"])
        elif k == "missing":
            f = r.choice(["record_id", "service", "a_number", "setup_at"])
            c[f] = ""
            if c["answer_at"] and c["service"] == "voice" and r.random() < .3:
                c.update(record_id="m%d" % r.randrange(10 ** 6), service="voice", a_number="77010000000", release_at="")
        elif k == "service":
            c["service"] = r.choice(["fax", "VOICE?", "telepathy"])
        else:
            return r.choice(["#### disk full", "garbage", "a,b,c", "<xml/>", "\x01\x02\x03"])
        return c

    def make_feeds(self):
        r = self.r
        sources = []
        if r.random() < .45:
            self.esep = None
            sources.append(dict(source="feeds", form="dialled", fmt="native", gz=False, names=["feeds/%s.csv" % n for n in
                            r.sample(["a", "b", "cdr-01", "cdr-02", "z9", "M1"], r.randint(1, 3))]))
        else:
            t = ""
            for i in range(r.choice([1, 2, 2, 3])):
                fmt, gz = r.choice(["native", "native", "ndjson"]), r.random() < .4
                form = r.choice(["dialled", "dialled", "e164"])
                ext = {"native": "csv", "ndjson": "ndjson"}[fmt] + (".gz" if gz else "")
                pat = r.choice(["feeds/msc%d-*." % i, "feeds/%s-s%d-*." % (r.choice("bq"), i)])
                src = r.choice(["msc-%d", "gw%d"]) % i
                t += "[[feed]]\nsource = %s\nfiles = %s\nformat = %s\n" % (q(src), q(pat + ext), q(fmt))
                if form != "dialled" or r.random() < .5:
                    t += "number_form = %s\n" % q(form)
                t += "\n"
                sources.append(dict(source=src, form=form, fmt=fmt, gz=gz,
                                    names=[pat.replace("*", n) + ext for n in r.sample(["01", "02", "10", "b"], r.randint(1, 3))]))
            self.esep = t
        self.files = {}        # name -> (source dict, [rows])
        for s in sources:
            for n in s["names"]:
                self.files[n] = (s, [])
        same_ids = r.random() < .4
        # the body, in time order within each file more or less
        recs = []
        for i in range(self.count):
            s = r.choice(sources)
            recs.append((s, self.record(s["form"])))
        recs.sort(key=lambda x: x[1]["setup"])
        for i in range(len(recs)):
            if r.random() < .12:
                j = r.randrange(len(recs))
                recs[i], recs[j] = recs[j], recs[i]
        counters = {}
        placed = []            # (global position, source, name, cells, rec)
        for i, (s, rec) in enumerate(recs):
            names = sorted(s["names"])
            name = names[min(len(names) - 1, i * len(names) // len(recs))]
            if r.random() < .03:
                name = r.choice(names)
            c = s["source"] if same_ids else ""
            counters[c] = counters.get(c, 0) + 1
            rid = "%s%d" % (r.choice(["r"] * 9 + ["x-"]), counters[c])
            cells = self.cells(rec, rid)
            x = r.random()
            if x < .05:
                self.files[name][1].append(self.reject(cells))
                continue
            self.files[name][1].append(cells)
            placed.append((s, name, cells, rec))
        # unknown lines, interconnect
        for _ in range(r.randint(0, 4)):
            s, name, c, rec = r.choice(placed)
            c = dict(c, record_id="u%d" % r.randrange(10 ** 6), a_number=r.choice(["77990000001", "79160000000"]))
            if c["service"] == "voice" and r.random() < .5 and c["answer_at"] and not c["answered_by"] and not c["redirect_reason"]:
                c.update(route_in="op-1", direction="in", route_out=r.choice(["", "op-2"]), b_number="+77010000000")
            self.insert(name, c)
        # duplicates: after the first, anywhere later in feed order
        for _ in range(r.randint(0, 8)):
            s, name, c, rec = r.choice(placed)
            c = dict(c)
            kind = r.choice(["same", "same", "offset", "differs", "differs"])
            if kind == "offset":
                for f in ("setup_at", "answer_at", "release_at"):
                    if c[f]:
                        c[f] = self.text(rerater.instant(c[f]))
            elif kind == "differs":
                f = r.choice(["release_at", "b_number", "cause", "a_number"])
                if f == "release_at" and c[f]:
                    c[f] = self.text(rerater.instant(c[f]) + r.choice([1, 1000]))
                elif f == "b_number" and c[f]:
                    c[f] = "+77021239999"
                elif f == "cause":
                    c[f] = "38"
                else:
                    c["a_number"] = "77010009999"
            self.later(s, name, c)
        # corrections of plain charged voice
        good = [p for p in placed if p[3]["service"] == "voice" and p[3]["answer"] is not None and not p[3].get("answered_by")
                and not p[2]["redirect_reason"] and not p[2]["route_out"] and not p[2]["charge_indicator"]]
        for s, name, c, rec in r.sample(good, min(len(good), r.choice([0, 0, 1, 2, 3]))):
            n = dict(c, record_id="k" + c["record_id"], corrects=c["record_id"],
                     release_at=self.text(rerater.instant(c["answer_at"]) + self.duration()))
            if r.random() < .15:
                n.update(answer_at="", cause="17")               # it was no successful call at all
            if r.random() < .15:
                self.insert(r.choice(s["names"]), n)             # perhaps before the record that it corrects
            else:
                self.later(s, name, n)
            if r.random() < .15:                                 # the correction is corrected
                self.later(s, name, dict(n, record_id="k" + n["record_id"], corrects=n["record_id"], answer_at=c["answer_at"], cause="16",
                                         release_at=self.text(rerater.instant(c["answer_at"]) + self.duration())))
        # long calls in parts
        lines = [l for l in self.line_accounts if l.isdigit()]
        for j in range(r.choice([0, 1, 2, 4]) if lines else 0):
            s = r.choice(sources)
            line = r.choice(lines)
            t = self.answer()
            if t < self.ms(date.fromisoformat(self.line_accounts[line]["opened_on"])):
                continue
            b = self.number(s["form"], line)
            if b == "1999":
                continue
            n = r.choice([1, 2, 3, 4])
            parts = []
            at = t
            for i in range(n):
                d = r.choice([600000, 1800000, 1001, 60000, 10001])
                parts.append(dict(service="voice", a_number=line, b_number=b, setup=at, answer=at, release=at + d, cause="16",
                                  call_ref="call%d" % j, part=i + 1, last="true" if i == n - 1 else ""))
                at += d
            x = r.random()
            if x < .12 and n > 1:
                del parts[r.randrange(n)]                    # a missing part (first, middle or last)
            elif x < .2 and n > 1:
                i = r.randrange(1, n)
                g = r.choice([1, -1, 5000, -500])            # a gap or an overlap in time
                for p in parts[i:]:
                    for f in ("setup", "answer", "release"):
                        p[f] += g
            elif x < .25:
                parts[-1]["last"] = ""
            if r.random() < .5:
                r.shuffle(parts)
            across = r.random() < .5
            name = r.choice(s["names"])
            for i, p in enumerate(parts):
                c = self.cells(p, "p%d-%d" % (j, p["part"]))
                self.insert(r.choice(s["names"]) if across else name, c)
                if r.random() < .05:
                    self.later(s, name, dict(c))
        if self.contested:
            self.contested_records(placed)

    def contested_records(self, placed):
        r = self.r
        for _ in range(r.randint(2, 8)):
            s, name, c, rec = r.choice(placed)
            c = dict(c, record_id="c%d" % r.randrange(10 ** 6))
            k = r.randrange(9)
            if k == 0: c["quantity"] = "-1"
            elif k == 1: c["cause"] = r.choice(["200", "q850:0", "sip:486", "Q850:16"])
            elif k == 2: c["setup_at"] = c["setup_at"].replace("T", " ")
            elif k == 3: c["direction"] = "sideways"
            elif k == 4: c["answered_by"] = "nobody"
            elif k == 5: c["b_number"] = r.choice(["", "+112", "1999123", " 1999"])
            elif k == 6: c["corrects"] = "never-seen"
            elif k == 7: c["call_ref"] = "loose"
            elif k == 8: c["release_at"] = ""
            self.insert(name, c)

    def insert(self, name, c):
        rows = self.files[name][1]
        rows.insert(self.r.randint(0, len(rows)), c)

    def later(self, s, name, c):
        """after the record of the same key, in the order of files"""
        r = self.r
        names = [n for n in sorted(s["names"]) if n >= name]
        target = r.choice(names)
        rows = self.files[target][1]
        key = c["corrects"] or c["record_id"]
        lo = 0
        for n in sorted(s["names"]):
            for i, x in enumerate(self.files[n][1]):
                if isinstance(x, dict) and x["record_id"] == key and (not x["corrects"] or c["corrects"] == key):
                    if n > target:
                        target, rows = n, self.files[n][1]
                    if n == target:
                        lo = i + 1
                    break
            else:
                continue
            break
        rows.insert(r.randint(lo, len(rows)), c)

    # ---- money: the re-rater itself says where the boundaries are (a heuristic for the data, no oracle)
    def tune(self, out):
        r = self.r
        for a in self.accounts:
            a["opening_balance"] = "1000000000.00"
        self.write(out)
        run = rerater.Run(out)
        run.read()
        use = {}
        for e in run.rows:
            if e.get("outcome") == "rated" and "gross" in e:
                c = run.charges.get((e["source"], e["record_id"]))
                net = c["debit"] if c else F(0)
                use.setdefault(e["row"]["account_id"], []).append((e["rec"].at, e["gross"], net, e))
        pid = 0
        for a in self.accounts:
            mine = use.get(a["account_id"], [])
            x = r.random()
            if a["method"] == "credit":
                a["opening_balance"] = r.choice(["0.00", "-500.00", "1000.00", "-12.34"])
                if mine and x < .5:
                    k = r.randrange(len(mine))
                    a["usage_limit"] = rerater.money(max(F(1), sum(g for _, g, _, _ in mine[:k + 1]) + r.choice([0, 0, F(-1, 100), F(1, 100), F(1)])))
                continue
            if not mine or x < .1:
                a["opening_balance"] = r.choice(["0.00", "-5.00", "50.00", "100000.00", "0.01"])
                continue
            k = r.randrange(len(mine))
            need = sum((d for _, _, d, _ in mine[:k]), F(0))
            at, gross, debit, e = mine[k]
            units = max(1, e["row"]["units"])
            part = r.choice([debit, debit, rerater.round2(debit * r.randint(0, units) / units), F(0)])
            target = need + part + r.choice([F(0), F(0), F(-1, 100), F(1, 100)])
            if r.random() < .5 and a["funding"] != "budget" and target > 1:
                pay = rerater.round2(target * r.choice([F(1, 2), F(1), F(1, 10), F(3, 2)]))
                a["opening_balance"] = rerater.money(target - pay)
                self.payments.append(("pay%d" % pid, a["account_id"], rerater.money(pay), self.text(at + r.choice([0, 0, 0, -1, 1, 1000])), "bank"))
                pid += 1
            else:
                a["opening_balance"] = rerater.money(target)
            if r.random() < .6:                  # top-ups about as large as a record costs, so that money ends inside many calls
                for at2, g, d, e2 in r.sample(mine, min(len(mine), r.randint(2, 14))):
                    p = rerater.round2(g * r.choice([F(1, 3), F(1, 2), F(2, 3), F(9, 10), F(1), F(5, 4)])) + r.choice([0, 0, F(1, 100)])
                    if p > 0:
                        self.payments.append(("pay%d" % pid, a["account_id"], rerater.money(p), self.text(at2 + r.choice([0, 0, 0, -1, -1000, 1])), "online"))
                        pid += 1
            for _ in range(r.choice([0, 0, 1, 2])):
                at2 = r.choice(mine)[0]
                self.payments.append(("pay%d" % pid, a["account_id"], rerater.money(rerater.round2(F(r.randrange(1, 200000), 100))),
                                      self.text(at2 + r.choice([0, 0, -1, 1, -3600000])), r.choice(["cash", "online"])))
                pid += 1
        if r.random() < .2:
            self.payments.append(("payX", "NOBODY", "100.00", self.text(self.ms(self.m0)), "bank"))
        if self.payments and r.random() < .3:
            self.payments.append(self.payments[0])           # the same payment_id again
        r.shuffle(self.payments)
        self.write(out)

    # ---- writing
    def write(self, out):
        r = random.Random(self.count)          # the same form each time that it is written
        if os.path.isdir(out):
            shutil.rmtree(out)
        for d in ("tariffs", "feeds"):
            os.makedirs(os.path.join(out, d))

        def put(name, text):
            with open(os.path.join(out, name), "w", newline="", encoding="utf-8") as f:
                f.write(text)

        def table(name, cols, rows):
            b = io.StringIO()
            w = csv.writer(b, lineterminator="\n")
            w.writerow(cols)
            w.writerows(rows)
            put(name, b.getvalue())
        for n, t in self.tariffs.items():
            put("tariffs/%s.toml" % n, t)
        if self.holidays:
            for n in ("holidays.csv", "tariffs/holidays.csv"):
                table(n, ["date", "name"], [(d, "day off") for d in self.holidays])
        table("prefixes.csv", ["prefix", "zone"], self.prefixes)
        cols = ("account_id iin name address settlement segment plan method funding opened_on contract_on terminated_on termination_reason "
                "switched_off_on opening_due_on opening_balance usage_limit roaming_risk_notified_on marks language").split()
        table("accounts.csv", cols, [[dict(dict(segment="b2c", name="N" + a["account_id"], address="A" + a["account_id"], language="ru"), **a).get(c, "")
                                      for c in cols] for a in self.accounts])
        table("lines.csv", ["line", "account_id", "valid_from", "valid_to"], self.lines)
        table("payments.csv", ["payment_id", "account_id", "amount", "paid_at", "channel"], self.payments)
        if self.assign:
            table("assignments.csv", ["account_id", "plan", "valid_from", "valid_to"], self.assign)
        if self.events:
            table("events.csv", ["event_id", "account_id", "at", "kind", "amount", "reference", "note"],
                  [("e%d" % i, a, str(rerater.local(at, self.tz).date()) if at == self.ms(rerater.local(at, self.tz).date()) else self.text_of[at],
                    kind, "", "", note) for i, (a, at, kind, note) in enumerate(self.events)])
        if self.esep:
            put("esep.toml", self.esep)
        for name, (s, rows) in self.files.items():
            used = {k for c in rows if isinstance(c, dict) for k, v in c.items() if v} | set("record_id service a_number b_number setup_at answer_at release_at cause".split())
            cols = [c for c in rerater.FIELDS if c in used]
            if r.random() < .4:
                r.shuffle(cols)
            end = "\r\n" if r.random() < .1 and s["fmt"] == "native" else "\n"
            b = io.StringIO()
            if s["fmt"] == "native":
                w = csv.writer(b, lineterminator=end, quoting=csv.QUOTE_ALL if r.random() < .1 else csv.QUOTE_MINIMAL)
                w.writerow(cols)
                for c in rows:
                    if isinstance(c, str):
                        b.write(c + end)
                    else:
                        w.writerow([c.get(k, "") for k in cols])
            else:
                typed = r.random() < .5
                for c in rows:
                    if isinstance(c, str):
                        b.write(c + "\n")
                        continue
                    o = {}
                    for k in cols:
                        v = c.get(k, "")
                        if v == "" and r.random() < .5:
                            continue
                        if typed and k in ("bytes_up", "bytes_down", "quantity", "part") and v.lstrip("-").isdigit():
                            v = int(v)
                        elif typed and k in ("last", "realtime") and v in ("true", "false"):
                            v = v == "true"
                        o[k] = v
                    b.write(json.dumps(o, separators=(",", ":") if typed else None) + "\n")
            text = b.getvalue()
            if r.random() < .1 and text.endswith("\n") and end == "\n":
                text = text[:-1]
            data = text.encode()
            if s["gz"]:
                data = gzip.compress(data, mtime=0)
            with open(os.path.join(out, name), "wb") as f:
                f.write(data)


def make(seed, contested, records, out):
    f = Folder(seed, contested, records)
    f.make_tariffs()
    f.make_reference()
    f.make_feeds()
    f.tune(out)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--contested", action="store_true")
    p.add_argument("--records", type=int)
    a = p.parse_args()
    make(a.seed, a.contested, a.records, a.out)


if __name__ == "__main__":
    main()
