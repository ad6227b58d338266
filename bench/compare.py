"""`python bench/compare.py BASE [NEW]`: rows whose ratio to PyTorch fell by more than 15 % against a saved run, in three repeats.

BASE and NEW are files in .bench; without NEW the last saved run is judged. Suspect rows are run twice more: machines are noisy. Rows that
did not settle in BASE (see conftest.py) are not judged. Our own times are shown besides: where they have not grown, PyTorch was slowed down more
than we were when BASE was run, as happens on a busy machine.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[1]
SAVED = HOME / ".bench"
FALL = 0.85
REPEATS = 3


def values(run, key, settled=False):
    return {row["name"]: row[key] for row in run["rows"] if key in row and (row.get("settled", True) or not settled)}


def worse(base, new):
    """Rows of both runs that fell."""
    before, after = values(base, "ratio", settled=True), values(new, "ratio")
    return {name for name, ratio in after.items() if name in before and ratio < FALL * before[name]}


def again(names, threads):
    """A run of these rows alone."""
    path = SAVED / f"repeat-{threads}.json"
    words = [f"bench/{name}" for name in sorted(names)]
    subprocess.run([sys.executable, "-m", "pytest", *words, "--benchmark-only", "--threads", str(threads), "--save", "repeat", "-q"], cwd=HOME,
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": str(threads)})  # fmt: skip
    run = json.loads(path.read_text())
    path.unlink()
    return run


def main(argv):
    if not argv:
        raise SystemExit(__doc__)
    base = json.loads(Path(argv[0]).read_text())
    others = sorted((path for path in SAVED.glob(f"*-{base['threads']}.json") if path.resolve() != Path(argv[0]).resolve()), key=os.path.getmtime)
    if len(argv) < 2 and not others:
        raise SystemExit("there is no other saved run to compare with: `make bench` makes one")
    new = json.loads(Path(argv[1] if len(argv) > 1 else others[-1]).read_text())
    suspects, runs = worse(base, new), [new]
    for _ in range(REPEATS - 1):
        if suspects:
            runs.append(again(suspects, base["threads"]))
            suspects &= worse(base, runs[-1])
    judged = values(base, "ratio", settled=True).keys() & values(new, "ratio").keys()
    print(f"{base['commit']} -> {new['commit']}, {base['threads']} thread(s): {len(judged)} of {len(values(new, 'ratio'))} rows judged")
    for run, name in ((base, "BASE"), (new, "NEW")):
        if run["load"] > run["threads"] + 1:
            print(f"the machine was busy when {name} was run: load {run['load']:.1f}")
    for name in sorted(suspects):
        fallen, ours = ([f"{values(run, key)[name]:.3g}" for run in runs] for key in ("ratio", "us"))
        print(f"worse: {name}: {values(base, 'ratio')[name]:.3g} -> {', '.join(fallen)} (ours {values(base, 'us')[name]:.3g} -> {', '.join(ours)} us)")
    if not suspects:
        print("no row is worse by more than 15 % in three repeats")
    sys.exit(1 if suspects else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
