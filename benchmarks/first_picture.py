"""How long from `gan train FOLDER` to the first picture on disk, for 2,000 pictures never seen before.

python benchmarks/first_picture.py [--pictures 2000]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

BAR = 15.0


def write_pictures(folder: Path, n: int) -> None:
    """JPEG and PNG of 64 to 256 pixels, with something in them to decode."""
    rng = np.random.default_rng(0)
    for i in range(n):
        side = int(rng.integers(64, 257))
        small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)
        picture.save(folder / f"{i:05d}.{'png' if i % 4 == 0 else 'jpg'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        write_pictures(folder / "photos", options.pictures)
        environment = {**os.environ, "GANFORGE_CACHE": str(folder / "cache")}
        began = time.perf_counter()
        command = [sys.executable, "-c", "import sys; from ganforge.cli import main; sys.exit(main())"]
        process = subprocess.Popen(
            [*command, "train", "photos", "--minutes", "5"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        pictures: list[Path] = []
        while not pictures and process.poll() is None and time.perf_counter() - began < 120:
            time.sleep(0.05)
            pictures = list(folder.glob("runs/photos/samples/*.png"))
        seconds = time.perf_counter() - began
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    if not pictures:
        print("no picture")
        return 1
    print(f"first picture after {seconds:.1f} s for {options.pictures:,} pictures (bar: {BAR:.0f} s)")
    return int(seconds > BAR)


if __name__ == "__main__":
    sys.exit(main())
