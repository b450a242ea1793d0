"""Folders of many kinds, and nothing said but the time: what each yields, and whether it keeps to the time.

    python benchmarks/odd_folders.py --minutes 5 --out FOLDER [--only few tall] [--table FILE.md]

Each folder is made of real pictures in shared/data, as a person might have them: large photos, transparent
emblems, pixel art, strips, scans of mixed sizes, very few. `gan train FOLDER --core-minutes M` is run as a
process with one thread: reading, choosing, looking and the end are in its time. Asked of each: it ends with
0 within 1.1 × the time, after at least 2,000 steps. Whether its sheet is worth keeping is for eyes: the last
sheet of each run is copied to FOLDER/KIND.png. What is there already is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.judge import SHARED

_LATE = 1.1  # times the budget, within which a run must have ended
_STEPS = 2_000  # that it must have played


def pictures(file: str, only: str = "") -> Iterator[tuple[str, Image.Image]]:
    """Pictures of an archive of shared/data whose names hold ``only``, in their order, with their names."""
    with zipfile.ZipFile(SHARED / file) as archive:
        for name in sorted(archive.namelist()):
            if only in name and name.lower().endswith((".png", ".jpg", ".jpeg")):
                with archive.open(name) as stream:
                    yield name, Image.open(stream).copy()


def some(file: str, n: int, only: str = "") -> Iterator[tuple[int, str, Image.Image]]:
    for i, (name, picture) in enumerate(pictures(file, only)):
        if i == n:
            return
        yield i, name, picture


def emblems(folder: Path) -> None:
    """800 pictures of 400×400 with transparency."""
    for i, _, picture in some("noto_emoji72.zip", 800):
        picture.convert("RGBA").resize((400, 400), Image.Resampling.LANCZOS).save(folder / f"{i:04}.png")


def emoji(folder: Path) -> None:
    """3,583 pictures of 72×72 with transparency."""
    for i, _, picture in some("noto_emoji72.zip", 9_999):
        picture.save(folder / f"{i:04}.png")


def photos(folder: Path) -> None:
    """150 photos of 4000×3000."""
    for i, _, picture in some("flowers128_1k.zip", 150):
        picture.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC).save(folder / f"IMG_{i:04}.jpg")


def pixel_art(folder: Path) -> None:
    """2,000 tiles of 24×24 with transparency."""
    for i, _, picture in some("crawl_tiles32.zip", 2_000):
        picture.convert("RGBA").crop((4, 4, 28, 28)).save(folder / f"{i:04}.png")


def palette(folder: Path) -> None:
    """1,000 tiles of 32×32 with a palette, as GIF files are."""
    for i, _, picture in some("crawl_tiles32.zip", 1_000):
        picture.convert("RGB").quantize(64).save(folder / f"{i:04}.gif")


def twice_as_wide(folder: Path) -> None:
    """606 pictures of 256×128."""
    for i, _, picture in some("facades_128pairs.zip", 606):
        picture.save(folder / f"{i:04}.png")


def tall(folder: Path) -> None:
    """255 strips of 64×256."""
    for i, _, picture in some("titian256.zip", 255):
        picture.convert("RGB").crop((96, 0, 160, 256)).save(folder / f"{i:04}.jpg")


def scans(folder: Path) -> None:
    """800 grey pictures of mixed sizes."""
    rng = np.random.default_rng(0)
    for i, _, picture in some("magnetic_tile128.zip", 800, "MT_Free"):
        wide, high = rng.integers(90, 400, 2)
        picture.convert("L").resize((int(wide), int(high))).save(folder / f"scan{i}.png")


def classes(folder: Path) -> None:
    """3 classes of 40 photos."""
    found: dict[str, int] = {}
    for name, picture in pictures("flowers128_1k.zip"):
        kind = Path(name).parent.name
        found[kind] = found.get(kind, 0) + 1
        if found[kind] <= 40 and list(found).index(kind) < 3:
            (folder / kind).mkdir(exist_ok=True)
            picture.save(folder / kind / Path(name).name)


def paintings(folder: Path) -> None:
    """255 paintings of 256×256."""
    for i, _, picture in some("titian256.zip", 255):
        picture.save(folder / f"{i:04}.jpg")


def few(folder: Path) -> None:
    """12 paintings of 256×256."""
    for i, _, picture in some("titian256.zip", 12):
        picture.save(folder / f"{i:04}.png")


def of_all_sorts(folder: Path) -> None:
    """600 photos in five formats: CMYK, grey with alpha, 16 bits, WebP, progressive JPEG."""
    for i, _, picture in some("flowers128_1k.zip", 600):
        picture = picture.convert("RGB")
        if i % 5 == 0:
            picture.convert("CMYK").save(folder / f"{i:04}.jpg")
        elif i % 5 == 1:
            picture.convert("LA").save(folder / f"{i:04}.png")
        elif i % 5 == 2:
            deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
            Image.fromarray(deep).save(folder / f"{i:04}.tif")
        elif i % 5 == 3:
            picture.save(folder / f"{i:04}.webp", quality=80)
        else:
            picture.save(folder / f"{i:04}.jpeg", progressive=True)


KINDS: dict[str, Callable[[Path], None]] = {
    "emblems": emblems,
    "emoji": emoji,
    "photos": photos,
    "pixel-art": pixel_art,
    "palette": palette,
    "twice-as-wide": twice_as_wide,
    "tall": tall,
    "scans": scans,
    "classes": classes,
    "paintings": paintings,
    "few": few,
    "of-all-sorts": of_all_sorts,
}


def run(kind: str, minutes: float, out: Path) -> dict[str, object]:
    """One training, and what is known of it."""
    folder, home = out / "data" / kind, out / kind
    if not folder.is_dir():
        scratch = folder.with_suffix(".making")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        KINDS[kind](scratch)
        scratch.rename(folder)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    command = [sys.executable, "-m", "ganforge", "train", str(folder), "--core-minutes", f"{minutes:g}"]
    command += ["--out", str(home / "run")]
    began = time.perf_counter()
    with (home / "log.txt").open("w") as log:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    rows = (home / "run" / "log.jsonl").read_text().splitlines() if process.returncode == 0 else []
    last = json.loads(rows[-1]) if rows else {}
    sheets = sorted((home / "run" / "samples").glob("*.png"))
    if sheets:
        shutil.copy(sheets[-1], out / f"{kind}.png")
    plan = [line for line in (home / "log.txt").read_text().splitlines() if line.startswith("budget")]
    return {
        "kind": kind,
        "ended_with": process.returncode,
        "minutes": minutes,
        "processor_minutes": round((usage.ru_utime + usage.ru_stime) / 60, 2),
        "wall_minutes": round((time.perf_counter() - began) / 60, 2),
        "pictures": last.get("nimg", 0),
        "steps": last.get("rounds", 0),
        "announced": plan[0].removeprefix("budget").strip() if plan else "",
    }


def row(record: dict[str, object]) -> str:
    kept = record["ended_with"] == 0 and float(str(record["processor_minutes"])) <= _LATE * float(
        str(record["minutes"])
    )
    enough = int(str(record["steps"])) >= _STEPS
    words = (KINDS[str(record["kind"])].__doc__ or "").rstrip(".")
    return (
        f"| {words} | {record['processor_minutes']} | {record['pictures']:,} | {record['steps']:,} | "
        f"{'yes' if kept and enough else 'late' if not kept else 'too few steps'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="core minutes each (default 5)")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="a file for the table, in place of the screen")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    records = []
    for kind in asked.only:
        file = asked.out / f"{kind}-{asked.minutes:g}.json"
        if not file.exists():
            file.write_text(json.dumps(run(kind, asked.minutes, asked.out), indent=1) + "\n")
        records.append(json.loads(file.read_text()))
        print(json.dumps(records[-1]), flush=True)
    lines = [
        "| folder | processor minutes | pictures shown | steps | in time, with 2,000 steps |",
        "|---|---|---|---|---|",
        *map(row, records),
    ]
    if asked.table:
        asked.table.write_text("\n".join(lines) + "\n")
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
