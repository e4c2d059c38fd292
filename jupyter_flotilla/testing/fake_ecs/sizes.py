"""The sizes that Fargate has; told apart from the package's own table on purpose.

Source: "Amazon ECS task definition differences for Fargate", task CPU and memory,
docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html, read 2026-11
(Linux, platform version 1.4.0; the 32 vCPU row is in newer pages only).
"""

#: CPU units → memory in MiB.
_SIZES: dict[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
    32768: (61440, 122880, 249856),
}
#: GiB of ephemeral storage that may be asked for.
DISK_GIB = range(21, 200 + 1)


def is_legal(cpu: str, memory: str) -> bool:
    """Say whether Fargate has this pair, both as on the wire: CPU units and MiB, in digits."""
    if not (str(cpu).isdigit() and str(memory).isdigit()):
        return False
    return int(memory) in _SIZES.get(int(cpu), ())
