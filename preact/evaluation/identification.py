"""Identify trait-levels by loss, without a judge.

A held-out dialogue is scored under all ten trait-levels, and the lowest loss names its trait-level; once more
with length taken out: every answer cut to the same number of tokens, without its end. Beside it stand
classifiers that see words and length alone. It knows systems and releases; it knows nothing of the terminal.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError, OceanChatError
from oceanchat.statistics.figure import Figure
from oceanchat.time_left import LongJob
from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.overlap import share_within, sketch
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.evaluation.calling import is_local
from preact.evaluation.loss_figures import NamedRight, author_clusters, margin, named_right, own_losses
from preact.evaluation.text_peers import Peer, peer_losses
from preact.methods import PromptStyle
from preact.mixture.losses import ExpertUse, expert_use
from preact.systems.local import LocalSystem, open_local
from preact.systems.scoring import cut_answers
from preact.systems.system import ScoringSystem
from preact.systems.trained import TrainedModel

SHORT_SHARE = 0.1
"""Share of the answers that may be shorter than what all are cut to."""
Say = Callable[[str], None]


class TraitLevelLosses(NamedTuple):
    """The losses of held-out dialogues."""

    dialogues: list[TrainingDialogue]
    """Those that could be scored."""
    losses: Tensor
    """n x 10: nats a self-discloser token under each trait-level, in paper order."""


class HeldOut(NamedTuple):
    """The dialogues that a system is scored on."""

    release: TrainingRelease
    split: str
    dialogues: Sequence[TrainingDialogue]
    seen: bool
    """Whether the system was trained on some of them."""


class HeldOutLosses(NamedTuple):
    """All losses that an identification is computed from."""

    whole: TraitLevelLosses
    backbone: list[float]
    """The backbone's loss on each of these dialogues, nats per token."""
    cut: int
    """Tokens that every answer is cut to where length is taken out; 0 where it was not."""
    length_out: TraitLevelLosses | None
    short_answers: int
    """Answers left out there because they are shorter."""
    peers: dict[Peer, Tensor]
    """Losses of classifiers on words and length, n x 10, by peer."""
    peers_length_out: dict[Peer, Tensor]


class Identification(NamedTuple):
    """How well the losses name the trait-levels."""

    system: str
    dialogues: int
    """Dialogues scored."""
    left_out: int
    """Dialogues of which not even the first answer fits the system's lengths."""
    authors: int
    """Different authors, by whom intervals are drawn; unknown ones count one a dialogue."""
    split: str
    named: NamedRight
    margin: float
    """Mean of the best other trait-level's loss less the own one's, nats per token; above 0 is right."""
    own_loss: float
    """Mean loss under the own trait-level, nats per token."""
    excess: float
    """Mean of the own loss less the backbone's: below 0 is what the portrayal gains."""
    cut: int
    """Tokens that every answer is cut to where length is taken out; 0 where it was not."""
    short_answers: int
    """Answers left out there because they are shorter."""
    length_out: NamedRight | None
    """The same figures with length taken out."""
    peers: dict[Peer, NamedRight]
    """Classifiers on words and length; empty where there is nothing to fit them on."""
    peers_length_out: dict[Peer, NamedRight]
    """The same on the answers cut to the same length."""
    experts: ExpertUse | None
    """How the trait-levels share the experts, for gated methods."""

    @property
    def accuracy(self) -> Figure:
        """Share of dialogues whose own trait-level of ten has the lowest loss."""
        return self.named.accuracy

    @property
    def credit(self) -> list[float]:
        """Each dialogue's score among ten, 0 to 1, in the release's order."""
        return self.named.credit


