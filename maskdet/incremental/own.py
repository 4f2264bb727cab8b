"""What is Keras' own, known by its identity: another class or function of the same name may compute something else.

Keras is imported where it is needed, as a network that was read is sent to processes without it.
"""

import sys


def kind(layer) -> str:
    """The name of a layer's class, and whether it is not Keras' class, or our `Median`, but only called so."""
    import keras
    from keras.src.ops.numpy import Add  # a + b

    name = type(layer).__name__
    home = sys.modules.get("maskdet.networks.architectures") if name == "Median" else keras.layers
    return name if type(layer) in (getattr(home, name, None), Add) else f"{name} of yours"


def is_model(layer) -> bool:
    """Whether a layer is a model that does what its layers do, and no more."""
    from keras.src.models import Functional, Sequential

    return type(layer) in (Functional, Sequential)


def dtypes(layer, out) -> list[str]:
    """What a layer computes in, of what its weights are, and what it gives, `out`."""
    policy = getattr(getattr(layer, "dtype_policy", None), "name", out.dtype)
    return sorted({policy, out.dtype, *(weight.dtype for weight in getattr(layer, "weights", ()))})


def activation(layer) -> str:
    """The name of a layer's activation, and whether it is not Keras' function, but only called so."""
    from keras import activations

    found = activations.softmax if kind(layer) == "Softmax" else getattr(layer, "activation", activations.linear)
    name = getattr(found, "__name__", type(found).__name__)
    return name if getattr(activations, name, None) is found else f"{name} of yours"


def ends_in_softmax(model) -> bool:
    """Whether a model gives probabilities, not logits."""
    layer = model
    while is_model(layer):
        layer = layer.outputs[0]._keras_history.operation
    return activation(layer) == "softmax"
