"""More text for the tiny backbone's pre-training: a plain text file, or any corpus the essays' door reads.

It knows nothing of models; what the corpus says about its authors is not looked at.
"""

from pathlib import Path

from oceanchat.corpus.essays import open_corpus
from oceanchat.errors import TrainingError


def read_texts(source: str) -> list[str]:
    """The texts of a .txt file (one) or of a corpus (one an essay).

    Raises TrainingError for a text file that cannot be read or is empty, CorpusError for a corpus.
    """
    path = Path(source)
    if path.suffix.lower() != ".txt":
        return [essay.text for essay in open_corpus(source).essays]
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        raise TrainingError(
            f"pre-training text '{source}' cannot be read; name a text file or a corpus of essays"
        ) from None
    if not text:
        raise TrainingError(f"pre-training text '{source}' is empty; name a file with text in it")
    return [text]
