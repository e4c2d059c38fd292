"""An emulator of AWS whose ECS runs real containers, as like Fargate as tests need it.

ministack answers everything but tasks. In front of it stands `door`: what asks for a task goes to
`actions`, a container's own questions go to `metadata`, and tests spoil calls and end tasks through
`control`. `life` is a task from its start to its end, on a Docker daemon. `schedules` fires what
EventBridge Scheduler has, when it is `due`; a `delivery` is one tick, with all its attempts.
"""