def identify(
    system: str | Path,
    *,
    data: str | None = None,
    split: str | None = None,
    threads: int = 0,
    prompts: Path | None = None,
    style: PromptStyle = "full",
    plain: bool = False,
    say: Say = lambda line: None,
) -> Identification:
    """Identify the trait-levels of a release's dialogues by the losses of a run or another local system.

    Without `data` the run's own release is read, without `split` its test split, or all dialogues of another
    release or of one that has no test split. `plain` leaves out length and peers, which halves the time.
    Raises TrainingError or EvaluationError for a system, release or split that cannot be read.
    """
    if not is_local(str(system)):
        raise EvaluationError(
            f"system '{system}' is not on this machine, and endpoints give no losses; name a folder or"
            " hf:OWNER/NAME after the colon"
        )
    opened = open_local(str(system), threads=threads, prompts=prompts, style=style)
    return identify_opened(opened, str(system), data=data, split=split, plain=plain, say=say)


def identify_opened(
    opened: LocalSystem,
    system: str,
    *,
    data: str | None = None,
    split: str | None = None,
    plain: bool = False,
    say: Say = lambda line: None,
) -> Identification:
    """`identify` with a system that is open already; `system` is its name in messages."""
    run = opened.local if isinstance(opened.local, TrainedModel) else None
    if not opened.conditioned:
        raise EvaluationError(f"system '{system}' portrays nobody; name a run, prompted:MODEL or control:DIR")
    if data is None and run is None:
        raise EvaluationError(f"system '{system}' has no release of its own; name one with --data")
    held = held_out(run, data, split, say)
    training = () if plain else training_dialogues(run, held.release, held.split, say)
    return identification(opened, held.dialogues, held.split, training, plain, say)


def held_out(run: TrainedModel | None, data: str | None, split: str | None, say: Say) -> HeldOut:
    """The dialogues to score, as `identify` chooses them. Raises TrainingError for what cannot be read."""
    release = read_release(data or (run.record.config.release if run else ""))
    chosen = split or ("test" if (data is None or run is None) and release.has("test") else "all")
    seen = run is not None and _trained_on(run, release, chosen)
    if seen:
        say(f"note: split '{chosen}' holds dialogues the run was trained on; the figures flatter it")
    return HeldOut(release, chosen, release.split(chosen), seen)


def identification(
    opened: LocalSystem,
    dialogues: Sequence[TrainingDialogue],
    split: str,
    training: Sequence[TrainingDialogue],
    plain: bool,
    say: Say,
) -> Identification:
    """All figures of an opened system on these dialogues, with peers fitted on the training dialogues."""
    held_out = held_out_losses(opened, dialogues, training, plain, say)
    scored, alike = held_out.whole, held_out.length_out
    own = own_losses(*scored[::-1])
    return Identification(
        system=opened.model,
        dialogues=len(scored.dialogues),
        left_out=len(dialogues) - len(scored.dialogues),
        authors=len(set(author_clusters(scored.dialogues))),
        split=split,
        named=named_right(scored.losses, scored.dialogues),
        margin=margin(scored.losses, scored.dialogues),
        own_loss=float(own.mean()),
        excess=float((own - torch.tensor(held_out.backbone, dtype=torch.float64)).mean()),
        cut=held_out.cut,
        short_answers=held_out.short_answers,
        length_out=named_right(alike.losses, alike.dialogues) if alike else None,
        peers={name: named_right(losses, scored.dialogues) for name, losses in held_out.peers.items()},
        peers_length_out={
            name: named_right(losses, alike.dialogues if alike else [])
            for name, losses in held_out.peers_length_out.items()
        },
        experts=_expert_use(opened),
    )


def held_out_losses(
    system: ScoringSystem,
    dialogues: Sequence[TrainingDialogue],
    training: Sequence[TrainingDialogue],
    plain: bool,
    say: Say,
) -> HeldOutLosses:
    """All losses that an identification is computed from. Raises EvaluationError when nothing fits."""
    scored = trait_level_losses(system, dialogues, say=say)
    backbone = system.score([d.messages for d in scored.dialogues], None)
    cut = 0 if plain else equal_length(system, dialogues)
    alike = trait_level_losses(system, dialogues, cut=cut, say=say) if cut else None
    shorter = _long_answers(system, alike.dialogues, cut) if alike else []
    return HeldOutLosses(
        scored,
        [math.nan if loss is None else loss for loss in backbone],
        cut,
        alike,
        sum(n < cut for n in _answer_lengths(system, dialogues)) if cut else 0,
        peer_losses(training, scored.dialogues),
        peer_losses(_long_answers(system, training, cut), shorter) if shorter else {},
    )


