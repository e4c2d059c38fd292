"""Which environment variables go along: an allow-list, because the rest may hold secrets."""

from collections.abc import Mapping

#: What a program needs to find its tools, its words and its user's files.
_BASIC = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM LD_LIBRARY_PATH "  # noqa: SIM905
    "DYLD_LIBRARY_PATH SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE".split()
)
#: What user code may need besides: names of places and profiles, never keys.
_JOB = frozenset(
    "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYTHONPATH PYTHONHASHSEED "  # noqa: SIM905
    "JUPYTER_PATH JUPYTER_DATA_DIR IPYTHONDIR MPLCONFIGDIR MPLBACKEND CUDA_HOME "
    "CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES JAVA_HOME SPARK_HOME R_HOME R_LIBS R_LIBS_USER "
    "JULIA_DEPOT_PATH AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_CONFIG_FILE "
    "AWS_SHARED_CREDENTIALS_FILE GOOGLE_CLOUD_PROJECT KAGGLE_CONFIG_DIR HF_HOME TORCH_HOME "
    "NLTK_DATA SCIKIT_LEARN_DATA OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS "
    "FLOTILLA_HOME FLOTILLA_CONFIG".split()
)
_JOB_PREFIXES = ("LC_", "XDG_")
_PROXIES = frozenset(("http_proxy", "https_proxy", "all_proxy", "no_proxy"))
#: Name and value that mark a process as Flotilla's own, and so as no process of any job.
OWN_MARK = ("FLOTILLA_OWN", "1")
#: What Flotilla's own background processes need besides: where the store is, the keyring's bus, the
#: daemon, and AWS.
_OWN = frozenset(
    (
        "FLOTILLA_HOME",
        "FLOTILLA_CONFIG",
        "FLOTILLA_STORE",
        "PGPASSFILE",
        "DBUS_SESSION_BUS_ADDRESS",
        "PYTHONPATH",  # this package itself may be found by it alone, as on many clusters
        "PYTHON_KEYRING_BACKEND",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_CA_BUNDLE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        # where keys are fetched on EKS, SageMaker and ECS: places, no keys
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        # where jobs run is the environment's to say in many images that have no settings file
        "FLOTILLA_ARTIFACTS",
        "FLOTILLA_IMAGE",
        "FLOTILLA_REGION",
    )
)
_OWN_PREFIXES = ("LC_", "XDG_", "AWS_ENDPOINT_URL_", "FLOTILLA_ECS_")
#: The user's own, where no profile has them: for the dispatcher alone, which acts for the user.
_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)


def job_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of this environment a job inherits. It is stored in clear."""
    return {
        name: value
        for name, value in environ.items()
        if name in _BASIC
        or name in _JOB
        or name.startswith(_JOB_PREFIXES)
        or (name.lower() in _PROXIES and not _has_password(value))
    }


def own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of this environment a dispatcher or supervisor gets, and the mark of both."""
    inherited = {
        name: value
        for name, value in environ.items()
        if name in _BASIC or name in _OWN or name.startswith(_OWN_PREFIXES)
    }
    return {**inherited, OWN_MARK[0]: OWN_MARK[1]}


def dispatcher_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of this environment a dispatcher gets: the user's AWS keys too, if it has any."""
    keys = {name: environ[name] for name in _KEYS if name in environ}
    return {**own_environment(environ), **keys}


def _has_password(proxy: str) -> bool:
    return "@" in proxy  # not by parsing: what a password does to a URL is not to be trusted
