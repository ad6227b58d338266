"""Results that come later: what one thread sets, others wait for."""
import threading


class Future:
    """A value or an exception that is set once; callbacks run then, or at once when it is there."""

    def __init__(self, *, devices=None):
        self._ready, self._lock, self._callbacks = threading.Event(), threading.Lock(), []
        self._value = self._exception = None

    def done(self):
        """Whether it has been set."""
        return self._ready.is_set()

    def wait(self):
        """The value, once it is there; raises what `set_exception` was given."""
        self._ready.wait()
        return self.value()

    def value(self):
        """The value of a future that is done."""
        if not self.done():
            raise RuntimeError("Expected completed() to be true, but got false.")
        if self._exception is not None:
            raise self._exception
        return self._value

    def _finish(self, value=None, exception=None):
        with self._lock:
            if self.done():
                raise RuntimeError("Attempting to mark a completed Future as complete again. Note that a Future can only be marked completed once.")
            self._value, self._exception = value, exception
            self._ready.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def set_result(self, result):
        """Make it done with a value."""
        self._finish(result)

    def set_exception(self, result):
        """Make it done with an exception, which `wait` raises."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(exception=result)

    def add_done_callback(self, callback):
        """Call `callback(future)` when it is done."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback):
        """A future of `callback(future)`."""
        after = Future()

        def run(future):
            try:
                after.set_result(callback(future))
            except Exception as error:                  # what the callback raises is the outcome
                after.set_exception(RuntimeError(f"Got the following error when running the callback: {type(error).__name__}: {error}"))
        self.add_done_callback(run)
        return after


def collect_all(futures):
    """A future of the list of futures, done when all are."""
    futures, together = list(futures), Future()
    left, lock = [len(futures)], threading.Lock()

    def one_done(_):
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            together.set_result(futures)
    for future in futures:
        future.add_done_callback(one_done)
    if not futures:
        together.set_result(futures)
    return together


def wait_all(futures):
    """The values of all futures, once they are there."""
    return [future.wait() for future in collect_all(futures).wait()]
