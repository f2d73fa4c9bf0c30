"""Every error that a user may read: one clear sentence that says what to do."""


class PoseAppError(Exception):
    """Base of all expected errors; ``str(error)`` is shown to the user as it is."""


class PoseError(PoseAppError):
    """An array does not describe a pose."""


class DocumentError(PoseAppError):
    """A file cannot be opened or saved."""


class FormatError(DocumentError):
    """A file is not what its format asks for."""


class PhotoError(DocumentError):
    """A picture cannot be used."""


class TaskError(PoseAppError):
    """A task of the models' process failed."""


class TaskCancelled(PoseAppError):
    """A task was cancelled by the user or replaced by a newer one."""


class WeightsError(PoseAppError):
    """A weights file is missing, damaged or not the one that was asked for."""
