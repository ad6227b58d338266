"""A transcript as text, statement by statement: for `explain` and for the HTML page."""

from __future__ import annotations

import numpy as np

from conformance.transcript import Transcript

WIDTH = 600  # characters of one statement's outcome


def outcomes(transcript: Transcript | None) -> list[str]:
    """What each statement did, and last what the case left behind."""
    if transcript is None:
        return ["not run"]
    record = transcript.record
    if record["status"] not in ("ok", "raised"):
        return [f"{record['status']} {record.get('signal', '')}".strip()]
    if "setup_error" in record:
        return [f"in the setup: {_error(record['setup_error'])}"]
    lines = [_step(transcript, step) for step in record["steps"]]
    end = [f"{name}: {_shot(transcript, shot)}" for name, shot in record.get("final", {}).items()]
    end += ["shared storage: " + ", ".join(name for name, _ in group) for group in record.get("alias", ())]
    return [*lines, "\n".join(end)] if end else lines


def _step(transcript: Transcript, step: dict) -> str:
    parts = [step.get("out", "").rstrip("\n"), step.get("text", "")]
    parts += [f"{name} = {_shot(transcript, shot)}" for name, shot in step.get("bound", {}).items()]
    parts += [f"{kind}: {text}" for kind, text in step.get("warnings", ())]
    if "error" in step:
        parts.append(_error(step["error"]))
    return "\n".join(part for part in parts if part)[:WIDTH]


def _error(error: dict) -> str:
    return f"{error['type']}: {error['text']}" + (f"\n    at {error['where']}" if error.get("where") else "")


def _shot(transcript: Transcript, shot: dict) -> str:
    kind = shot["k"]
    if kind in ("tensor", "array") and "at" in shot:
        values = transcript.array(shot).reshape(-1)
        shown = " ".join(_number(value) for value in values[:8]) + (" ..." if values.size > 8 else "")
        more = [f"grad_fn={shot['grad_fn']}"] if "grad_fn" in shot else ["requires_grad"] if "requires_grad" in shot else []
        more += [f"grad: {_shot(transcript, shot['grad'])}"] if "grad" in shot else []
        return f"{shot['type']} {shot['dtype']} {shot['shape']}: {'; '.join([shown, *more])}"
    if kind in ("list", "dict"):
        items = [item if kind == "list" else item[1] for item in shot["items"][:6]]
        return f"{shot['type']} of {shot['n']}: [" + ", ".join(_shot(transcript, item) for item in items) + "]"
    if "v" in shot:
        return repr(shot["v"])
    return shot.get("text") or shot.get("error") or shot.get("type", kind)


def _number(value: np.generic) -> str:
    return f"{value:.7g}" if np.asarray(value).dtype.kind in "fcV" else str(value)
