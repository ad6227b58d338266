"""`python bench/compare.py BASE [NEW]`: rows whose ratio to PyTorch fell by more than 15 % against a saved run, in three repeats.

BASE and NEW are files in .bench; without NEW the last saved run is judged. Suspect rows are run twice more: machines are noisy.
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


def ratios(run):
    return {row["name"]: row["ratio"] for row in run["rows"] if "ratio" in row}


def worse(base, new):
    """Rows of both runs that fell."""
    before, after = ratios(base), ratios(new)
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
    suspects, shown = worse(base, new), {name: [ratio] for name, ratio in ratios(new).items()}
    for _ in range(REPEATS - 1):
        if suspects:
            run = again(suspects, base["threads"])
            for name, ratio in ratios(run).items():
                shown[name].append(ratio)
            suspects &= worse(base, run)
    print(f"{base['commit']} -> {new['commit']}, {base['threads']} thread(s): {len(ratios(new))} rows")
    for name in sorted(suspects):
        print(f"worse: {name}: {ratios(base)[name]:.2f} -> {', '.join(f'{ratio:.2f}' for ratio in shown[name])}")
    if not suspects:
        print("no row is worse by more than 15 % in three repeats")
    sys.exit(1 if suspects else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
