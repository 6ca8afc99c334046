"""Writes the goldens, or checks that the committed ones are what this code makes.

    python -m training.goldens            # writes Tests/*/Fixtures
    python -m training.goldens --check    # checks the samplers, then compares; exits 1 on a difference
"""

import argparse
import sys
import tempfile
from pathlib import Path

import torch
import transformers

TESTS = Path(__file__).resolve().parents[2] / "Tests"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    parser.add_argument("--folder", type=Path, default=TESTS, help="where the packages' tests are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if not options.check:
        write_all(options.folder)
        return
    from ..samplers.check import check_samplers
    from .compare import differences
    print(f"{len(list(check_samplers()))} checks of the samplers hold")
    with tempfile.TemporaryDirectory() as fresh:
        write_all(Path(fresh))
        found = differences(options.folder, Path(fresh))
    print("\n".join(found) or "goldens are up to date")
    sys.exit(1 if found else 0)


def write_all(tests: Path) -> None:
    from .engine import write_engine
    from .prompts import write_prompts
    from .sampling import write_sampling
    write_engine(tests / "LlavaModelTests" / "Fixtures")
    write_prompts(tests / "LlavaModelTests" / "Fixtures")
    write_sampling(tests / "TokenSamplingTests" / "Fixtures")


if __name__ == "__main__":
    main()
