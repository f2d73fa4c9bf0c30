"""Errors of the trainer: one clear sentence each, shown to the user as it is."""


class TrainerError(Exception):
    """Something the user can put right; the text says what and how."""


class ArtifactError(TrainerError):
    """A weights file is missing, damaged, or belongs to another model."""


class DataError(TrainerError):
    """Training or test data is missing or not laid out as expected."""


class CaptionError(TrainerError):
    """A caption that cannot be read: empty, or no word of it is known."""


class Aborted(TrainerError):
    """The caller asked to stop before there was anything to hand back."""
