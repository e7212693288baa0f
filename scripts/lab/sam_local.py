"""What `sam local invoke FUNCTION --env-vars FILE` gives a function: SAM's own resolver, as a library, without its container.

Run by SAM's own Python (`.venv/sam`): prints the variables as JSON. Must never resolve anything itself.
"""

import json
import os
import pathlib
import sys

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider


def main(template: str, function: str, variables: str) -> None:
    os.environ.setdefault("SAM_CLI_TELEMETRY", "0")
    stacks, _ = SamLocalStackProvider.get_stacks(template)
    provider = SamFunctionProvider(stacks)
    overrides = json.loads(pathlib.Path(variables).read_text())
    runner = LocalLambdaRunner(
        local_runtime=None, function_provider=provider, cwd=os.getcwd(), real_path=os.getcwd(), env_vars_values=overrides,
        aws_region=os.environ.get("AWS_REGION"),
    )
    print(json.dumps(runner._make_env_vars(provider.get(function)).resolve()))


if __name__ == "__main__":
    main(*sys.argv[1:])
