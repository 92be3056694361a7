"""A network that can be down: with it between the SDK and the embedded AWS, every connection is cut."""

from fault_proxy import Fault, FaultProxy


class Outage(FaultProxy):
    """The network, which is up until `down` is set."""

    down = False

    def meet(self, operation: str) -> Fault | None:
        """Cut every connection while it is down."""
        self.seen.append(operation)
        return Fault(at="before the body") if self.down else None
