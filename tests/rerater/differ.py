#!/usr/bin/env python3
"""differ.py ESEP FROM TO [--contested] [--records N] [--processes N] [--keep DIR] [--late]
For each seed a random folder, rated by the program ESEP and by the re-rater, compared record by record.
Tells the seeds that differ, and a total; exit 1 unless all are the same. --keep keeps the folders that differ in DIR."""
import argparse, contextlib, io, os, shutil, subprocess, sys, tempfile, traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
import compare, folders, rerater


def one(job):
    """(seed, what differs: '' for nothing)"""
    seed, a = job
    with tempfile.TemporaryDirectory(prefix="rerater.") as t:
        there, ours, theirs = (os.path.join(t, n) for n in ("folder", "re-rater", "esep"))
        try:
            folders.make(seed, a.contested, a.records, there)
            rerater.main(there, ours)
        except BaseException:                   # the re-rater ends with SystemExit where it cannot read a tariff
            return seed, "the harness failed\n" + traceback.format_exc()
        p = subprocess.run([a.esep, "rate", there, "--out", theirs, "--quiet"], capture_output=True, text=True)
        said = io.StringIO()
        if p.returncode != 0:
            said.write("esep: exit %d\n%s%s" % (p.returncode, p.stdout, p.stderr))
        else:
            with contextlib.redirect_stdout(said):
                compare.main([theirs, ours, "--max", "12"] + ["--late"] * a.late)
        if said.getvalue() and a.keep:
            shutil.copytree(t, os.path.join(a.keep, str(seed)), dirs_exist_ok=True)
        return seed, said.getvalue()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("esep", type=os.path.realpath)
    p.add_argument("first", type=int)
    p.add_argument("last", type=int)
    p.add_argument("--contested", action="store_true")
    p.add_argument("--records", type=int)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--keep", metavar="DIR")
    p.add_argument("--late", action="store_true")
    a = p.parse_args()
    differing, count = [], 0
    with ProcessPoolExecutor(a.processes) as pool:
        for done in as_completed([pool.submit(one, (s, a)) for s in range(a.first, a.last + 1)]):
            seed, said = done.result()          # raises where a process was killed: nothing is passed over
            count += 1
            if count % 100 == 0:
                print("%d folders, %d different" % (count, len(differing)), file=sys.stderr, flush=True)
            if said:
                differing.append(seed)
                print("seed %d (esep | re-rater)\n    %s" % (seed, said.rstrip().replace("\n", "\n    ")), flush=True)
    print("%d folders, %d the same, %d different%s" % (
        count, count - len(differing), len(differing), "".join(" %d" % s for s in sorted(differing))))
    return 1 if differing or not count else 0


if __name__ == "__main__":
    sys.exit(main())
