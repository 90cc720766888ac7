"""Writing down what was ordered, see `setpoint.loop.verbs.orders`."""

from setpoint.domain.fleet import Deployment
from setpoint.loop.ports import Ports
from setpoint.loop.releasing import rolled_back


def adopt(ports: Ports, deployment: Deployment) -> Deployment:
    """Write a standing order into the state, and end it; the right to change the state is held."""
    live = ports.platform.live()
    order = live.orders.get(deployment.model)
    if order is None:
        return deployment
    if deployment.served.champion != order.version:
        deployment = rolled_back(ports.bundles, deployment, order.version, order.at, order.by)
        ports.state.save(deployment)
    ports.platform.apply(live.fulfilled(deployment.model, deployment.served))
    return deployment
