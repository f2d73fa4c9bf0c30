"""`python -m trainer fit | evaluate | export | data`."""

import os
import sys

# Before torch is imported: threads that spin for work slow each other down by far when other
# processes are busy too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from trainer.cli import main

if __name__ == "__main__":
    sys.exit(main())
