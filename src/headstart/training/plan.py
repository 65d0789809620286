"""How many steps of what size: the one place for the rules that choose what a recipe and the user leave open.

batch size      the recipe's, else 256; never more than the training items
epochs          the recipe's, else 100; an epoch's remainder that fills no batch is dropped
optimiser       the recipe's, else adamw
rate and decay  the recipe's for its own optimiser, else `RULES`
warm-up         the recipe's, at most a tenth of all steps; else 10 epochs, likewise
"""

from __future__ import annotations

from dataclasses import dataclass

from headstart.contracts import Recipe, Schedule
from headstart.errors import InputError
from headstart.training.schedule import learning_rate
from headstart.training.settings import TrainSettings

BATCH_SIZE = 256
EPOCHS = 100
WARMUP_EPOCHS = 10.0
LOGGED_STEPS = 200
WATCHED_STEPS = 20

RULES = {
    "adamw": Recipe(lr=1e-3, weight_decay=1e-4, betas=(0.9, 0.999), momentum=0.0),
    "sgd": Recipe(lr=0.05, lr_batch=256, weight_decay=5e-4, betas=(0.0, 0.0), momentum=0.9),
    "lars": Recipe(lr=0.3, lr_batch=256, weight_decay=1e-6, betas=(0.0, 0.0), momentum=0.9),
}
"""AdamW's paper and torch's defaults; SGD as SimSiam used it on small images; LARS as SimCLR did."""


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """Everything about the steps of a run, decided before the first of them and written to run.json."""

    items: int
    steps: int
    steps_per_epoch: int
    epochs: int
    """Passes over the data, the last of which may be a part of one where `steps` were asked for."""
    batch_size: int
    """Over all processes and parts."""
    accumulate: int
    optimizer: str
    lr: float
    """At its peak."""
    weight_decay: float
    betas: tuple[float, float]
    momentum: float
    warmup_steps: int
    schedule: Schedule
    log_every: int
    watch_every: int
    """Steps between looks at the health of the features; a multiple of `log_every`."""
    notes: tuple[str, ...] = ()

    def epoch(self, step: int) -> int:
        """The epoch that a step (0…steps-1) is part of, from 0."""
        return step // self.steps_per_epoch

    def rate(self, step: int) -> float:
        """The learning rate of a step (0…steps-1)."""
        return learning_rate(
            step, steps=self.steps, warmup_steps=self.warmup_steps, peak=self.lr, schedule=self.schedule
        )

    def logs(self, done: int) -> bool:
        """Whether the step after which `done` are done is logged: the first, every n-th and the last."""
        return done == 1 or done % self.log_every == 0 or done == self.steps

    def ends_epoch(self, done: int) -> bool:
        """Whether `done` steps are whole epochs, or all there are."""
        return done % self.steps_per_epoch == 0 or done == self.steps

    def watches(self, done: int) -> bool:
        """Whether health is looked at after `done` steps."""
        return done % self.watch_every == 0 or done == self.steps


def plan_steps(
    settings: TrainSettings, recipe: Recipe, items: int, world_size: int = 1, *, fewest: int | None = None
) -> StepPlan:
    """Plans a run over `items` training items on `world_size` processes.

    `fewest` are the items of the smallest of several streams, each of which has to fill a batch.

    Raises:
        InputError: The batch can't be shared out among processes and parts, there are too few items, or settings
            contradict each other.
    """
    if settings.steps is not None and settings.epochs is not None:
        raise InputError("--steps and --epochs both say how long to train: leave one of them out.")
    batch_size, notes = _batch_size(settings, recipe, min(items, fewest or items), world_size)
    per_epoch = items // batch_size
    steps = settings.steps or (settings.epochs or recipe.epochs or EPOCHS) * per_epoch
    optimizer, own = _optimizer(settings, recipe)
    log_every = max(1, steps // LOGGED_STEPS)
    return StepPlan(
        items=items,
        steps=steps,
        steps_per_epoch=per_epoch,
        epochs=-(-steps // per_epoch),
        batch_size=batch_size,
        accumulate=settings.accumulate,
        optimizer=optimizer,
        lr=settings.lr or _scaled(own, batch_size),
        weight_decay=_first(settings.weight_decay, own.weight_decay),
        betas=own.betas or (0.0, 0.0),
        momentum=_first(settings.momentum, own.momentum),
        warmup_steps=_warmup(settings, recipe, steps, per_epoch),
        schedule=recipe.schedule,
        log_every=log_every,
        watch_every=log_every * max(1, steps // (log_every * WATCHED_STEPS)),
        notes=notes,
    )


def _batch_size(settings: TrainSettings, recipe: Recipe, items: int, world_size: int) -> tuple[int, tuple[str, ...]]:
    """The global batch, and what has to be said about it."""
    asked = settings.batch_size or recipe.batch_size or BATCH_SIZE
    parts = world_size * settings.accumulate
    if asked % parts:
        among = f"{world_size} processes" if world_size > 1 else ""
        turns = f"{settings.accumulate} parts (--accumulate)" if settings.accumulate > 1 else ""
        raise InputError(
            f"--batch-size {asked} can't be shared out equally among {' times '.join(filter(None, (among, turns)))}: "
            f"choose a multiple of {parts}."
        )
    if asked <= items:
        return asked, ()
    fitting = items // parts * parts
    if fitting < 2:
        raise InputError(f"There are {items} items to learn from, too few for a batch: at least {max(2, parts)} are.")
    return fitting, (f"There are {items} items to learn from, so a batch has {fitting} instead of {asked}.",)


def _optimizer(settings: TrainSettings, recipe: Recipe) -> tuple[str, Recipe]:
    """The optimiser's name with its own numbers, filled up from `RULES`."""
    name = settings.optimizer or recipe.optimizer or "adamw"
    rules = RULES[name]
    if name != (recipe.optimizer or "adamw"):
        return name, rules
    scaled = recipe if recipe.lr is not None else rules
    return name, Recipe(
        lr=scaled.lr,
        lr_batch=scaled.lr_batch,
        weight_decay=_first(recipe.weight_decay, rules.weight_decay),
        betas=recipe.betas or rules.betas,
        momentum=_first(recipe.momentum, rules.momentum),
    )


def _scaled(own: Recipe, batch_size: int) -> float:
    """The rate for this batch: linear in its size where the recipe says for which size it holds (1706.02677)."""
    lr = _first(own.lr, None)
    return lr * batch_size / own.lr_batch if own.lr_batch else lr


def _warmup(settings: TrainSettings, recipe: Recipe, steps: int, per_epoch: int) -> int:
    if settings.warmup_epochs is None:
        return min(round(_first(recipe.warmup_epochs, WARMUP_EPOCHS) * per_epoch), steps // 10)
    asked = round(settings.warmup_epochs * per_epoch)
    if asked > steps:
        raise InputError(
            f"--warmup-epochs {settings.warmup_epochs:g} is longer than the whole run of {steps / per_epoch:g} epochs."
        )
    return asked


def _first(chosen: float | None, otherwise: float | None) -> float:
    value = otherwise if chosen is None else chosen
    assert value is not None
    return value
