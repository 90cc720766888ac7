"""versions: what there is of a model, what differs, whether it is whole, what may go."""

from setpoint.cli.lazy import group

COMMANDS = (
    ("list", "versions.listing:list_", "List the versions of MODEL. `setpoint versions MODEL` is the same."),
    ("show", "versions.listing:show", "Show one version: what it is made of and where it comes from."),
    ("diff", "versions.diff:diff", "Show what differs between two versions."),
    ("verify", "versions.checking:verify", "Read every byte again, and say whether it is what was stored."),
    ("keygen", "versions.checking:keygen", "Make the key that versions are signed with."),
    ("sign", "versions.checking:sign", "Sign a version that is there already."),
    ("export", "versions.exporting:export", "Write a version to a folder that runs with onnxruntime alone."),
    ("prune", "versions.going:prune", "Remove the files of versions that nothing needs."),
    ("hold", "versions.going:hold", "Keep a version, whatever else happens."),
    ("release", "versions.going:release", "End a hold."),
)

app = group(
    COMMANDS,
    "Show the versions of MODEL; compare, verify, sign, export, hold and prune them.",
    usual="list",
)
