from conformance.commands import main

main(prog_name="python -m conformance")
