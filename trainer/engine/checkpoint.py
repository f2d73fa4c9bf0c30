"""Resume checkpoints: written beside and replaced, so that a kill never leaves half a file."""

import os
from pathlib import Path
from typing import Any

from lightning.fabric import Fabric
