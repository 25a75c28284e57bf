"""The graphs that torch.export makes, reckoned one operation after the other: an example of a vendor's hardware."""

import importlib.metadata

from harness.hardware.compiled import CompiledRunner, Compiler
from harness.hardware.flattened import flattened
from harness.hardware.routes import Program


def export(asked):
    """A route: the head as a graph of ATen operations, for the shapes of its inputs."""
    import torch

    exported = torch.export.export(flattened(asked), asked.sample)
    ports = exported.graph_signature.user_inputs
    return Program(exported.module(), dict(zip(ports, asked.inputs, strict=True)), asked.outputs)


ROUTES = {"export": export}


class AbacusRunner(CompiledRunner):
    """A graph, and how many of its operations the last call reckoned."""

    def __init__(self, program, inputs):
        super().__init__(program, [[port] for port in program.inputs], inputs)
        self.graph = program.graph
        self.reckoned = 0

    def infer(self, arrays):
        import torch

        runner, self.reckoned = self, 0

        class Reckoning(torch.fx.Interpreter):
            def call_function(self, target, args, kwargs):
                runner.reckoned += 1
                return super().call_function(target, args, kwargs)

        with torch.no_grad():
            return [output.numpy() for output in Reckoning(self.graph).run(*map(torch.from_numpy, arrays))]

    def executed_on(self):
        # Read back, not repeated: a graph that reckoned nothing did not run here.
        return "abacus:CPU" if self.reckoned else "nowhere"


class Abacus(Compiler):
    """The one abacus of this machine."""

    backend = "abacus"
    known = ROUTES

    def absent(self, dtype):
        try:
            import torch  # noqa: F401
        except ImportError:
            return "torch is not installed"
        return None

    def ready(self, program, inputs, dtype):
        return AbacusRunner(program, inputs)

    def facts(self):
        return {"abacus": importlib.metadata.version("skillmatrix-abacus")}
