"""What a page of ours may do in a browser: show itself, and nothing that anybody slipped into it."""
from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

MARK = "__POLICY__"
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def with_policy(template: str) -> str:
    """A template with its content security policy in place of MARK: pictures and styles within the page, the scripts
    that the template has by their digests, and nothing from elsewhere. Call it before anything is filled in."""
    digests = [b64encode(sha256(script.encode()).digest()).decode() for script in SCRIPT.findall(template)]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    rules = (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {scripts}; base-uri 'none'; "
             "form-action 'none'")
    return template.replace(MARK, f'<meta http-equiv="Content-Security-Policy" content="{rules}">', 1)
