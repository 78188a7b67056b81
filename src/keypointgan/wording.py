"""How people are told numbers of things."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 clip`, `2 clips`, `31,595 frames`, `0 poses`.

    Args:
        count: How many.
        one: The noun of one.
        many: The noun of none or several; with an s behind it if not given.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
