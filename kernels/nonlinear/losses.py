"""What samples ask of the outputs of a circuit: losses, and the errors by which outputs are clamped.

The error of an output is minus the derivative of the loss by it, in V, so that every clamp moves outputs downhill.
"""
import math

from ohmlearn.kernels.simd.jit import inner

SQUARED, HINGE, CROSS_ENTROPY = range(3)


@inner
def output(c, o, lane):
    """Output o of a lane in V as it is read: a voltage, or the difference of two."""
    value = c.read[c.first[o], lane]
    return value - c.read[c.second[o], lane] if c.second[o] >= 0 else value


@inner
def rival(c, label, lane):
    """The output that is largest beside that of the label."""
    best, largest = -1, -math.inf
    for o in range(c.first.size):
        value = output(c, o, lane)
        if o != label and value > largest:
            best, largest = o, value
    return best


@inner
def errors(c, s, sample, lane):
    """Errors of the outputs of a lane, which a sample is presented to, into c.error. Returns the loss in V² (squared)
    or V, and whether there is an error at all.

    Squared: ½ Σ (wanted - output)². Hinge: how much the output of the label leads its rival too little, margin - lead.
    Cross entropy: -T ln p of the label with p = softmax(output / T); margin stands for T.
    """
    loss, label = 0.0, c.labels[sample]
    if s.loss == SQUARED:
        for o in range(c.first.size):
            error = c.wanted[sample, o] - output(c, o, lane)
            c.error[o, lane] = error
            loss += 0.5 * error * error
    elif s.loss == HINGE:
        other = rival(c, label, lane)
        loss = s.margin - (output(c, label, lane) - output(c, other, lane))
        for o in range(c.first.size):
            c.error[o, lane] = 0.0
        if loss > 0.0:
            c.error[label, lane], c.error[other, lane] = 1.0, -1.0
        loss = max(0.0, loss)
    else:
        largest, total = -math.inf, 0.0
        for o in range(c.first.size):
            largest = max(largest, output(c, o, lane))
        for o in range(c.first.size):
            c.error[o, lane] = math.exp((output(c, o, lane) - largest) / s.margin)
            total += c.error[o, lane]
        for o in range(c.first.size):
            c.error[o, lane] = (1.0 if o == label else 0.0) - c.error[o, lane] / total
        loss = s.margin * math.log(total) + largest - output(c, label, lane)
    wrong = False
    for o in range(c.first.size):
        wrong |= c.error[o, lane] != 0.0
    return loss, wrong
