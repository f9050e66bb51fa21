"""How many tensor operations a call takes, views aside."""

from torch.utils._python_dispatch import TorchDispatchMode


class Count(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


VIEWS = ("view", "expand", "unsqueeze", "slice", "unflatten", "_unsafe_view", "transpose", "alias")


def ops(call):
    with Count() as count:
        call()
    assert not [n for n in count.names if n.startswith(("_local_scalar", "item", "is_nonzero"))]
    return len([n for n in count.names if not n.startswith(VIEWS)])
