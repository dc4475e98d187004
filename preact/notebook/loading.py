"""Ask and measure a trained run from Python."""

from collections.abc import Iterable
from pathlib import Path

from oceanchat.cli.display.notes import print_note
from oceanchat.prompts import Message
from preact.evaluation.identification import Identification, identify_opened
from preact.persona import parse_persona
from preact.systems.generation import reply
from preact.systems.local import LocalSystem
from preact.systems.system import MAX_TOKENS, TEMPERATURE, TOP_P, Sampling
from preact.systems.trained import TrainedModel, open_run
from preact.training.runs import RunRecord


class LoadedRun:
    """A finished run with its model in memory."""

    def __init__(self, run: TrainedModel) -> None:
        self._run = run

    def __repr__(self) -> str:
        record = self.record
        return f"<run '{self.folder}': {record.config.method} on {record.config.backbone}>"

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._run.folder

    @property
    def record(self) -> RunRecord:
        """The run's config, provenance and figures."""
        return self._run.record

    def answer(
        self,
        question: str,
        persona: str | None = None,
        *,
        history: Iterable[tuple[str, str]] = (),
        temperature: float = TEMPERATURE,
        top_p: float = TOP_P,
        max_tokens: int = MAX_TOKENS,
        seed: int = 0,
    ) -> str:
        """The model's answer as a persona such as 'N+' or 'O+=0.7 E-=0.3'; without one, its backbone's.

        `history` holds earlier questions with their answers. `temperature` 0 takes the likeliest token each
        time; `seed` decides what is drawn. Raises OceanChatError for a persona that is not understood.
        """
        earlier = [
            message
            for asked, answered in history
            for message in (Message("user", asked), Message("assistant", answered))
        ]
        whom = None if persona is None else parse_persona(persona)
        sampling = Sampling(temperature, top_p, max_tokens)
        return reply(self._run, [*earlier, Message("user", question)], whom, sampling, seed)

    def identify(
        self, data: str | None = None, *, split: str | None = None, plain: bool = False
    ) -> Identification:
        """Name the trait-levels of held-out dialogues by the losses of the run, as `preact identify` does.

        `accuracy` of the result is the share named rightly among ten, with its interval. Without `data`, a
        release, the run's own is read, and without `split` its test split. `plain` leaves out length and what
        words alone achieve, in half the time. Raises OceanChatError.
        """
        return identify_opened(
            LocalSystem(self._run, Sampling()),
            str(self.folder),
            data=data,
            split=split,
            plain=plain,
            say=print_note,
        )


def load(run: str | Path, *, threads: int = 0) -> LoadedRun:
    """Open a finished run. Raises OceanChatError where the folder is none, or is damaged.

    `threads` is the number of CPU threads; 0 leaves it to torch.
    """
    return LoadedRun(open_run(Path(run), threads))
