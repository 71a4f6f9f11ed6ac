"""The sections that say what network learns, from which positions, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from alphazero.config.keys import CLOSED, Bool, Float, Int, Text, key


@dataclass(frozen=True)
class NetworkConfig:
    """The size of the network and what it predicts. A run's weights depend on every key, so none can change later."""

    __pydantic_config__: ClassVar = CLOSED
    kind: Text = key(
        "",
        'A class of your own, as "package.module:Class"; without it the residual tower. It gets the shape and this section.',
        resume="fixed",
    )
    options: dict[Text, Any] = key(
        {}, "What a class of your own wants to know besides. It reads them as `config.options`.", resume="fixed"
    )
    blocks: Int = key(
        4,
        "Residual blocks in the tower. A laptop evaluates 4 blocks of 32 channels more than ten thousand times a second.",
        low=1,
        high=100,
        resume="fixed",
    )
    channels: Int = key(
        32,
        "Channels of each convolution. The cost grows with their square; 32 is enough for small boards.",
        low=4,
        high=2048,
        resume="fixed",
    )
    global_pooling: Bool = key(
        True,
        "Every second block also sees means and maxima over the whole board. "
        "In KataGo's ablation this needed 1.6 times less data (Wu 2019, table 2).",
        resume="fixed",
    )
    value_hidden: Int = key(
        64, "Width of the value head's hidden layer. A wider layer gains nothing.", low=8, high=4096, resume="fixed"
    )
    ownership: Bool | None = key(
        None,
        "Also predict who owns each point at the end; null means: only where the game has areas (Go). "
        "Together with the score this needed 1.65 times less data in KataGo's ablation (Wu 2019).",
        resume="fixed",
    )
    score: Bool | None = key(
        None,
        "Also predict the final margin; null means: only where the game has areas (Go). "
        "Together with ownership this needed 1.65 times less data in KataGo's ablation (Wu 2019).",
        resume="fixed",
    )
    plies_left: Bool | None = key(
        None,
        "Also predict how many plies the game still lasts, as lc0's moves-left head does. "
        "The default null means: only where the game has no areas.",
        resume="fixed",
    )
    reply: Bool = key(
        True,
        "Also predict the opponent's reply, during training only. "
        "In KataGo's ablation this needed 1.3 times less data (Wu 2019).",
        resume="fixed",
    )


