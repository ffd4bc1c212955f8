"""Session start on the embedded engine: the names that scripts start Spark with, over the official Connect client, with no JVM.

Where it stands: `solder.launch` calls `install()` before the script runs.  When the script then imports pyspark, the names below are rebound to
classes of the Connect client or to the small classes of this file; pyspark's own files stay as they are.
Invariant: there is one SparkContext object a process, and it only stands for the default session; all state that counts is the engine's.
"""

from __future__ import annotations

import atexit
import getpass
import importlib.abc
import importlib.machinery
import os
import queue
import sys
import threading
import time
import types
from typing import Any, Callable, ClassVar, Iterable, Sequence

from solder.deferred import deferred_imports
from solder.local import Accumulator, Broadcast, LocalRDD

__all__ = ["install", "install_now", "share_release_pool"]

_ON_SPARK = "run the job on real Spark for it, or use DataFrame functions"
_RETRIES = 4  # tries at an engine of this machine that does not answer: about 4 s with the client's own back-off


def _not_here(feature: str) -> Exception:
    """The error for what has no meaning without a JVM: named, and saying what to do."""
    from pyspark.errors import PySparkNotImplementedError

    return PySparkNotImplementedError(
        error_class="NOT_IMPLEMENTED", message_parameters={"feature": f"{feature} on the embedded engine ({_ON_SPARK})"}
    )


# ---- the context -------------------------------------------------------------------------------------------------------------------


class HadoopConfiguration:
    """`sc._jsc.hadoopConfiguration()`: its keys are the session's settings under spark.hadoop."""

    def __init__(self, context: "SparkContext") -> None:
        self._context = context

    def set(self, key: str, value: Any) -> None:
        """Set a Hadoop setting, such as fs.s3a.endpoint."""
        self._context._session.conf.set("spark.hadoop." + key, str(value))

    def get(self, key: str, default: str | None = None) -> str | None:
        """A Hadoop setting as set before, else the default."""
        return self._context._session.conf.get("spark.hadoop." + key, default)

    def unset(self, key: str) -> None:
        """Forget a Hadoop setting."""
        self._context._session.conf.unset("spark.hadoop." + key)

    def setBoolean(self, key: str, value: bool) -> None:
        """Set a Hadoop setting to true or false."""
        self.set(key, "true" if value else "false")

    setInt = setLong = setStrings = set

    def __getattr__(self, name: str) -> Any:
        raise _not_here(f"hadoopConfiguration().{name}")


class JavaContext:
    """`sc._jsc`: only its Hadoop settings exist."""

    def __init__(self, context: "SparkContext") -> None:
        self._context = context

    def hadoopConfiguration(self) -> HadoopConfiguration:
        """The Hadoop settings."""
        return HadoopConfiguration(self._context)

    def __getattr__(self, name: str) -> Any:
        raise _not_here(f"sc._jsc.{name}")


