"""The settings of a training run.

Frozen, with defaults by backbone and method, and saved beside the run. Defaults for real backbones are the
paper's (section 5.3) where it states them; the tiny backbone has a recipe of its own. Nothing here imports
torch or reads files.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from preact.methods import METHODS, MethodName, PromptStyle

TINY = "tiny"

PAPER_RATES = (5e-5, 5e-4, 5e-3)
"""The learning rates the paper selects from; `--lr auto` tries them on the validation split."""


class Recipe(BaseModel):
    """The numbers of a training run, complete; each field is an option of `preact train`.

    The first paragraph under a field is the option's help text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    learning_rate: float | Literal["auto"] = 5e-4
    """Learning rate; auto tries 5e-5, 5e-4 and 5e-3 on the validation split."""
    router_learning_rate: float = Field(default=1e-2, gt=0)
    """Learning rate of the router.

    At the experts' rate it would take over a thousand steps to specialize.
    """
    rank: int = Field(default=256, ge=1)
    """LoRA rank r of all experts together."""
    alpha: float = Field(default=256, gt=0)
    """LoRA's scale is alpha / rank. Default: the rank.

    The paper does not state alpha, so the scale is 1.
    """
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """LoRA dropout."""
    experts: int = Field(default=16, ge=1)
    """Number of experts N; the rank must be a multiple of it."""
    personality_size: int = Field(default=64, ge=1)
    """Length d_P of a personality vector.

    Not stated in the paper.
    """
    router_init: float = Field(default=1.0, gt=0)
    """Standard deviation of the personality vectors at the start.

    With a tiny one the router stays on the plateau of uniform weights.
    """
    loss_weight: float = Field(default=0.1, ge=0)
    """Weight lambda of PSL or of the auxiliary loss (equation 6)."""
    epochs: float = Field(default=3, gt=0)
    """Passes over the data."""
    batch_size: int = Field(default=16, ge=1)
    """Dialogues per step."""
    micro_batch: int = Field(default=16, ge=1)
    """Dialogues per forward pass; lower it to save memory.

    The batch is accumulated from these.
    """
    context: int = Field(default=512, ge=16)
    """Maximum number of tokens before an answer."""
    reply: int = Field(default=256, ge=8)
    """Maximum number of tokens in an answer."""
    target_modules: tuple[str, ...] = ()
    """Names of the modules to adapt. Default: query, key, value and the feed-forward network.

    Whatever the backbone's architecture calls them; a run's record names them under `adapted`.
    """
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps over which the learning rates rise."""
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    """How the learning rates fall after the warm-up."""
    keep: Literal["last", "best"] = "last"
    """Which epoch's adapter a run ends with: the last, or that of the lowest validation loss."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Weight decay of the experts; the router has none."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Norm at which gradients are clipped."""
    precision: Literal["auto", "float32", "mixed", "bfloat16"] = "bfloat16"
    """Number format. mixed: float32 weights, bfloat16 products. Default: bfloat16; for tiny: auto.

    Of the backbone's weights. 'mixed' multiplies in bfloat16 while training; 'auto' is that where the
    processor is fast at it, float32 elsewhere.
    """
    packing: bool = False
    """Pack the dialogues of a batch into fuller rows."""
    length_grouping: bool = False
    """Batch dialogues of similar length."""
    gradient_checkpointing: bool = False
    """Save memory at the cost of time."""
    quantise: Literal["none", "4bit", "8bit"] = "none"
    """Load the backbone quantized (QLoRA); needs bitsandbytes."""
    optimiser: Literal["adamw", "adamw-8bit"] = "adamw"
    """adamw-8bit needs bitsandbytes."""
    psl_normalised: bool = False
    """Beyond the paper: divide PSL by its number of pairs."""
    psl_hinge: float = Field(default=0.0, ge=0)
    """Beyond the paper: ignore similarities up to S."""
    psl_warmup_steps: int = Field(default=0, ge=0)
    """Beyond the paper: let lambda rise from 0 over N steps."""
    entropy_floor: float = Field(default=0.0, ge=0)
    """Beyond the paper: keep experts from collapsing.

    Nats under which the expert weights of a trait-level are held back; 0 is off.
    """

    @property
    def stored(self) -> Literal["float32", "bfloat16"]:
        """The number format of the backbone's weights, in which a run is also scored and merged."""
        return "bfloat16" if self.precision == "bfloat16" else "float32"

    @property
    def exact(self) -> Literal["float32", "bfloat16"]:
        """The number format in which an export is held against its run: rounding would hide differences."""
        return "float32" if self.quantise == "none" else self.stored

    @model_validator(mode="after")
    def _fits(self) -> "Recipe":
        if self.batch_size % self.micro_batch:
            raise ValueError(
                f"--batch-size {self.batch_size} is not a multiple of --micro-batch {self.micro_batch}"
            )
        if self.learning_rate != "auto" and self.learning_rate <= 0:
            raise ValueError("--lr must be above 0")
        return self


