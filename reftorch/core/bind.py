"""Public names: ops go to the namespaces that they state."""
from ._core import OPS


def bind(namespace, into):
    """Put every op of the public `namespace` ("torch", "linalg", ...) into the dict `into`."""
    prefix = namespace.replace("nn.functional", "nn").replace(".", "_") + "_"
    for name, op in OPS.items():
        if op.ns and namespace in op.ns.split():
            into[name.removeprefix(prefix)] = op
            if "function_" in op.make:
                into[name.removeprefix(prefix) + "_"] = op.inplace