class _NoJvm:
    """SparkContext._jvm: None on the class, where pyspark itself asks whether a JVM runs; the named error on a context, where a script asks for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> None:
        if instance is not None:
            raise _not_here(f"SparkContext.{self._name}")


class SparkContext:
    """What a script expects of SparkContext, over the default Connect session."""

    _active_spark_context: ClassVar["SparkContext | None"] = None
    _lock: ClassVar[threading.RLock] = threading.RLock()
    _jvm = _NoJvm("_jvm")
    _gateway = _NoJvm("_gateway")
    PACKAGE_EXTENSIONS: ClassVar[Iterable[str]] = (".zip", ".egg", ".jar")

    def __new__(cls, *args: Any, **kwargs: Any) -> "SparkContext":
        with cls._lock:
            if cls._active_spark_context is not None:
                raise ValueError("Cannot run multiple SparkContexts at once; use SparkContext.getOrCreate() for the one that exists")
            return super().__new__(cls)

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,
        sparkHome: str | None = None,
        pyFiles: list[str] | None = None,
        environment: dict[str, Any] | None = None,
        batchSize: int = 0,
        serializer: Any = None,
        conf: Any = None,
        gateway: Any = None,
        jsc: Any = None,
        profiler_cls: Any = None,
        udf_profiler_cls: Any = None,
        memory_profiler_cls: Any = None,
    ) -> None:
        from pyspark.conf import SparkConf

        self._conf = SparkConf()
        for key, value in conf.getAll() if conf is not None else ():
            self._conf.set(key, value)
        if appName:
            self._conf.setAppName(appName)
        if master:
            self._conf.setMaster(master)
        for key, value in (environment or {}).items():
            self._conf.setExecutorEnv(key, value)
        self.startTime = int(time.time() * 1000)
        self._local_properties: dict[str, str] = {}
        self._checkpoint_dir: str | None = None
        self._jsc = JavaContext(self)
        with SparkContext._lock:
            SparkContext._active_spark_context = self
        _start_session(dict(self._conf.getAll()))
        for path in pyFiles or ():
            self.addPyFile(path)

    @classmethod
    def getOrCreate(cls, conf: Any = None) -> "SparkContext":
        """The context that exists, else a new one."""
        with cls._lock:
            if cls._active_spark_context is None:
                cls(conf=conf)
            elif conf is not None:
                _apply(cls._active_spark_context._session, dict(conf.getAll()))
            return cls._active_spark_context  # type: ignore[return-value]

    @property
    def _session(self) -> Any:
        return _start_session({})

    # -- about the application

    @property
    def version(self) -> str:
        """Spark's version, as the engine tells it."""
        return self._session.version

    @property
    def applicationId(self) -> str:
        """An id for this run: the session's."""
        return "solder-" + self._session.session_id

    @property
    def appName(self) -> str:
        """The application's name."""
        return self._conf.get("spark.app.name") or os.path.basename(sys.argv[0] or "pyspark")

    @property
    def master(self) -> str:
        """The embedded engine uses this machine's cores, whatever master the script names."""
        return "local[*]"

    @property
    def sparkHome(self) -> str | None:
        """There is no Spark home."""
        return None

    @property
    def environment(self) -> dict[str, Any]:
        """The executors' environment: that of this process."""
        return {}

    @property
    def defaultParallelism(self) -> int:
        """The number of cores."""
        return os.cpu_count() or 1

    @property
    def defaultMinPartitions(self) -> int:
        """As Spark: at most 2."""
        return min(self.defaultParallelism, 2)

    @property
    def uiWebUrl(self) -> str | None:
        """There is no Spark UI."""
        return None

    def sparkUser(self) -> str:
        """The user that runs the job."""
        return getpass.getuser()

    def getConf(self) -> Any:
        """A copy of the configuration that the context was made with."""
        from pyspark.conf import SparkConf

        return SparkConf().setAll(
            [
                ("spark.master", self.master),
                ("spark.app.name", self.appName),
                *((k, v) for k, v in self._conf.getAll() if k != "spark.master"),
            ]
        )

    def setLogLevel(self, logLevel: str) -> None:
        """Check the level's name; the run's log level is the `solder` command's."""
        if logLevel.upper() not in ("ALL", "DEBUG", "ERROR", "FATAL", "INFO", "OFF", "TRACE", "WARN"):
            raise ValueError(
                f"requirement failed: Supplied level {logLevel} did not match one of: ALL,DEBUG,ERROR,FATAL,INFO,OFF,TRACE,WARN"
            )

    @classmethod
    def setSystemProperty(cls, key: str, value: str) -> None:
        """Java system properties mean nothing without a JVM: accepted and ignored."""

    # -- values that travel with functions

    def broadcast(self, value: Any) -> Broadcast:
        """A value for functions to read."""
        return Broadcast(value)

    def accumulator(self, value: Any, accum_param: Any = None) -> Accumulator:
        """A counter of the driver program."""
        return Accumulator(value, accum_param.addInPlace if accum_param is not None else None)

    def parallelize(self, c: Iterable[Any], numSlices: int | None = None) -> LocalRDD:
        """The list, with the few RDD methods of `solder.local.LocalRDD`."""
        return LocalRDD(c, lambda: self._session, numSlices or self.defaultParallelism)

    def range(self, start: int, end: int | None = None, step: int = 1, numSlices: int | None = None) -> LocalRDD:
        """The numbers as a parallelized list."""
        return self.parallelize(range(start) if end is None else range(start, end, step), numSlices)

    def emptyRDD(self) -> LocalRDD:
        """No elements."""
        return self.parallelize(())

    def union(self, rdds: Sequence[Iterable[Any]]) -> LocalRDD:
        """The elements of all."""
        return self.parallelize([x for rdd in rdds for x in rdd])

    # -- files

    def addPyFile(self, path: str) -> None:
        """Make a Python file or zip importable, here and in the workers."""
        folder = path if path.lower().endswith(tuple(self.PACKAGE_EXTENSIONS)) else os.path.dirname(os.path.abspath(path))
        if folder not in sys.path:
            sys.path.insert(1, folder)
        self._session.addArtifacts(path, pyfile=True)

    def addFile(self, path: str, recursive: bool = False) -> None:
        """Send a file to the workers."""
        self._session.addArtifacts(path, file=True)

    def addArchive(self, path: str) -> None:
        """Send an archive to the workers."""
        self._session.addArtifacts(path, archive=True)

    def setCheckpointDir(self, dirName: str) -> None:
        """Remember the folder; there are no RDD checkpoints to put there."""
        self._checkpoint_dir = dirName

    def getCheckpointDir(self) -> str | None:
        """The folder of setCheckpointDir."""
        return self._checkpoint_dir

    # -- jobs

    def setLocalProperty(self, key: str, value: str | None) -> None:
        """Keep a property; getLocalProperty gives it back."""
        if value is None:
            self._local_properties.pop(key, None)
        else:
            self._local_properties[key] = value

    def getLocalProperty(self, key: str) -> str | None:
        """A property set before."""
        return self._local_properties.get(key)

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:
        """Name what follows."""
        self.setLocalProperty("spark.jobGroup.id", groupId)
        self.setLocalProperty("spark.job.description", description)

    def setJobDescription(self, value: str) -> None:
        """Describe what follows."""
        self.setLocalProperty("spark.job.description", value)

    def setInterruptOnCancel(self, interruptOnCancel: bool) -> None:
        """Operations are always interrupted when cancelled."""

    def addJobTag(self, tag: str) -> None:
        """Tag the operations that follow."""
        self._session.addTag(tag)

    def removeJobTag(self, tag: str) -> None:
        """Stop tagging."""
        self._session.removeTag(tag)

    def getJobTags(self) -> set[str]:
        """The tags in force."""
        return self._session.getTags()

    def clearJobTags(self) -> None:
        """Stop all tagging."""
        self._session.clearTags()

    def cancelJobsWithTag(self, tag: str) -> None:
        """Interrupt the operations that carry the tag."""
        self._session.interruptTag(tag)

    def cancelAllJobs(self) -> None:
        """Interrupt everything that the session runs."""
        self._session.interruptAll()

    cancelJobGroup = cancelJobsWithTag

    def stop(self) -> None:
        """End the session."""
        with SparkContext._lock:
            if SparkContext._active_spark_context is self:
                SparkContext._active_spark_context = None
                _stop_session()

    def __enter__(self) -> "SparkContext":
        return self

    def __exit__(self, *exc: Any) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<SparkContext master={self.master} appName={self.appName}>"

    def __reduce__(self) -> Any:
        raise RuntimeError("a SparkContext can't be used inside a function that runs in a worker: pass plain values instead")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _not_here(f"SparkContext.{name}")


