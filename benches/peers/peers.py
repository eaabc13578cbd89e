#!/usr/bin/env python3
"""The same rating by DuckDB, chDB and esep on the same generated folder: totals must agree to the tiyn, then time counts.

    peers.py --esep target/release/esep [--records 1000000] [--rounds 5] [--only duckdb,esep] [--skip-peers] [--written]

Exit 0: agreed and measured. 1: the totals differ. 2: something could not be run.
"""
import argparse, csv, glob, importlib.util, json, os, re, resource, shutil, statistics, subprocess, sys, tempfile, time
from fractions import Fraction

import tables

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ("duckdb", "chdb")
SUSPENDED = {20: "unknown_line", 21: "unknown_account", 22: "no_plan", 23: "no_zone", 24: "no_rate"}


# ---------------------------------------------------------------- the peers, each in a process of its own
def sections(path):
    with open(path) as f:
        parts = re.split(r"^-- section: ", f.read(), flags=re.M)[1:]
    return {name.strip(): body.strip() for name, _, body in (part.partition("\n") for part in parts)}


def fill(text, words):
    """Puts words in until none is left: a word may hold others."""
    while "{{" in text:
        text = re.sub(r"\{\{(\w+)\}\}", lambda m: str(words[m[1]]), text)
    return text


class Clock:
    """CPU and wall time of this process from now on."""

    def __init__(self):
        self.cpu, self.wall = self.now()

    @staticmethod
    def now():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime, time.monotonic()

    def read(self):
        cpu, wall = self.now()
        return {"cpu": cpu - self.cpu, "wall": wall - self.wall}


def child_duckdb(words, written):
    import duckdb
    sql = sections(f"{HERE}/duckdb.sql")
    zone = words["duckdb_zone"]
    words |= {"zone": sql[f"zone {zone}"], "zone_joins": sql[f"zone joins {zone}"], "decided": sql["decided"]}
    clock = Clock()
    base = duckdb.connect()
    for name in ("setup", "tables", f"zone tables {zone}", "lines"):
        if sql[name]:
            base.execute(fill(sql[name], words))
    query = sql["rated"] if written else sql["decided"] + "\n" + sql["totals"]
    rows = base.execute(fill(query, words)).fetchall()
    return clock.read(), rows


def child_chdb(words, written):
    from chdb import session
    sql = sections(f"{HERE}/chdb.sql")
    zone = words["chdb_zone"]
    words |= {"zone": sql[f"zone {zone}"], "decided": sql["decided"]}
    clock = Clock()
    # It reads dictionaries from the folder it runs in, and none besides.
    os.chdir(words["work"])
    base = session.Session()
    for name in ("tables", f"zone tables {zone}", "lines"):
        for statement in sql[name].split("\n;\n"):
            base.query(fill(statement, words))
    answer = base.query(fill(sql["rated" if written else "totals"], words), "CSV")
    rows = [line.split(",") for line in str(answer).split()]
    return clock.read(), rows


def child(peer, path):
    with open(path) as f:
        words = json.load(f)
    used, rows = {"duckdb": child_duckdb, "chdb": child_chdb}[peer](words, bool(words["out"]))
    used["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if not words["out"]:
        used["totals"] = totals_of_rows(rows)
    print(json.dumps(used, default=int))


def totals_of_rows(rows):
    number = lambda text: 0 if text in (None, "", "\\N") else int(text)
    found = {int(row[0]): [number(x) for x in row[1:4]] for row in rows}
    rated = found.get(10, [0, 0, 0])
    return {"rated": rated[0], "charged": rated[1], "vat": rated[2],
            "filtered": {r: found[i][0] for i, r in enumerate(tables.REASONS) if i in found},
            "suspended": {r: found[i][0] for i, r in SUSPENDED.items() if i in found}}


# ---------------------------------------------------------------- one measured run
def run_peer(peer, words, work, out):
    words = words | {"out": out or ""}
    columns = words["account_columns"]
    if peer == "duckdb":
        typed = (f"'{c}': '{'BIGINT' if c == 'account_id' else 'VARCHAR'}'" for c in columns)
        words["account_columns"] = "{" + ", ".join(typed) + "}"
    else:
        words["account_columns"] = ", ".join(f"{c} {'UInt64' if c == 'account_id' else 'String'}" for c in columns)
    path = f"{work}/words-{peer}.json"
    with open(path, "w") as f:
        json.dump(words, f)
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--child", peer, path], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(2)
    return json.loads(done.stdout)


def spent(command, quiet=False):
    """Runs a command to its end: its CPU and wall time and peak memory as the kernel counted them, and what it wrote."""
    with tempfile.TemporaryFile() as stdout:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL if quiet else None)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            print(f"`{' '.join(command)}` ended with {process.returncode}", file=sys.stderr)
            sys.exit(2)
        stdout.seek(0)
        text = stdout.read()
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "rss_mb": used.ru_maxrss / 1024}, text


