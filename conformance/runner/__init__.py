"""Running cases: `worker` and `observe` inside the implementation's interpreter, `pool` outside."""
