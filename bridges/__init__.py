"""The platforms, one each, all alike, and the command line that puts everything together.

A bridge turns what people say into `core.model.Message`, and Markdown into what its platform shows. It translates at
this edge: identifiers, formats and exceptions of a platform's library go no further.
"""

from __future__ import annotations