PAPER_RECIPE = Recipe()
TINY_RECIPE = Recipe(
    rank=64,
    alpha=64,
    router_init=0.5,
    learning_rate=2e-3,
    router_learning_rate=1e-2,
    epochs=4,
    warmup=0.0,
    precision="auto",
    packing=True,
)
"""Tuned on dialogues split by author, for a Llama of 4.2 million parameters on two cores."""


class TinyShape(BaseModel):
    """The size of the tiny backbone and of its pre-training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: int = Field(default=4096, ge=300)
    hidden: int = Field(default=256, ge=8)
    layers: int = Field(default=4, ge=1)
    feed_forward: int = Field(default=688, ge=8)
    heads: int = Field(default=4, ge=1)
    positions: int = Field(default=2048, ge=64)
    steps: int = Field(default=500, ge=1)
    batch: int = Field(default=16, ge=1)
    width: int = Field(default=256, ge=16)
    """Tokens in a row of a pre-training batch."""
    long_share: float = Field(default=0.2, ge=0, le=1)
    """Share of the steps, the last ones, with rows four times as long and as few: prompts are long too."""
    dialogue_repeats: int = Field(default=4, ge=1)
    """How often a dialogue stands among the texts, of which there may be many more."""
    learning_rate: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)


class TrainConfig(BaseModel):
    """Everything `preact train` was asked for; together with the release it determines the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    """A release folder or a Hub dataset id."""
    output: str
    backbone: str = TINY
    """'tiny', 'smollm2', a folder, a .gguf file, or a Hub model id."""
    method: MethodName = "preact"
    prompt: PromptStyle = "full"
    """The persona prompt of methods that have one."""
    train_split: Literal["train", "all"] = "train"
    seed: int = Field(default=1, ge=0)
    recipe: Recipe
    pretrain_texts: tuple[str, ...] = ()
    """More text for the tiny backbone, beside the release's own."""
    tiny: TinyShape = TinyShape()
    """Used by the tiny backbone alone."""
    max_steps: int = Field(default=0, ge=0)
    """Stop after so many steps; 0 for none."""
    save_steps: int = Field(default=50, ge=1)
    """Steps between checkpoints."""
    threads: int = Field(default=0, ge=0)
    """CPU threads; 0 leaves the choice to torch."""
    fsdp: bool = False
    """Whether several processes share the backbone's weights; otherwise each holds a copy."""
    trackers: tuple[str, ...] = ()
    """Trackers that Trainer knows, such as 'tensorboard' or 'wandb'."""

    @model_validator(mode="after")
    def _fits(self) -> "TrainConfig":
        recipe = self.recipe
        if METHODS[self.method].has_experts and recipe.rank % recipe.experts:
            raise ValueError(f"--rank {recipe.rank} is not a multiple of --experts {recipe.experts}")
        if self.prompt == "short" and not METHODS[self.method].prompted:
            raise ValueError(f"--prompt short is for lora and no-moe, and {self.method} has no prompt")
        if self.fsdp and recipe.quantise == "8bit":
            raise ValueError("--fsdp shares no weights in 8 bits; write --quantize 4bit, or leave one out")
        return self

    @property
    def summary(self) -> str:
        """The numbers that matter, in words."""
        recipe, method = self.recipe, METHODS[self.method]
        experts = (
            f", {counted(recipe.experts, 'expert')}, lambda {recipe.loss_weight:g}"
            if method.has_experts
            else ""
        )
        epochs = f"{recipe.epochs:g} epoch{'s' * (recipe.epochs != 1)}"
        router = f" (router {recipe.router_learning_rate:g})" if method.router == "learned" else ""
        prompt = ", short prompt" if self.prompt == "short" else ""
        return (
            f"rank {recipe.rank}{experts}{prompt}; learning rate {recipe.learning_rate}{router};"
            f" {epochs},"
            f" {counted(recipe.batch_size, 'dialogue')} per step; {recipe.precision}"
        )


def make_config(*, tiny: bool, recipe: dict[str, Any], **options: Any) -> TrainConfig:
    """A config from what the user gave; what is None takes the default of the backbone's recipe.

    Raises ConfigError that names the flags of a contradiction.
    """
    defaults = (TINY_RECIPE if tiny else PAPER_RECIPE).model_dump()
    given = {name: value for name, value in recipe.items() if value is not None}
    chosen = {name: value for name, value in options.items() if value is not None}
    if "tiny_shape" in chosen:
        chosen["tiny"] = chosen.pop("tiny_shape")
    return _checked(chosen, defaults, given)


