"""The ECS engine: one task an attempt, named by its launch key; its files go through the bucket."""

import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.ecs_settings import FARGATE
from jupyter_flotilla.engines.base import Check, Engine, LaunchOrder
from jupyter_flotilla.engines.ecs.account import FOLDER, Account, AwsError
from jupyter_flotilla.engines.ecs.backstop import Backstop
from jupyter_flotilla.engines.ecs.capacity import Capacity
from jupyter_flotilla.engines.ecs.cloud import EcsCloud
from jupyter_flotilla.engines.ecs.definition import Definitions
from jupyter_flotilla.engines.ecs.ending import kept_task
from jupyter_flotilla.engines.ecs.feed import Feed
from jupyter_flotilla.engines.ecs.following import Following
from jupyter_flotilla.engines.ecs.gpu import gpu_of, gpu_rate, gpu_size, why_not
from jupyter_flotilla.engines.ecs.image_facts import KnownImages
from jupyter_flotilla.engines.ecs.image_probe import probe_image, probe_order
from jupyter_flotilla.engines.ecs.install import install_of
from jupyter_flotilla.engines.ecs.launching import Launches, Parts
from jupyter_flotilla.engines.ecs.observe import Watch
from jupyter_flotilla.engines.ecs.prices import PriceList, fargate_rate, load_prices
from jupyter_flotilla.engines.ecs.request import Site, check_tags, started_by
from jupyter_flotilla.engines.ecs.secret_refs import check_secrets
from jupyter_flotilla.engines.job_file import job_file
from jupyter_flotilla.engines.records import ask_to_stop
from jupyter_flotilla.engines.remote import LAYOUT, Remote
from jupyter_flotilla.engines.runner_app import runner_app
from jupyter_flotilla.errors import EngineUnavailable, InvalidOption, InvalidSettings, LaunchError
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.observation import Handle, Observation
from jupyter_flotilla.model.resources import (
    DEFAULT_CPU,
    DEFAULT_MEMORY_MIB,
    FARGATE_SIZES,
    Arch,
    Resources,
    fargate_size,
)
from jupyter_flotilla.model.retry import RetryPolicy, fargate_policy
from jupyter_flotilla.settings import Settings

#: Calls at a time: several launches a second, although each takes a few tenths of one.
_AT_ONCE = 8
#: What a task that is stopped has for its last uploads, of ECS's two minutes: the rest is the
#: grace of its code (10 s), TERM_S and SAVE_S of `model.stop`, and some for ECS itself.
_HURRY_S = 75.0
#: More would leave nothing of ECS's two minutes for the last upload.
_MOST_GRACE_S = 15.0
_COLLECT_EVERY = timedelta(days=1)
_SET_UP = "jupyter flotilla setup-aws"


