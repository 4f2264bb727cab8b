"""Whether classes and functions are Keras' own, by identity: others of the same name may compute something else.

Keras is imported only where it is needed: a network that was read is sent to processes without it.
"""

import sys


def kind(layer) -> str:
    """The name of a layer's class; "… of yours" where it is not Keras' class of that name, or our `Median`."""
    import keras
    from keras.src.ops.numpy import Add  # a + b

    name = type(layer).__name__
    home = sys.modules.get("maskdet.networks.architectures") if name == "Median" else keras.layers
    return name if type(layer) in (getattr(home, name, None), Add) else f"{name} of yours"


def is_model(layer) -> bool:
    """Whether a layer is a model that only does what its layers do."""
    from keras.src.models import Functional, Sequential

    return type(layer) in (Functional, Sequential)


def dtypes(layer, out) -> list[str]:
    """The types that a layer computes in, and those of its weights and of its output `out`."""
    policy = getattr(getattr(layer, "dtype_policy", None), "name", out.dtype)
    return sorted({policy, out.dtype, *(weight.dtype for weight in getattr(layer, "weights", ()))})


def activation(layer) -> str:
    """The name of a layer's activation; "… of yours" where it is not Keras' function of that name."""
    from keras import activations

    function = activations.softmax if kind(layer) == "Softmax" else getattr(layer, "activation", activations.linear)
    name = getattr(function, "__name__", type(function).__name__)
    return name if getattr(activations, name, None) is function else f"{name} of yours"


def last_activation(model) -> str:
    """The name of a model's last activation: softmax and sigmoid return probabilities, not logits."""
    layer = model
    while is_model(layer):
        layer = layer.outputs[0]._keras_history.operation
    return activation(layer)