# ---- the session -------------------------------------------------------------------------------------------------------------------


def _remote() -> str:
    remote = os.environ.get("SPARK_REMOTE")
    if not remote:
        raise RuntimeError("SPARK_REMOTE is not set: start the script with `solder run`")
    return remote


def _connect_session() -> type:
    return sys.modules["pyspark.sql.connect.session"].SparkSession  # type: ignore[attr-defined]


def _given_settings() -> dict[str, str]:
    """Settings that the job was given beside its script: Glue's --conf, whose one value names several as "a=b --conf c=d"."""
    given = (part.strip().partition("=") for part in os.environ.get("SOLDER_SPARK_CONF", "").split(" --conf "))
    return {name: value for name, equals, value in given if equals}


def _start_session(options: dict[str, str]) -> Any:
    """The default session, started when there is none, with the options applied."""
    connect = _connect_session()
    with connect._lock:
        session = connect.getActiveSession() or connect._default_session
        if session is None:
            session = connect(connection=_remote())
            if os.environ.get("SOLDER_ENGINE") == "1":
                session.client._retry_policy["max_retries"] = _RETRIES
            connect._set_default_and_active_session(session)
            _apply(session, _given_settings())
        _apply(session, options)
    return session


def _apply(session: Any, options: dict[str, str]) -> None:
    """Set a session's options; what only a starting JVM could take (static settings) is left out, as on a context that already runs."""
    from pyspark.errors import PySparkException

    for key, value in options.items():
        if key in ("spark.remote", "spark.master"):
            continue
        try:
            session.conf.set(key, value)
        except PySparkException as e:
            if "CANNOT_MODIFY" not in str(e) and "static config" not in str(e):
                raise


