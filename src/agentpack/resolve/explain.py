from agentpack.errors import Unresolvable

USER = "agentpack.yaml"
def gave_up(u, nodes): return Unresolvable("gave up")
def impossible_wants(a, w): pass
def unresolvable(a, w, u, p): return Unresolvable("no")
