"""A cloud that is not there: an independent reading of the ECS, IAM, EVS, IMS, KMS, KPS and CTS documents.

`python -m simulator --port N` runs it alone, `simulator.server.start_in_thread()` inside a test. The controls
are under `/_sim/` on the same port.
"""
