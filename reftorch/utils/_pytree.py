"""Pytrees: nested tuples, lists and dicts of leaves, taken apart into a flat list and put together again."""
from collections import OrderedDict, defaultdict, deque, namedtuple

from ..core._core import Results

NodeDef = namedtuple("NodeDef", ("flatten_fn", "unflatten_fn"))
SUPPORTED_NODES = {}


def register_pytree_node(cls, flatten_fn, unflatten_fn, *, serialized_type_name=None, to_dumpable_context=None, from_dumpable_context=None,
                         flatten_with_keys_fn=None):
    """Let instances of `cls` be nodes: `flatten_fn(x)` gives (children, context), `unflatten_fn(children, context)` gives x.

    The remaining arguments, which serve serialization, are accepted and not used.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(flatten_fn, unflatten_fn)


register_pytree_node(tuple, lambda x: (list(x), None), lambda children, _: tuple(children))
register_pytree_node(list, lambda x: (x, None), lambda children, _: list(children))
register_pytree_node(dict, lambda x: (list(x.values()), list(x)), lambda children, keys: dict(zip(keys, children, strict=False)))
register_pytree_node(OrderedDict, lambda x: (list(x.values()), list(x)), lambda children, keys: OrderedDict(zip(keys, children, strict=False)))
register_pytree_node(defaultdict, lambda x: (list(x.values()), [x.default_factory, list(x)]),
                     lambda children, context: defaultdict(context[0], zip(context[1], children, strict=False)))
register_pytree_node(deque, lambda x: (list(x), x.maxlen), lambda children, maxlen: deque(children, maxlen))
register_pytree_node(namedtuple, lambda x: (list(x), type(x)), lambda children, cls: cls(*children))


def is_namedtuple(x):
    """Whether `x` is a named tuple, or a class of them."""
    cls = x if isinstance(x, type) else type(x)
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def _node_type(x):
    cls = type(x)
    if cls not in SUPPORTED_NODES and issubclass(cls, tuple):
        if issubclass(cls, Results):
            register_pytree_node(cls, lambda x: (list(x), None), lambda children, _: cls(children))
        elif is_namedtuple(cls):
            return namedtuple
    return cls if cls in SUPPORTED_NODES else None


class TreeSpec:
    """The structure of a pytree: type, context and children of its root; `type` is None for a leaf."""

    def __init__(self, type, context, children_specs):
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_children = len(children_specs)
        self.num_leaves = 1 if type is None else sum(child.num_leaves for child in children_specs)
        self.num_nodes = 1 + sum(child.num_nodes for child in children_specs)

    def is_leaf(self):
        """Whether the tree is one leaf."""
        return self.type is None

    def children(self):
        """The specs of the children."""
        return list(self.children_specs)

    def unflatten(self, leaves):
        """The tree with these leaves."""
        return tree_unflatten(leaves, self)

    def flatten_up_to(self, tree):
        """The subtrees of `tree` at this structure's leaves; ValueError when `tree` has another structure above them."""
        if self.is_leaf():
            return [tree]
        kind = _node_type(tree)
        children, context = ([], None) if kind is None else SUPPORTED_NODES[kind].flatten_fn(tree)
        if kind is not self.type:
            raise ValueError(f"Node type mismatch; expected {self.type}, but got {type(tree)}.")
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if context != self.context:
            raise ValueError(f"Node context mismatch for node type {self.type}: expected {self.context}, but got {context}.")
        return [leaf for spec, child in zip(self.children_specs, children, strict=False) for leaf in spec.flatten_up_to(child)]

    def _key(self):
        return self.type, self.context, self.children_specs

    def __eq__(self, other):
        return isinstance(other, TreeSpec) and self._key() == other._key()

    def __hash__(self):
        context = tuple(self.context) if isinstance(self.context, list) else self.context
        return hash((self.type, context, tuple(self.children_specs)))

    def __repr__(self, indent=0):             # torch: children line up two columns further in each level
        if self.is_leaf():
            return "*"
        inner = ",\n".join([child.__repr__(indent + 2) if not i else " " * (indent + 2) + child.__repr__(indent + 2)
                            for i, child in enumerate(self.children_specs)])
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inner}])"


LEAF = TreeSpec(None, None, [])


def tree_is_leaf(tree, is_leaf=None):
    """Whether `tree` is a leaf: of no registered type, or one that `is_leaf` calls so."""
    return (is_leaf is not None and is_leaf(tree)) or _node_type(tree) is None


def tree_flatten(tree, is_leaf=None):
    """(leaves, spec): the leaves from left to right, and the structure that held them."""
    leaves = []
    spec = _flatten(tree, leaves, is_leaf)
    return leaves, spec


def _flatten(tree, leaves, is_leaf):
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return LEAF
    kind = _node_type(tree)
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [_flatten(child, leaves, is_leaf) for child in children])


def tree_unflatten(leaves, treespec):
    """The tree of that structure with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that holds "
                         f"{treespec.num_leaves} items ({treespec}).")
    return _unflatten(iter(leaves), treespec)


def _unflatten(leaves, spec):
    if spec.is_leaf():
        return next(leaves)
    return SUPPORTED_NODES[spec.type].unflatten_fn([_unflatten(leaves, child) for child in spec.children_specs], spec.context)


def tree_leaves(tree, is_leaf=None):
    """The leaves of a tree."""
    return tree_flatten(tree, is_leaf)[0]


tree_iter = tree_leaves


def tree_structure(tree, is_leaf=None):
    """The structure of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree of `func(leaf, ...)` over the leaves of `tree` and the subtrees of `rests` in their places."""
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *[spec.flatten_up_to(rest) for rest in rests]))


def _only(type_or_types, func):
    if callable(type_or_types) and not isinstance(type_or_types, type):
        return lambda x: func(x) if type_or_types(x) else x
    return lambda x: func(x) if isinstance(x, type_or_types) else x


def map_only(type_or_types_or_pred, /):
    """Decorator: the function is applied to leaves of that type (or for which the predicate holds), others pass."""
    return lambda func: _only(type_or_types_or_pred, func)


def tree_map_only(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """`tree_map` on the leaves of a type, or for which a predicate holds; others stay."""
    return tree_map(_only(type_or_types_or_pred, func), tree, is_leaf=is_leaf)


def tree_map_(func, tree, *rests, is_leaf=None):
    """Call `func` on every leaf for its effect; gives the tree."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_all(pred, tree, is_leaf=None):
    """Whether `pred` holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None):
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether `pred` holds for all leaves of a type."""
    return all(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


def tree_any_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether `pred` holds for some leaf of a type."""
    return any(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


def _broadcast_to_and_flatten(tree, treespec, is_leaf=None):
    """The leaves of `tree`, a prefix of the structure, one for every leaf below it; None when it is no prefix."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    kind = _node_type(tree)
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    if kind is not treespec.type or len(children) != treespec.num_children or context != treespec.context:
        return None
    found = []
    for child, spec in zip(children, treespec.children_specs, strict=False):
        part = _broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        found += part
    return found