def trait_level_losses(
    system: ScoringSystem,
    dialogues: Sequence[TrainingDialogue],
    *,
    cut: int = 0,
    say: Say = lambda line: None,
) -> TraitLevelLosses:
    """The losses of each dialogue under all ten trait-levels, answers cut to so many tokens if any.

    Raises EvaluationError when none can be scored.
    """
    columns: list[list[float | None]] = []
    shortened = f" to {cut} tokens an answer" if cut else ""
    what = f"scoring {counted(len(dialogues), 'dialogue')}{shortened} under every trait-level"
    say(what)
    job = LongJob(what, len(TRAIT_LEVELS), say)
    for trait_level in TRAIT_LEVELS:
        columns.append(system.score([d.messages for d in dialogues], {trait_level: 1.0}, cut=cut))
        job.after(len(columns))
    rows = list(zip(*columns, strict=True))
    whole = [index for index, row in enumerate(rows) if None not in row]
    if not whole:
        raise EvaluationError("no dialogue fits the system's lengths; name others with --data")
    losses = torch.tensor([rows[index] for index in whole], dtype=torch.float64)
    return TraitLevelLosses([dialogues[index] for index in whole], losses)


def equal_length(system: ScoringSystem, dialogues: Sequence[TrainingDialogue]) -> int:
    """What answers are cut to: a tenth of them are shorter, in the system's tokens; at least 1."""
    lengths = sorted(_answer_lengths(system, dialogues))
    return max(1, lengths[int(SHORT_SHARE * len(lengths))])


def _answer_lengths(system: ScoringSystem, dialogues: Sequence[TrainingDialogue]) -> list[int]:
    answers = [m.content for d in dialogues for m in d.messages if m.role == "assistant"]
    return [len(ends) for ends in system.token_ends(answers)]


def _long_answers(
    system: ScoringSystem, dialogues: Sequence[TrainingDialogue], cut: int
) -> list[TrainingDialogue]:
    """The dialogues with their answers cut and shorter ones left out, for those who read texts."""
    shown = []
    for d in dialogues:
        answers = [m for m in d.messages if m.role == "assistant"]
        ends = system.token_ends([answer.content for answer in answers])
        pairs = [pair for pair in zip(answers, ends, strict=True) if len(pair[1]) >= cut]
        cut_pairs = cut_answers([answer for answer, _ in pairs], [own for _, own in pairs], cut)
        shown.append(replace(d, messages=tuple(cut_pairs)))
    return shown


def _trained_on(trained: TrainedModel, release: TrainingRelease, split: str) -> bool:
    own = trained.record
    if release.fingerprint == own.release.fingerprint:
        return split == "all" or own.config.train_split in (split, "all")
    return bool(share_within(sketch(release.split(split)), own.release.sketch))


def training_dialogues(
    run: TrainedModel | None, release: TrainingRelease, split: str, say: Say
) -> Sequence[TrainingDialogue]:
    """What peers are fitted on: the run's own training split, or that of the release; none if unreadable."""
    own = release
    if run and release.fingerprint != run.record.release.fingerprint:
        try:
            own = read_release(run.record.config.release)
        except OceanChatError as error:
            say(f"note: no figures beside the system's: {error}")
            return ()
    wanted = run.record.config.train_split if run else "train"
    if (run is None and split in ("train", "all")) or not (wanted == "all" or own.has(wanted)):
        say("note: no figures beside the system's: there is no training split apart from these dialogues")
        return ()
    return own.split(wanted)


def _expert_use(opened: LocalSystem) -> ExpertUse | None:
    local = opened.local
    return expert_use(local.expert_weights()) if isinstance(local, TrainedModel) and local.gated else None