def config_like(before: TrainConfig, *, recipe: dict[str, Any], **options: Any) -> TrainConfig:
    """The config of another run with what the user gave in its place; what is None or empty stays.

    With another method comes that method's lambda; with another backbone come the modules of its
    architecture, unless some were named. Raises ConfigError that names the flags of a contradiction.
    """
    given = {name: value for name, value in recipe.items() if value is not None}
    chosen = {name: value for name, value in options.items() if value not in (None, ())}
    settings, inherited = before.model_dump(), before.recipe.model_dump()
    if _is_without_loss(before.method) and not _is_without_loss(chosen.get("method", before.method)):
        inherited["loss_weight"] = PAPER_RECIPE.loss_weight
    if chosen.get("backbone", before.backbone) != before.backbone:
        settings.update(pretrain_texts=(), tiny=TinyShape())
    if not (row := METHODS.get(chosen.get("method", before.method))) or not row.prompted:
        settings["prompt"] = "full"
    return _checked({**settings, **chosen}, inherited, given)


def settings_given(before: TrainConfig, config: TrainConfig) -> list[str]:
    """In which settings a config differs from another, as flags with their values; the output aside."""
    changes = []
    for name in TrainConfig.model_fields:
        old, new = getattr(before, name), getattr(config, name)
        if isinstance(new, Recipe):
            fields = ((field, getattr(old, field), getattr(new, field)) for field in Recipe.model_fields)
            changes += [_as_flag(field, value) for field, other, value in fields if value != other]
        elif name == "tiny":  # another backbone takes no such steps, whatever stands there
            if new != old and config.backbone == TINY:
                changes.append(f"--pretrain-steps {new.steps}")
        elif name != "output" and new != old:
            changes.append(f"release {new}" if name == "release" else _as_flag(name, new))
    return changes


def _as_flag(field: str, value: Any) -> str:
    flag = flags_of(field)[0]
    if isinstance(value, bool):
        return flag if value else f"--no-{flag.removeprefix('--')}"
    if isinstance(value, tuple):
        return f"{flag} {','.join(value)}" if value else f"the default of {flag}"
    return f"{flag} {value:g}" if isinstance(value, float) else f"{flag} {value}"


def _is_without_loss(method: MethodName) -> bool:
    """Whether the method has experts and trains no loss on them, so that its lambda is 0."""
    row = METHODS.get(method)
    return row is not None and row.has_experts and row.expert_loss is None


def _checked(options: dict[str, Any], recipe: dict[str, Any], given: dict[str, Any]) -> TrainConfig:
    """A config of these options and this recipe, with what is `given` of the recipe and its companions."""
    method: MethodName = options.get("method") or "preact"
    if method not in METHODS:
        raise ConfigError(f"method '{method}' is not known; write one of {', '.join(METHODS)}")
    if recipe["alpha"] == recipe["rank"] and "rank" in given:
        given.setdefault("alpha", float(given["rank"]))
    if recipe["micro_batch"] == recipe["batch_size"] and "batch_size" in given:
        given.setdefault("micro_batch", given["batch_size"])
    if _is_without_loss(method):
        if given.get("loss_weight"):
            raise ConfigError(
                f"--lambda {given['loss_weight']:g} weighs a loss that {method} leaves out; leave it out"
            )
        given["loss_weight"] = 0.0
    try:
        return TrainConfig(**{**options, "recipe": Recipe(**{**recipe, **given})})
    except ValidationError as error:
        raise ConfigError(_one_line(error)) from None


_FLAGS = {
    "learning_rate": ("--lr",),
    "router_learning_rate": ("--router-lr",),
    "loss_weight": ("--lambda",),
    "quantise": ("--quantize", "--quantise"),
    "optimiser": ("--optimizer", "--optimiser"),
    "psl_normalised": ("--psl-normalized", "--psl-normalised"),
    "pretrain_texts": ("--pretrain-text",),
    "trackers": ("--tracker",),
}
"""Fields whose options are not simply called as they are, with every accepted spelling."""


def flags_of(field: str) -> tuple[str, ...]:
    """The spellings of the option of `preact train` that sets a field, the usual one first."""
    return _FLAGS.get(field, ("--" + field.replace("_", "-"),))


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    if not first["loc"]:
        return f"{message}; change one of them"
    return f"{flags_of(str(first['loc'][0]))[0]} '{first['input']}' is wrong: {message}; change it"