def run_esep(esep, folder, jobs, out):
    """`esep rate`, with its process start."""
    command = [esep, "rate", folder, "--json", "--quiet", "--jobs", str(jobs)] + (["--out", out] if out else [])
    run, text = spent(command)
    if out and os.path.exists(f"{out}/summary.json"):
        with open(f"{out}/summary.json", "rb") as f:
            text = f.read()
    summary = json.loads(text)
    return run | {"totals": totals_of_summary(summary), "summary": summary}


def totals_of_summary(s):
    tiyn = lambda amount: int(Fraction(amount) * 100)
    return {"rated": s["records"]["rated"], "charged": tiyn(s["charged"]), "vat": tiyn(s["vat"]),
            "filtered": {k: n for k, n in s["filtered"].items() if n},
            "suspended": {k: n for k, n in s["suspended"].items() if n}}


def totals_of_written(path):
    """Rows, charge and VAT of a `rated.csv`, summed outside the measured time."""
    rows = charged = vat = 0
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            rows += 1
            charged += int(row["charge"].replace(".", ""))
            vat += int(row["vat"].replace(".", ""))
    return {"rated": rows, "charged": charged, "vat": vat}


def by_rerater(path, folder, work):
    """Totals of the slow, exact re-rater in Python; for small folders."""
    spec = importlib.util.spec_from_file_location("rerater", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    summary, _ = module.main(folder, f"{work}/rerater")
    return totals_of_summary(summary)


# ---------------------------------------------------------------- the comparison
def generated(esep, folder, options):
    if os.path.exists(f"{folder}/esep.toml"):
        return folder
    command = [esep, "generate", "--out", folder, *options]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        print(f"`{' '.join(command)}` failed", file=sys.stderr)
        sys.exit(2)
    return folder


def prepared(folder, work):
    """The tables, made by another process: a child's peak memory counts from its parent's before `exec`."""
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--tables", folder, work], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(2)
    return json.loads(done.stdout)


def prepare(folder, work):
    try:
        words = tables.build(folder, work)
        tables.refuse_clients(folder)
    except tables.Beyond as beyond:
        print(f"{folder}: SQL does not express {beyond}", file=sys.stderr)
        return 2
    print(json.dumps(words))
    return 0


def agree(results):
    """Whether all have the same totals; tells what differs."""
    (first, expected), *others = results.items()
    same = True
    for name, totals in others:
        for key in totals.keys() & expected.keys():
            if totals[key] != expected[key]:
                print(f"DIFFER in {key}: {first} has {expected[key]}, {name} has {totals[key]}")
                same = False
    return same


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def table(title, runs, records):
    if not runs:
        return
    print(f"\n{title}")
    print(f"{'':22}{'CPU s':>9}{'wall s':>9}{'ns/record':>11}{'peak MB':>9}{'CPU ×':>8}{'wall ×':>8}")
    base = runs.get("esep")
    for name, of in runs.items():
        cpu, wall = median(of, "cpu"), median(of, "wall")
        ratios = f"{cpu / median(base, 'cpu'):8.1f}{wall / median(base, 'wall'):8.1f}" if base else ""
        print(f"{name:22}{cpu:9.2f}{wall:9.2f}{cpu / records * 1e9:11.0f}{median(of, 'rss_mb'):9.0f}{ratios}")


def measure(names, one, rounds):
    """Alternately, so that a slow minute of the machine meets all of them."""
    runs = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(one(name))
    return runs


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:4])
    if sys.argv[1:2] == ["--tables"]:
        return prepare(*sys.argv[2:4])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--esep", help="the binary; without it only the peers run, and --dir is needed")
    p.add_argument("--records", type=int, default=1_000_000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--only", help="of esep,duckdb,chdb: which to run")
    p.add_argument("--skip-peers", action="store_true", help="esep alone")
    p.add_argument("--written", action="store_true", help="also with rated.csv written")
    p.add_argument("--full", action="store_true", help="also esep on what SQL does not express: advance, allowances, a file sent again")
    p.add_argument("--dir", help="a folder that is there; else one is generated in --tmp")
    p.add_argument("--tmp", default=os.path.join(tempfile.gettempdir(), "esep-peers"))
    p.add_argument("--rerater", help="also check against the Python re-rater at this path; slow")
    p.add_argument("--duckdb-zone", default="six-eight", help="six-eight, trie, lengths, asof")
    p.add_argument("--chdb-zone", default="ip-trie", help="six-eight, lengths, ip-trie")
    a = p.parse_args()
    names = [n for n in ("esep", *PEERS) if (not a.only or n in a.only.split(",")) and not (n in PEERS and a.skip_peers)]
    if not a.esep:
        names = [n for n in names if n != "esep"]
    if not names or (not a.esep and not a.dir):
        p.error("nothing to run: give --esep PATH, or --dir of a generated folder")
    os.makedirs(a.tmp, exist_ok=True)
    seeded = ["--records", str(a.records), "--seed", str(a.seed)]
    folder = a.dir or generated(a.esep, f"{a.tmp}/credit-{a.records}-{a.seed}", seeded)
    work = f"{a.tmp}/tables"
    words = {}
    if any(n in PEERS for n in names):
        words = prepared(folder, work)
        # chDB: a thread a file costs less than cutting files into pieces, where there are files enough.
        files = len(glob.glob(f"{folder}/feeds/*.csv"))
        words |= {"threads": a.threads, "parallel_parsing": int(files < a.threads), "duckdb_zone": a.duckdb_zone, "chdb_zone": a.chdb_zone}
    records = sum(sum(chunk.count(b"\n") for chunk in iter(lambda f=f: f.read(1 << 20), b"")) - 1
                  for path in glob.glob(f"{folder}/feeds/*.csv") for f in [open(path, "rb")])
    print(f"{folder}: {records} records, {a.threads} threads, {a.rounds} rounds, load {os.getloadavg()[0]:.1f}")

    def one(name, out=None):
        if name == "esep":
            return run_esep(a.esep, folder, a.threads, out)
        return run_peer(name, words, work, out and f"{out}.csv")

    runs = measure(names, one, a.rounds)
    results = {name: of[-1]["totals"] for name, of in runs.items()}
    if a.rerater:
        results["re-rater"] = by_rerater(a.rerater, folder, work)
    table("Rating, totals only", runs, records)
    first = next(iter(results.values()))
    print(f"\n{first['rated']} rated, {first['charged'] / 100:.2f} charged, {first['vat'] / 100:.2f} VAT, "
          f"{sum(first['filtered'].values())} filtered, {sum(first['suspended'].values())} suspended")
    same = agree(results)
    if a.written:
        files = {name: f"{work}/rated-{name}" for name in names}
        written = measure(names, lambda name: one(name, files[name]), a.rounds)
        table("Rating, rated.csv written", written, records)
        sums = {"totals": first}
        for name, path in files.items():
            sums[name + " rated.csv"] = totals_of_written(f"{path}/rated.csv" if name == "esep" else f"{path}.csv")
            shutil.rmtree(path) if name == "esep" else os.remove(f"{path}.csv")
        same = agree(sums) and same
    if a.full and a.esep:
        options = [*seeded, "--advance", "30", "--allowances", "--overlap", "5"]
        full = generated(a.esep, f"{a.tmp}/full-{a.records}-{a.seed}", options)
        for out in [None, f"{work}/rated-full"]:
            of = measure(["esep"], lambda _: run_esep(a.esep, full, a.threads, out), a.rounds)
            count = of["esep"][-1]["summary"]["records"]["in"]
            title = "What SQL does not express: 30 % advance, allowances, a file sent again"
            table(f"{title}{', rated.csv written' if out else ''} ({count} records)", of, count)
        shutil.rmtree(out)
    print("\nall agree to the tiyn" if same else "\nthe totals DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