def _stop_session() -> None:
    connect = _connect_session()
    session = connect.getActiveSession() or connect._default_session
    if session is not None and not session.is_stopped:
        session.stop()


def _make_spark_session(connect: type) -> type:
    """The class that scripts know as pyspark.sql.SparkSession: made here because its base is imported late."""

    class Builder(connect.Builder):  # type: ignore[name-defined,misc]
        """SparkSession.builder: all options end up in the one default session."""

        def config(self, key: str | None = None, value: Any = None, conf: Any = None, *, map: dict[str, Any] | None = None) -> "Builder":
            """Add an option, the options of a SparkConf, or those of a dict."""
            if conf is not None:
                return super().config(map=dict(conf.getAll()))
            return super().config(map=map) if map is not None else super().config(key, value)

        def enableHiveSupport(self) -> "Builder":
            """The catalog is always there."""
            return self

        def getOrCreate(self) -> Any:
            """The default session, with the options applied."""
            remote = self._options.get("spark.remote")
            if self._channel_builder is not None or (
                remote and remote != os.environ.get("SPARK_REMOTE") and not remote.startswith("local")
            ):
                return super().getOrCreate()
            return _start_session(dict(self._options))

        def create(self) -> Any:
            """A new session of its own."""
            if self._channel_builder is None:
                self._options["spark.remote"] = self._options.get("spark.remote") or _remote()
            return super().create()

    class Meta(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if not args and not kwargs or isinstance((args or tuple(kwargs.values()))[0], SparkContext):
                return _start_session(dict(kwargs.get("options") or {}))
            return connect(*args, **kwargs)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, connect)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, connect)

        @property
        def builder(cls) -> Builder:
            return Builder()

    session = Meta("SparkSession", (), {"__doc__": connect.__doc__, "__module__": "pyspark.sql.session", "Builder": Builder})

    def passed_on(name: str) -> Any:
        return staticmethod(lambda *args, **kwargs: getattr(connect, name)(*args, **kwargs))

    for name in ("getActiveSession", "active"):
        setattr(session, name, passed_on(name))
    for name, member in vars(connect).items():  # so that SparkSession.sql and the like can be named, wrapped and mocked
        if not name.startswith("_") and name not in vars(session) and name != "builder":
            setattr(session, name, member)
    return session


