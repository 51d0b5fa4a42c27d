"""Find a circle among tasks that wait for each other."""

from collections.abc import Mapping, Sequence


def find_cycle(waits_for: Mapping[int, Sequence[int]]) -> list[int]:
    """Tasks that wait for each other in a circle, in order; empty when there is none.

    Iterative, since an import may hold a chain of a hundred thousand tasks.
    """
    finished: set[int] = set()
    for start in waits_for:
        if start in finished:
            continue
        trail: dict[int, None] = {start: None}  # ordered, with fast membership
        stack = [iter(waits_for[start])]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                finished.add(trail.popitem()[0])
            elif node in trail:
                path = list(trail)
                return path[path.index(node) :]
            elif node not in finished:
                trail[node] = None
                stack.append(iter(waits_for.get(node, ())))
    return []
