"""Arguments that are held fixed: integers, booleans, keys, text and keywords have no derivative under `jax.grad`."""

from __future__ import annotations

from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

REASONS = {  # kind of held leaf: (one of them, several of them, what to do about it)
    "integer": ("is an integer", "are integers", "To differentiate with respect to it, pass a float."),
    "boolean": ("is a boolean", "are booleans", ""),
    "key": ("is a random key", "are random keys", ""),
    "text": ("is text", "are text", ""),
    "object": ("is no array", "are no arrays", ""),
    "keyword": (
        "is a keyword argument",
        "are keyword arguments",
        "To differentiate with respect to it, name it in wrt.",
    ),
}


def find(scene: Scene) -> list[Finding]:
    """One finding for each kind of held leaf; none for those that the reader left out with `wrt`."""
    subject = scene.subject
    findings = []
    for kind, (one, several, cure) in REASONS.items():
        held = [leaf for leaf in subject.held if leaf.kind == kind]
        if held:
            names = listing([f"{leaf.name} ({leaf.description})" for leaf in held])
            message = f"{names} {one if len(held) == 1 else several}: held fixed."
            findings.append(Finding("integer", "info", held[0].name, subject.where, message, cure))
    return findings
