"""The text turn model's layers. Needs PyTorch.

Both kinds are causal, so that one pass over a whole turn trains an answer after each of its words:
ten times the labels for the same computation as one answer a pass, as in TurnGPT (Ekstedt and
Skantze 2020).
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own convention)

Kind = Literal["gru", "transformer"]
DROPOUT = 0.25
"""With 0.1 the figures on the development split fell again after three epochs."""


class TurnNetwork(nn.Module):
    """Token numbers, shape (batch, length), to the logit of an end after each, same shape."""

    def __init__(self, kind: Kind, vocabulary: int, width: int, layers: int, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.05)
        blocks: list[nn.Module] = (
            [_Recurrent(width) for _ in range(layers)]
            if kind == "gru"
            else [_Positions(width, length), *(_Attending(width) for _ in range(layers))]
        )
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Dropout(DROPOUT), nn.Linear(width, 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of all places."""
        hidden = F.dropout(self.embedding(tokens), DROPOUT, self.training)
        return self.head(self.blocks(hidden)).squeeze(-1)


class LastAnswer(nn.Module):
    """What is shipped: token numbers, shape (1, length), to the logit after the last: (1,)."""

    def __init__(self, network: TurnNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        """The logit of an end after the last token."""
        hidden = self.network.blocks(self.network.embedding(tokens))
        return self.network.head(hidden[:, -1]).squeeze(-1)


class _Recurrent(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gru = nn.GRU(width, width, batch_first=True)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + F.dropout(self.gru(self.norm(hidden))[0], DROPOUT, self.training)


class _Positions(nn.Module):
    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(length, width))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.places[: hidden.shape[1]]


class _Attending(nn.Module):
    """Pre-norm block with causal attention of heads 32 wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // 32
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )

    def forward(self, hidden: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        heads = self.project(self.norms[0](hidden)).reshape(batch, length, 3, self.heads, 32)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) / 32**0.5
        places = torch.arange(length)
        future = places[None, :] > places[:, None]
        attended = torch.softmax(scores.masked_fill(future, -1e4), dim=-1) @ value
        attended = self.merge(attended.transpose(1, 2).reshape(batch, length, width))
        hidden = hidden + F.dropout(attended, DROPOUT, self.training)
        return hidden + F.dropout(self.mix(self.norms[1](hidden)), DROPOUT, self.training)
