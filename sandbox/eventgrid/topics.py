"""The system topic of the subscription (stub)."""

from sandbox.world import Json, World


def publish(world: World, event: Json) -> None:
    """Tell the subscribers."""