def _extend_connect_session(connect: type) -> None:
    """Give Connect's sessions what scripts ask of a session: sparkContext, newSession, _jsc."""

    def new_session(self: Any) -> Any:
        return connect(connection=_remote())

    connect.sparkContext = property(lambda self: SparkContext.getOrCreate())  # type: ignore[attr-defined]
    connect._jsc = property(lambda self: SparkContext.getOrCreate()._jsc)  # type: ignore[attr-defined]
    connect._sc = property(lambda self: SparkContext.getOrCreate())  # type: ignore[attr-defined]
    connect.newSession = new_session  # type: ignore[attr-defined]
    stop = connect.stop  # type: ignore[attr-defined]

    def stop_both(self: Any) -> None:
        default = self is connect._default_session  # type: ignore[attr-defined]
        stop(self)
        if default:
            SparkContext._active_spark_context = None

    connect.stop = stop_both  # type: ignore[attr-defined]


def _make_sql_context(classic: type) -> type:
    """pyspark.sql.SQLContext without a JVM."""

    class SQLContext(classic):  # type: ignore[misc,valid-type]
        __doc__ = classic.__doc__

        def __init__(self, sparkContext: Any = None, sparkSession: Any = None, jsqlContext: Any = None) -> None:
            self._sc = sparkContext if isinstance(sparkContext, SparkContext) else SparkContext.getOrCreate()
            self.sparkSession = sparkSession or _start_session({})

        @classmethod
        def getOrCreate(cls, sc: Any = None) -> Any:
            """A context over the default session."""
            return cls(sc)

        @property
        def read(self) -> Any:
            """The session's reader."""
            return self.sparkSession.read

        @property
        def _jsc(self) -> Any:
            return self._sc._jsc

        @property
        def _jvm(self) -> Any:
            raise _not_here("SQLContext._jvm")

        _ssql_ctx = _jvm

        def registerDataFrameAsTable(self, df: Any, tableName: str) -> None:
            """Name a DataFrame."""
            df.createOrReplaceTempView(tableName)

        def dropTempTable(self, tableName: str) -> None:
            """Forget a name."""
            self.sparkSession.catalog.dropTempView(tableName)

        def tables(self, dbName: str | None = None) -> Any:
            """The tables and views of a database."""
            return self.sparkSession.sql("SHOW TABLES" + (f" IN `{dbName}`" if dbName else ""))

        def tableNames(self, dbName: str | None = None) -> list[str]:
            """Their names."""
            return [row["tableName"] for row in self.tables(dbName).collect()]

        def cacheTable(self, tableName: str) -> None:
            """Keep a table in memory."""
            self.sparkSession.catalog.cacheTable(tableName)

        def uncacheTable(self, tableName: str) -> None:
            """Forget the copy in memory."""
            self.sparkSession.catalog.uncacheTable(tableName)

        def clearCache(self) -> None:
            """Forget all copies in memory."""
            self.sparkSession.catalog.clearCache()

    SQLContext.__module__, SQLContext.__qualname__ = "pyspark.sql.context", "SQLContext"
    return SQLContext


# ---- the 3.5 client's shared thread pool -------------------------------------------------------------------------------------------


class _ReleasePool:
    """Sends the client's ReleaseExecute calls, for all sessions of the process.

    In the 3.5 client closing one session shuts down the pool that the others use ("Pool not running", or a hang when the close happens in a
    pool thread).  This one only waits, when a session closes, for what was handed in so far.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        self._pending = 0
        self._changed = threading.Condition(threading.RLock())
        self._worker: threading.Thread | None = None

    def apply_async(self, call: Callable[[], None]) -> None:
        """Hand in a call."""
        with self._changed:
            self._pending += 1
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="connect-release", daemon=True)
                self._worker.start()
        self._calls.put(call)

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            try:
                call()
            finally:
                del call
                with self._changed:
                    self._pending -= 1
                    self._changed.notify_all()

    def drain(self, seconds: float = 2.0) -> None:
        """Wait until the calls handed in so far are made; never in the pool's own thread, and not for ever."""
        if threading.current_thread() is self._worker:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._pending == 0, seconds)

    close = terminate = join = lambda self: None


