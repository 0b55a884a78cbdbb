"""Dense layers with the initialisation that their activation wants."""
from torch import nn


def tanh_linear(in_channels: int, out_channels: int) -> nn.Linear:
    """A linear layer for a tanh to follow: Glorot's weights with the gain of tanh, zero bias."""
    layer = nn.Linear(in_channels, out_channels)
    nn.init.xavier_uniform_(layer.weight, nn.init.calculate_gain('tanh'))
    nn.init.zeros_(layer.bias)
    return layer
