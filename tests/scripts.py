"""Our browser modules in Node, without a browser: a module is imported, used, and says what came of it as JSON."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.servers import ROOT

# Node takes a .js file for a module by this flag; an error that nobody handles ends it with another status.
COMMAND = ("node", "--experimental-default-type=module", "--no-warnings", "--input-type=module", "-")


def run_script(source: str) -> Any:
    """What the script passes to `done(value)`; WEB in it is web/js, PAGE the module of a fake page.

    A promise that is rejected without anybody listening fails the test, as does a script that never says it is done.
    """
    modules = {"WEB": (ROOT / "web/js").as_uri(), "PAGE": (ROOT / "tests/fake_page.mjs").as_uri()}
    for name, address in modules.items():
        source = source.replace(f'"{name}', f'"{address}')
    prelude = "const done = (value) => console.log(JSON.stringify(value));\n"
    ended = subprocess.run(
        COMMAND, input=prelude + source, capture_output=True, text=True, check=False, timeout=30, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout, "the script was never done"
    return json.loads(ended.stdout)