def share_release_pool(iterator: type) -> None:
    """Put one pool that never closes in the place of the client's."""
    old, pool = iterator._release_thread_pool, _ReleasePool()  # type: ignore[attr-defined]
    if isinstance(old, _ReleasePool):
        return
    iterator._release_thread_pool = pool  # type: ignore[attr-defined]
    iterator.shutdown = classmethod(lambda cls: pool.drain())  # type: ignore[attr-defined]
    if old is not None:
        old.terminate()
    atexit.register(pool.drain)


# ---- putting it in -----------------------------------------------------------------------------------------------------------------


def _rebind(names: dict[str, Any], modules: Iterable[types.ModuleType]) -> None:
    for module in modules:
        for name, value in names.items():
            if name in vars(module):
                setattr(module, name, value)


def _patch(pyspark: types.ModuleType) -> None:
    """Rebind pyspark's public names, after pyspark's own import."""
    with deferred_imports():
        import pyspark.sql.connect.session as connect_session
        from pyspark.sql.connect import catalog, column, dataframe, group, readwriter, udf, window
        from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator
        from pyspark.sql.connect.conf import RuntimeConf

    import pyspark.sql as sql
    import pyspark.sql.catalog, pyspark.sql.column, pyspark.sql.conf, pyspark.sql.context, pyspark.sql.dataframe, pyspark.sql.group  # noqa: E401
    import pyspark.sql.readwriter, pyspark.sql.session, pyspark.sql.udf, pyspark.sql.window  # noqa: E401

    share_release_pool(ExecutePlanResponseReattachableIterator)
    connect = connect_session.SparkSession
    _extend_connect_session(connect)
    sql_context = _make_sql_context(sql.context.SQLContext)
    classes = {
        "SparkContext": SparkContext,
        "SparkSession": _make_spark_session(connect),
        "SQLContext": sql_context,
        "HiveContext": sql_context,
        "DataFrame": dataframe.DataFrame,
        "DataFrameNaFunctions": dataframe.DataFrameNaFunctions,
        "DataFrameStatFunctions": dataframe.DataFrameStatFunctions,
        "Column": column.Column,
        "GroupedData": group.GroupedData,
        "DataFrameReader": readwriter.DataFrameReader,
        "DataFrameWriter": readwriter.DataFrameWriter,
        "DataFrameWriterV2": readwriter.DataFrameWriterV2,
        "Catalog": catalog.Catalog,
        "Window": window.Window,
        "WindowSpec": window.WindowSpec,
        "UserDefinedFunction": udf.UserDefinedFunction,
        "UDFRegistration": udf.UDFRegistration,
        "RuntimeConfig": RuntimeConf,
    }
    homes = [sql.catalog, sql.column, sql.conf, sql.context, sql.dataframe, sql.group, sql.readwriter, sql.session, sql.udf, sql.window]
    _rebind(classes, [pyspark, pyspark.context, sql, *homes])


class _AfterImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds pyspark as everybody would, and patches it once it is loaded."""

    def __init__(self) -> None:
        self._loader: Any = None

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != "pyspark":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self._loader  # type: ignore[union-attr]
        with deferred_imports():
            self._loader.exec_module(module)
        _patch(module)


def install() -> None:
    """Have pyspark patched when it is imported; now, when it already is."""
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    if "pyspark" in sys.modules:
        install_now()
    elif not any(isinstance(f, _AfterImport) for f in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def install_now() -> None:
    """Import pyspark and patch it, once."""
    import pyspark

    if pyspark.SparkContext is not SparkContext:
        _patch(pyspark)
