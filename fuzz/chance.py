"""What a world is drawn with: numbers that are the same in every run."""

from collections.abc import Sequence
from random import Random


class Chance(Random):
    """As Python draws from a seed, with two words that the drawing of worlds needs."""

    def maybe(self, chance: float) -> bool:
        """Yes, so often."""
        return self.random() < chance

    def some(self, of: Sequence[str], most: int) -> list[str]:
        """Several of these, or none, in any order."""
        return self.sample(list(of), min(len(of), self.randint(0, most)))
