"""What can go wrong, in words for the person at the keyboard.

The tree::

    GeoArSegError            every error that geoarseg raises on purpose
    ├── UserError            a mistake in what was asked or given: exit code 2
    │   ├── SettingsError    a setting, option or configuration file (also a ValueError)
    │   │   └── DeviceError  a GPU that is not there
    │   ├── InputError       a raster, label or vector file that cannot be used (also a ValueError)
    │   ├── OutputError      a place that cannot be written, or already holds something (also an OSError)
    │   │   └── DiskFullError
    │   └── ModelFileError   a model file that is foreign, damaged or does not fit (also a ValueError)
    └── TrainingError        training failed although the input was fine: exit code 1

Each carries a `hint`: one sentence on how to mend it. Programs tell them apart by `exit_code` and `kind`.
"""

from __future__ import annotations


class GeoArSegError(Exception):
    """Base of all errors of this package.

    Args:
        message: what is wrong, with the values that are wrong.
        hint: what to do about it.
    """

    exit_code = 1
    kind = "internal"

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[GeoArSegError], tuple[str, str | None]]:
        return type(self), (self.message, self.hint)


class UserError(GeoArSegError):
    """The request or its input is at fault."""

    exit_code = 2
    kind = "user"


class SettingsError(UserError, ValueError):
    """A setting has a wrong name, type or value."""


class DeviceError(SettingsError):
    """The device that was asked for is not there."""

    kind = "device"


class InputError(UserError, ValueError):
    """An input file is missing, unreadable or of the wrong kind."""


class OutputError(UserError, OSError):
    """An output cannot be written, or would overwrite something."""

    def __str__(self) -> str:  # OSError has a __str__ of its own that comes first otherwise
        return GeoArSegError.__str__(self)


class DiskFullError(OutputError):
    """The disk has no space left."""

    kind = "disk"


class ModelFileError(UserError, ValueError):
    """A model file cannot be used."""


class TrainingError(GeoArSegError):
    """Training broke down, for example by a loss that is not finite."""

    kind = "training"
