#!/usr/bin/env python3
"""The figures of "Post every charge once" on generated folders, printed as a table. What they mean: benches/README.md.

    cargo build --release && cargo bench --bench store --no-run
    figures.py --esep target/release/esep --bench target/release/deps/store-HASH [--records 1000000,10000000]

Exit 0: measured. 1: a run that was killed, or sent again, left other books. 2: something could not be run.
"""
import argparse, glob, json, os, shutil, signal, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import peers


class Wrong(Exception):
    """A figure of books that are not what they should be."""


class Folder:
    """A generated month, with what runs over it."""

    def __init__(self, a, records, *options):
        self.a, self.records = a, records
        name = "-".join([str(records), *(option.strip("-") for option in options)])
        self.month = peers.generated(a.esep, f"{a.tmp}/month-{name}",
                                     ["--records", str(records), "--seed", "1", "--quiet", *options])
        self.data = f"{a.tmp}/books-{name}"

    def run(self, month=None, data=None):
        """`esep run`, JSON: its use of the machine and its summary."""
        command = [self.a.esep, "run", month or self.month, "--data", data or self.data, "--jobs", str(self.a.jobs)]
        run, text = peers.spent([*command, "--json", "--quiet"])
        return run, json.loads(text)

    def fresh(self):
        shutil.rmtree(self.data, ignore_errors=True)
        return self.run()

    def bench(self, figure, *rest):
        """One figure from within a process."""
        _, text = peers.spent([self.a.bench, "figure", figure, self.data, *rest])
        return json.loads(text)

    def drop(self):
        shutil.rmtree(self.data, ignore_errors=True)


def killed(folder, after):
    """A run that SIGKILL ends after so many seconds, or before if it is done sooner."""
    folder.drop()
    command = [folder.a.esep, "run", folder.month, "--data", folder.data, "--jobs", str(folder.a.jobs), "--quiet"]
    process = subprocess.Popen(command)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def sent_again(folder, month):
    """The month once more with its feeds under other names, hard links: every record a duplicate."""
    shutil.rmtree(month, ignore_errors=True)
    shutil.copytree(folder.month, month, ignore=shutil.ignore_patterns("feeds"))
    os.makedirs(f"{month}/feeds")
    for feed in glob.glob(f"{folder.month}/feeds/*"):
        os.link(feed, f"{month}/feeds/again-{os.path.basename(feed)}")


def ms(ns):
    return f"{ns / 1e6:.2f} ms"


def times(of):
    return f"{ms(of['median'])} median, {ms(of['p99'])} of 99 %, {ms(of['worst'])} worst"


def of_command(command, rounds):
    walls = [peers.spent(command)[0]["wall"] for _ in range(rounds)]
    return f"{statistics.median(walls) * 1e3:.0f} ms median of {rounds}"


def check(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found} instead of {wanted}")


def figures(a, records):
    """Lines of a table: what, figure."""
    folder = Folder(a, records)
    runs = [folder.fresh() for _ in range(a.rounds)]
    used = {key: statistics.median(run[key] for run, _ in runs) for key in ("wall", "cpu", "rss_mb")}
    count = runs[-1][1]["records"]["in"]
    yield "whole path, wall", f"{count / used['wall']:,.0f} records/s ({used['wall']:.2f} s, {a.jobs} jobs)"
    yield "whole path, CPU", f"{used['cpu'] / count * 1e9:,.0f} ns/record ({used['cpu']:.2f} s)"
    yield "whole path, memory", f"{used['rss_mb']:,.0f} MB at its peak"
    size = sum(os.path.getsize(path) for path in glob.glob(f"{folder.data}/**", recursive=True) if os.path.isfile(path))
    yield "the store", f"{size / count:.0f} bytes/record"

    whole = folder.bench("open")
    yield "open after a clean end", f"{whole['ns'] / 1e9:.2f} s"
    asked = folder.bench("ask", folder.month)
    yield "account, in the process", times(asked["account"])
    yield "explain, in the process", times(asked["explain"])
    with open(f"{folder.month}/accounts.csv") as f:
        accounts = f.readlines()[1:]
    with open(glob.glob(f"{folder.month}/feeds/*")[0]) as f:
        header = next(f).rstrip("\n").split(",")
        record = next(f).split(",")[header.index("record_id")]
    for name, asking in (("account", accounts[len(accounts) // 2].split(",")[0]), ("explain", record)):
        yield f"{name}, the command", of_command([a.esep, name, asking, "--data", folder.data, "--quiet"], max(3, a.rounds))
    wrote = folder.bench("write", f"{a.tmp}/scratch")
    yield "state and journal alone", f"{wrote['charges'] / wrote['wall'] * 1e9:,.0f} charges/s, on two threads"
    for part, what in (("state", "state: the fold"), ("encode", "encoding"), ("append", "journal: append, durable")):
        yield f"  {what}", f"{wrote[part] / wrote['charges']:,.0f} ns/charge"
    yield "  journal", f"{wrote['bytes'] / wrote['append'] * 1e3:,.0f} MB/s, {wrote['bytes'] / count:.0f} bytes/record"

    again = f"{a.tmp}/again-{records}"
    sent_again(folder, again)
    sent, summary = folder.run(month=again)
    shutil.rmtree(again)
    check("duplicates of a month sent again", summary["records"]["duplicate"], count)
    yield "the month sent again", f"{sent['wall']:.2f} s, {sent['cpu']:.2f} s CPU ({sent['wall'] / used['wall']:.2f} × the first time, CPU {sent['cpu'] / used['cpu']:.2f} ×)"

    struck = killed(folder, used["wall"] * a.killed_at / 100)
    after = folder.bench("open")
    yield "open after SIGKILL", f"{after['ns'] / 1e9:.2f} s with {after['records']:,} records posted" + ("" if struck else ", but it was done before")
    folder.run()
    finished = folder.bench("open")
    check("state after a kill and a finish", finished["state"], whole["state"])
    yield "  and finished", "the same state hash as without the kill"
    folder.drop()
    yield from memory(a, records, whole, used["rss_mb"])


def memory(a, records, whole, peak_mb):
    """Slopes: more accounts with the same records, more records with the same accounts."""
    accounts, records_more = whole["accounts"], records * 2
    more_accounts = accounts * 4
    for what, of, by in (
        ("an account", Folder(a, records, "--accounts", str(more_accounts)), more_accounts - accounts),
        ("a record", Folder(a, records_more, "--accounts", str(accounts)), records_more - records),
    ):
        run, _ = of.fresh()
        opened = of.bench("open")
        of.drop()
        shutil.rmtree(of.month)
        slope = (opened["rss"] - whole["rss"]) / by
        peak = (run["rss_mb"] - peak_mb) * 1048576 / by
        yield f"memory, {what} more", f"{slope:.0f} bytes in the opened store, {peak:.0f} at the peak of a run"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--esep", required=True, help="the binary")
    p.add_argument("--bench", required=True, help="the binary of `cargo bench --bench store`")
    p.add_argument("--records", default="1000000", help="how many, or several such numbers with commas")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--killed-at", type=int, default=90, help="per cent of the time of a whole run")
    p.add_argument("--tmp", default=os.path.join(tempfile.gettempdir(), "esep-figures"), help="on the disk that is measured")
    a = p.parse_args()
    os.makedirs(a.tmp, exist_ok=True)
    for records in map(int, a.records.split(",")):
        print(f"\n{records:,} records, {a.rounds} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        try:
            for what, figure in figures(a, records):
                print(f"{what:26}{figure}", flush=True)
        except Wrong as wrong:
            print(f"WRONG: {wrong}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