@dataclass(frozen=True)
class ReplayConfig:
    """The window of positions that training draws from, and how often each is drawn."""

    __pydantic_config__: ClassVar = CLOSED
    window_min: Int = key(
        20000,
        "Positions in the window when it begins to slide. It then grows with a power of all positions made "
        "(c in KataGo's formula).",
        low=100,
    )
    window_exponent: Float = key(
        0.75,
        "Power of the window's growth. With KataGo's 0.75 the window grows ever more slowly than the run.",
        low=0.01,
        high=1.0,
    )
    min_positions: Int = key(
        5000,
        "Positions that must be there before training begins; with `training.start_from` all of `window_min`. "
        "A network that starts on a few games learns them by heart, and forgets what it knew.",
        low=1,
    )
    chunk_games: Int = key(
        64,
        "Games in each file of the replay store. 64 keep the number of files small, and few games wait in the journal.",
        low=1,
        high=100000,
    )
    reuse: Float = key(
        4.0,
        "Training samples drawn for each new position. KataGo uses 4 to 8; more leads to overfitting.",
        low=0.01,
        high=100.0,
        resume="converted",
    )
    surprise: Float = key(
        0.5,
        "Share of the samples drawn in proportion to how much the search disagreed with the network (KataGo's policy "
        "surprise weighting). The rest are drawn evenly.",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class TrainingConfig:
    """The optimizer, the losses, and the budget at which the run ends."""

    __pydantic_config__: ClassVar = CLOSED
    start_from: Text = key(
        "",
        "A run, a checkpoint or `pretrained:GAME` whose network the run begins with. "
        "Empty means a new network with random weights.",
        resume="fixed",
    )
    batch_size: Int = key(
        256,
        "Samples a training step. A CPU learns faster from small steps made often; a GPU wants 1024 and more.",
        low=2,
        high=65536,
        resume="converted",
    )
    optimizer: Literal["adamw", "sgd"] = key(
        "adamw", "The optimizer. AdamW learns faster than SGD in short runs.", resume="converted"
    )
    learning_rate: Float = key(
        2e-3, "The peak learning rate, after warm-up. 0.002 suits AdamW and small networks.", low=1e-8, high=10.0
    )
    weight_decay: Float = key(1e-4, "Weight decay. The value is AlphaZero's L2 constant.", low=0.0, high=1.0)
    momentum: Float = key(0.9, "Momentum, for SGD only. The value is AlphaZero's.", low=0.0, high=0.999)
    warmup_steps: Int = key(
        100,
        "Steps over which the learning rate rises from zero to its peak. AdamW needs about 100 to estimate its second "
        "moments.",
        low=0,
    )
    schedule: Literal["cosine", "constant", "step", "stable"] = key(
        "cosine",
        "How the learning rate falls while the budget is used; a low rate at the end is worth 100 Elo and more. With `stable` it "
        "falls over the last tenth alone, so an extended run loses little.",
    )
    final_fraction: Float = key(
        0.05,
        "Learning rate at the end of the budget, as a fraction of the peak. A small rate averages out the noise of single steps.",
        low=0.0,
        high=1.0,
    )
    clip_norm: Float = key(
        1.0, "Gradients are scaled down to this norm. Single batches then cannot throw the weights off.", low=0.001
    )
    ema_decay: Float = key(
        0.99,
        "Decay a step of the averaged weights, which play and are saved. 0.99 averages about the last 100 steps.",
        low=0.0,
        high=0.99999,
    )
    value_weight: Float = key(1.0, "Weight of the value loss. The policy loss has weight 1, as in AlphaZero.", low=0.0)
    ownership_weight: Float = key(
        0.5, "Weight of the ownership loss. The loss is a mean over the board's points.", low=0.0
    )
    score_weight: Float = key(0.1, "Weight of the score loss. Scores are in units of 20 points.", low=0.0)
    plies_left_weight: Float = key(
        0.1, "Weight of the loss of the plies-left head. It predicts log(1 + plies to the end).", low=0.0
    )
    reply_weight: Float = key(
        0.15,
        "Weight of the cross-entropy of the opponent's reply. The value is KataGo's (Wu 2019, section 3.4).",
        low=0.0,
    )
    z_weight: Float = key(
        1e-4,
        "Weight of the square of log(sum(exp(policy logits))). Without it logits drift to sizes that bf16 cannot resolve "
        "(PaLM, section 5).",
        low=0.0,
    )
    value_blend: Float = key(
        0.33,
        "Share of the search's value in the value target; the rest is the game's result. A third is dlshogi's choice.",
        low=0.0,
        high=1.0,
    )
    budget_minutes: Float = key(
        0.0, "The run ends after this many minutes; 0 means no such limit. Whichever limit comes first counts.", low=0.0
    )
    budget_games: Int = key(
        0, "The run ends after this many games; 0 means no such limit. Whichever limit comes first counts.", low=0
    )
    budget_positions: Int = key(
        0, "The run ends after this many positions; 0 means no such limit. Whichever limit comes first counts.", low=0
    )
    budget_evaluations: Int = key(
        0,
        "The run ends after this many network evaluations in self-play; 0 means no such limit. "
        "Comparisons of settings hold this number equal.",
        low=0,
    )
    checkpoint_every: Int = key(
        500, "Steps between checkpoints. Five minutes without one also write one, so little is lost in a crash.", low=1
    )
    amp: Bool = key(
        True,
        "bf16 mixed precision where the hardware has units for it: CUDA, and AMX or AVX512-BF16 on a CPU. "
        "Training is then 1.1 to 2.3 times faster.",
    )
