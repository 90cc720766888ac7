"""Addresses that only this machine reaches."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name for itself; a name that would have to be looked up is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