class EcsEngine(Engine):
    """Runs each job in a task of an ECS cluster, mostly on Fargate.

    No call of AWS is made by whoever asks `launch`, `poll` or `stop`: a slow or silent AWS must
    not keep a dispatcher from its other engines.

    Parameters
    ----------
    account
        None: as the settings say.
    remote_of
        Returns how files come to and from a bucket; None: through S3.
    executor
        Where AWS is asked; None: in threads of its own.
    """

    name = "ecs"
    is_here = False
    honours: ClassVar = frozenset(
        {"image", "network", "gpu", "deps", "with_", "spot", "arch", "disk", "role"}
    )

    # finite on purpose: nobody looks at a bill while a job that hangs goes on
    default_timeout_s = 3600
    default_resources: ClassVar = Resources(cpu=DEFAULT_CPU, memory_mib=DEFAULT_MEMORY_MIB)
    sizes: ClassVar = FARGATE_SIZES

    def __init__(
        self,
        settings: Settings,
        account: Account | None = None,
        remote_of: Callable[[Bucket], Remote] | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._settings = settings
        self._make_remote = remote_of or self._through_s3
        self._ecs = settings.ecs
        self._gpu = gpu_of(settings.ecs)
        self._images = KnownImages()
        self.aws = account or Account(settings)
        # apart: many launches, which wait for their turn, must not keep looks and stops waiting
        launching = executor or ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="flotilla-launch")
        looking = executor or ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="flotilla-look")
        self._remotes: dict[Bucket, Remote] = {}
        self._launches = Launches(self.aws, launching, self._parts)
        self._feed = self._opened_feed()
        self._watch = Watch(self.aws, self._ecs.cluster or "", looking, **self._told())
        self._following = Following(
            self.aws,
            self._watch,
            self._launches,
            Backstop(self.aws, self._ecs.log_group, looking),
            looking,
            lambda: self._prices,  # read when they are needed
            self._remote_of,
            has_public_ipv4=self._ecs.assign_public_ip,
        )
        self._looking = looking
        self._collected_at: datetime | None = None

    def _opened_feed(self) -> Feed | None:
        url = self._ecs.queue_url
        if url is None:
            return None
        return Feed(self.aws, url, self._install, lambda task: self._watch.apply(task))

    def _told(self) -> dict[str, Any]:
        if self._feed is None:
            return {}
        return {"is_told": self._feed.is_healthy, "on_change": self._feed.expect}

    @property
    def image(self) -> str:
        return self._settings.image or "public.ecr.aws/docker/library/python:{}.{}-slim".format(
            *sys.version_info[:2]
        )

    @property
    def place(self) -> str:
        # of an account that nobody has asked from this home there are no runs here
        known = self.aws.known_identity() if self._ecs.cluster else None
        where = f"{known.account if known else '?'}/{self.aws.region}/{self._ecs.cluster or '?'}"
        # others have homes of their own on a store that is shared: their runs' files are there
        return where if self._settings.store is None else f"{where}/{self._install}"

    def find_place(self) -> str:
        check = self.check()
        if not check.ok:
            raise EngineUnavailable(f"{self.name}: {check.message}", next_step=check.next_step)
        return self.place

    @property
    def retry_policy(self) -> RetryPolicy:
        return fargate_policy(self._ecs.start_timeout_s)

    @property
    def max_running(self) -> int:
        return self._ecs.max_running

    @property
    def bucket(self) -> Bucket | None:
        if self._settings.artifacts is None:
            return None
        return Bucket(
            url=self._settings.artifacts,
            region=self._settings.region,
            endpoint=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
            profile=self._ecs.profile,
        )

    def check(self, resources: Resources | None = None) -> Check:
        if not self._ecs.cluster:
            return Check(ok=False, message="ECS is not set up", next_step=_SET_UP)
        if self._settings.artifacts is None:
            return Check(
                ok=False,
                message="no bucket is set: jobs on ECS get and give their files through one",
                next_step=f"{_SET_UP}, or artifacts = 's3://BUCKET/PREFIX' in flotilla.toml",
            )
        try:
            self._ecs.network()
            who = self.aws.identity()
        except (AwsError, InvalidSettings) as error:
            return Check(ok=False, message=error.message, next_step=error.next_step)
        where = f"cluster {self._ecs.cluster} in {self.aws.region}, account {who.account}"
        return Check(ok=True, message=where) if resources is None else self._room(resources, where)

    def _room(self, resources: Resources, where: str) -> Check:
        found = self._capacity.feasible(resources, utc_now())
        if found.verdict == "refused":
            return Check(ok=False, message=found.message, next_step=found.next_step)
        return Check(ok=True, message=found.message or where, next_step=found.next_step)

    def enlarged(self, resources: Resources) -> Resources:
        if resources.gpu and self._gpu is not None:
            with suppress(LaunchError):  # it is refused, as it was asked for
                return gpu_size(resources, self._gpu)
        return resources

    def fits(self, resources: Resources) -> bool:
        # AWS is asked at the launch, in the background: this is the dispatcher's own thread
        if resources.gpu and self._gpu is not None:
            return why_not(resources, self._gpu, self._settings.region, self._prices) is None
        is_a_size = fargate_size(resources) is not None
        return self._ecs.capacity != FARGATE or is_a_size

    def check_files(self) -> None:
        bucket = self.bucket
        if bucket is not None:
            self._remote_of(bucket).check()

    def image_digest(self, image: str) -> str:
        return self._images.digest(image)

    def ask_image(self, image: str, program: str, arch: Arch = "x86_64") -> str:
        return self._images.ask(image, program, arch)

    def probe_image(self, image: str, program: str, arch: Arch = "x86_64") -> str:
        bucket = self.bucket
        if bucket is None:
            raise EngineUnavailable("no bucket is set", next_step=_SET_UP)
        order = probe_order(image, arch, self.find_place())
        parts = self._parts(replace(order, spec=order.spec.model_copy(update={"bucket": bucket})))
        return probe_image(self.aws, parts, order, s3_of(bucket), program)

    def check_job(self, spec: JobSpec) -> None:
        self._ecs.network(spec.network)
        self._ecs.role(spec.role, owner=self._owner)
        check_secrets(spec.secrets)
        check_tags(spec.tags)
        if spec.network is not None and spec.resources.gpu and self._gpu is not None:
            raise InvalidOption(
                f"--network {spec.network}: jobs with GPUs have their machine's network",
                next_step="leave --network out",
            )

    def rate(self, resources: Resources) -> Rate | None:
        if resources.gpu and self._gpu is not None:
            return gpu_rate(
                resources, self._gpu, self._settings.region, self._prices,
                has_public_ipv4=self._ecs.assign_public_ip,
            )  # fmt: skip
        if self._ecs.capacity != FARGATE:
            return None  # one pays for the machine, whatever runs on it
        return fargate_rate(
            resources, self._settings.region, is_hypothetical=False, prices=self._prices,
            has_public_ipv4=self._ecs.assign_public_ip,
        )  # fmt: skip

    def launch(self, order: LaunchOrder) -> Handle:
        folder = order.attempt_folder
        if (folder / protocol.EXIT).exists():
            return self._handle(order, (kept_task(folder) or {}).get("taskArn"))
        if not (folder / protocol.STOP_REQUEST).exists():
            # a task outlives any dispatcher, and cannot start one
            job = job_file(self._alone(order), LAYOUT, self._settings.checkpoint_every_s)
            protocol.write_json(str(folder / protocol.JOB), job, exclusive=True)
        return self._handle(order, self._launches.launch(order))

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        return self._following.poll(handles)

    def stop(self, handle: Handle, grace_s: float) -> None:
        ask_to_stop(Path(handle.ref), min(grace_s, _MOST_GRACE_S))

    def tidy(self) -> int:
        """Delete definitions that nobody has used for long, now and then, in the background."""
        now = utc_now()
        if self._collected_at is None or now - self._collected_at > _COLLECT_EVERY:
            self._collected_at = now
            self._looking.submit(self._collect)
        return 0

    def _collect(self) -> None:
        with suppress(AwsError):  # few may delete definitions; nothing depends on it
            self._definitions.collect(utc_now())

    def _handle(self, order: LaunchOrder, task: str | None) -> Handle:
        bucket = order.spec.bucket
        if bucket is None:
            raise LaunchError("a job on ECS needs a bucket", retryable=False, next_step=_SET_UP)
        detail = {
            "run_id": order.run_id,
            "launch_key": order.launch_key,
            "bucket": bucket.model_dump(),
            "cluster": self._ecs.cluster,
            "task": task,
            "arch": order.resources.arch,
            "machine": self._gpu.type if self._gpu and order.resources.gpu else None,
            "has_address": bool(self._ecs.network(order.spec.network).assign_public_ip),
            "started_by": started_by(self._install, order.launch_key),
            "seen_at": time.time(),
        }
        return Handle(
            engine=self.name, place=order.spec.place, ref=str(order.attempt_folder), detail=detail
        )

    def _parts(self, order: LaunchOrder) -> Parts:
        spec = order.spec
        assert spec.bucket is not None, "refused by launch"
        role = self._ecs.role(spec.role, owner=self._owner)
        return Parts(
            definitions=self._definitions,
            remote=self._remote_of(spec.bucket),
            site=Site(
                cluster=self._ecs.cluster or "",
                network=self._ecs.network(spec.network),
                capacity=self._ecs.capacity,
                gpu=self._gpu if spec.resources.gpu else None,
                install=self._install,
                owner=self._owner,
            ),
            runner=runner_app(self._settings.home / "runner"),
            execution_role=role.execution_role,
            task_role=role.task_role,
            log_group=self._ecs.log_group,
            capacity=self._capacity,
            in_use=self._watch.in_use,
        )

    @cached_property
    def cloud(self) -> EcsCloud:
        return EcsCloud(
            self.aws, self._ecs, lambda: self._install, self._parts, self._alone, self._handle,
            self._settings.checkpoint_every_s,
        )  # fmt: skip

    def _alone(self, order: LaunchOrder) -> LaunchOrder:
        """Return an order whose task can start no dispatcher, with what it really gets."""
        return replace(order, keeper=None, resources=self._given(order.resources))

    def _given(self, resources: Resources) -> Resources:
        """Return what a task really gets of what was asked for."""
        if resources.gpu and self._gpu is not None:
            return gpu_size(resources, self._gpu)
        size = fargate_size(resources)
        if size is None:
            return resources
        return resources.model_copy(update={"cpu": size.cpu, "memory_mib": size.memory_mib})

    @property
    def _owner(self) -> str:
        return self._ecs.owner or getpass.getuser()

    @cached_property
    def _definitions(self) -> Definitions:
        account = self.aws.identity().account
        return Definitions(self.aws, self._settings.home / FOLDER, account)

    @cached_property
    def _capacity(self) -> Capacity:
        account = self.aws.identity().account
        return Capacity(
            self.aws, self._settings.home / FOLDER, account, self._ecs.capacity, self._gpu,
            lambda: self._prices,
        )  # fmt: skip

    @cached_property
    def _install(self) -> str:
        return install_of(self._settings.home)

    def _through_s3(self, bucket: Bucket) -> Remote:
        prints = self._ecs.log_group is not None
        # no keys: tasks have a role
        return Remote(s3_of(bucket), bucket, None, hurry_s=_HURRY_S, prints=prints)

    def _remote_of(self, bucket: Bucket) -> Remote:
        if bucket not in self._remotes:
            self._remotes[bucket] = self._make_remote(bucket)
        return self._remotes[bucket]

    @cached_property
    def _prices(self) -> PriceList:
        return load_prices(self._settings.home)
