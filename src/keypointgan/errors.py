"""Every error that a user can cause.

They print as one line that says what was expected, what came and what to do, and end a command
with exit code 1. Mistakes of our own stay ordinary exceptions with a traceback.

```
KeypointGANError
├── ConfigError          a setting, a recipe or an option is wrong
├── SkeletonError        a skeleton is unknown, or its file is wrong
├── DataError            a file of the user's cannot be used
│   ├── VideoError       a video or an image folder
│   ├── StoreError       an ingested store, or writing one
│   ├── PriorError       unpaired poses
│   └── LabelError       labels for evaluation
├── CheckpointError      a checkpoint or a run folder
├── TrainingError        training cannot go on (NaN, no motion, no disk space)
├── ExportError          a result (poses, a video, a network, a page) cannot be written
└── MissingExtraError    an optional package is not installed
```
"""


class KeypointGANError(Exception):
    """The root of all errors that a user can cause."""


class ConfigError(KeypointGANError):
    """A setting, a recipe or an option is wrong."""


class SkeletonError(KeypointGANError):
    """A skeleton is unknown, or the file that describes it is wrong."""


class DataError(KeypointGANError):
    """A file of the user's cannot be used."""


class VideoError(DataError):
    """A video, an image or a folder of images cannot be read."""


class StoreError(DataError):
    """A store of ingested frames cannot be read or written."""


class PriorError(DataError):
    """A sample of unpaired poses cannot be used."""


class LabelError(DataError):
    """Labels cannot be matched with the frames they are meant for."""


class CheckpointError(KeypointGANError):
    """A checkpoint or a run folder cannot be used."""


class TrainingError(KeypointGANError):
    """Training cannot go on."""


class ExportError(KeypointGANError):
    """A result, such as poses, a video, an exported network or a page, cannot be written."""


class MissingExtraError(KeypointGANError):
    """An optional package is not installed.

    Args:
        package: The distribution that is missing.
        extra: The extra of keypointgan that brings it.
        purpose: What it is needed for, as the end of "is needed to ...".
    """

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"The package '{package}' is needed to {purpose} and is not installed. "
            f"Install it with: pip install 'keypointgan[{extra}]'"
        )
