"""The residual network that comes with the package: deeper than that of the experiment.

It has to hold on other cameras, faces and masks, and nobody verifies faces by the thousand with it.
"""

from maskdet.networks.architectures import classifier, convolution, entrance, residual
from maskdet.networks.backend import keras

layers = keras.layers


def resnet(scaling: str) -> keras.Model:
    """A residual network (He et al. 2016) for 50x50x3: a stem and two residual blocks, all of stride 2."""
    inputs, x = entrance(scaling, offset=-0.5)
    x = layers.ReLU()(convolution(x, 24, stride=2))  # 25x25x24
    x = residual(x, 48)  # 13x13x48
    x = residual(x, 96)  # 7x7x96
    x = layers.GlobalAveragePooling2D()(x)
    return classifier(inputs, x, name="resnet")
