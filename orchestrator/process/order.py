"""What the daemon hands a supervisor: the tool to start, as bytes in a memory file.

It goes through a memory file because it holds the tool's variables, secrets included: nothing of
it ever lies on a disk. Runs in the keeper: standard library only.
"""

import os


class Order:
    """One tool to start. Everything is bytes, as the kernel takes it."""

    __slots__ = ("argv", "cgroup_root", "cwd", "env", "max_log_bytes", "owner", "stderr", "stdout")

    def __init__(
        self,
        argv: list[bytes],
        env: dict[bytes, bytes],
        cwd: bytes,
        stdout: bytes,
        stderr: bytes,
        max_log_bytes: int | None,
        cgroup_root: bytes | None,
        owner: bytes = b"",
    ) -> None:
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.stdout = stdout
        self.stderr = stderr
        self.max_log_bytes = max_log_bytes
        self.cgroup_root = cgroup_root
        self.owner = owner

    def encode(self) -> bytes:
        """NUL between fields: no path, argument or variable of the kernel's holds one.

        Raises:
            ValueError: something holds a NUL byte, or a variable's name is empty or holds `=`.
        """
        head = [self.cwd, self.stdout, self.stderr, self.cgroup_root or b"", self.owner]
        numbers = [b"%d" % (self.max_log_bytes or 0), b"%d" % len(self.argv)]
        for name in self.env:
            if not name or b"=" in name:
                raise ValueError(f"{os.fsdecode(name)!r} cannot be the name of a variable")
        variables = [name + b"=" + value for name, value in self.env.items()]
        fields = [*head, *numbers, *self.argv, *variables]
        if any(b"\0" in field for field in fields):
            raise ValueError("an argument, variable or path holds a NUL byte")
        return b"\0".join(fields)

    @staticmethod
    def decode(content: bytes) -> "Order":
        """The order that `encode` wrote."""
        cwd, stdout, stderr, cgroup_root, owner, limit, count, *rest = content.split(b"\0")
        argv, variables = rest[: int(count)], rest[int(count) :]
        env: dict[bytes, bytes] = {}
        for variable in variables:
            name, _, value = variable.partition(b"=")
            env[name] = value
        most = int(limit) or None
        return Order(argv, env, cwd, stdout, stderr, most, cgroup_root or None, owner)
