"""Auto-DeepLab's network computed slowly and literally, from TensorFlow's three lists and a dictionary of weights.

Written after the released TensorFlow code and not after ours: sums over taps, 'SAME' padding by its formula, sizes by
its `scale_dimension`, states appended to a list. Inference only, float64.
"""

from collections.abc import Iterator

import pytest
import torch


def same_padding(size, kernel, stride, rate):
    """(before, after) as TensorFlow pads."""
    reach = (kernel - 1) * rate + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def taps(x, kernel, stride, rate, fill):
    """All kernel*kernel shifted views of the padded x, each of the output's size."""
    n, c, height, width = x.shape
    (top, bottom), (left, right) = (same_padding(size, kernel, stride, rate) for size in (height, width))
    padded = torch.full((n, c, top + height + bottom, left + width + right), fill, dtype=x.dtype)
    padded[:, :, top : top + height, left : left + width] = x
    rows, columns = -(-height // stride), -(-width // stride)
    for i in range(kernel):
        for j in range(kernel):
            y, z = i * rate, j * rate
            yield (
                (i, j),
                padded[:, :, y : y + stride * (rows - 1) + 1 : stride, z : z + stride * (columns - 1) + 1 : stride],
            )


def conv(x, weight, stride=1, rate=1):
    return sum(
        torch.einsum("nchw,oc->nohw", view, weight[:, :, i, j])
        for (i, j), view in taps(x, weight.shape[-1], stride, rate, 0.0)
    )


def depthwise(x, weight, stride=1):
    return sum(
        view * weight[:, 0, i, j].view(1, -1, 1, 1) for (i, j), view in taps(x, weight.shape[-1], stride, 1, 0.0)
    )


def max_pool(x, stride):
    return torch.stack([view for _, view in taps(x, 3, stride, 1, -torch.inf)]).amax(0)


def avg_pool(x, stride):
    inside = sum(view for _, view in taps(torch.ones_like(x), 3, stride, 1, 0.0))
    return sum(view for _, view in taps(x, 3, stride, 1, 0.0)) / inside


def bilinear(x, size):
    """Corners aligned."""
    for axis, target in ((2, size[0]), (3, size[1])):
        have = x.shape[axis]
        slices = []
        for cell in range(target):
            position = cell * (have - 1) / (target - 1)
            low = min(int(position), have - 1)
            high, part = min(low + 1, have - 1), position - low
            slices.append(x.select(axis, low) * (1 - part) + x.select(axis, high) * part)
        x = torch.stack(slices, axis)
    return x


def scale_dimension(size, scale):
    return int((float(size) - 1.0) * scale + 1.0)


def relu(x):
    return x.clamp(min=0)


class LiteralNetwork:
    """`lists` has operations, hiddenstate_indices, backbone; `weights` is the state of our module."""

    def __init__(self, lists, weights, filters) -> None:
        self.lists = lists
        self.weights = {name: value.double() for name, value in weights.items()}
        self.filters = filters

    def bn(self, x, name, eps):
        mean, var, gamma, beta = (
            self.weights[f"{name}.{part}"].view(1, -1, 1, 1)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + eps) * gamma + beta

    def relu_conv_bn(self, x, name, stride=1):
        return self.bn(conv(relu(x), self.weights[f"{name}.1.weight"], stride), f"{name}.2", 1e-3)

    def conv_bn_relu(self, x, name, rate=1):
        return relu(self.bn(conv(x, self.weights[f"{name}.conv.weight"], 1, rate), f"{name}.bn", 1e-5))

    def operation(self, x, operation, name, stride):
        if "separable" in operation:
            for part in (0, 1):
                at = 4 * part
                x = depthwise(relu(x), self.weights[f"{name}.{at + 1}.weight"], stride)
                x = conv(x, self.weights[f"{name}.{at + 2}.weight"])
                x = self.bn(x, f"{name}.{at + 3}", 1e-3)
                stride = 1
            return x
        if "atrous" in operation:
            x = relu(x)
            rate = 2
            if stride == 2:
                x, rate = bilinear(x, [scale_dimension(size, 0.5) for size in x.shape[2:]]), 1
            return self.bn(conv(x, self.weights[f"{name}.conv.weight"], 1, rate), f"{name}.bn", 1e-3)
        if operation == "none":
            return x if stride == 1 else self.relu_conv_bn(x, name, 2)
        return {"avg_pool_3x3": avg_pool, "max_pool_3x3": max_pool}[operation](x, stride)

    def cell(self, net, before, name, stride):
        if before.shape[2:] != net.shape[2:]:
            before = bilinear(before, net.shape[2:])
        states = [
            self.relu_conv_bn(net, f"{name}.project_previous"),
            self.relu_conv_bn(before, f"{name}.project_before"),
        ]
        operations, indices = self.lists["operations"], self.lists["hiddenstate_indices"]
        for block in range(len(operations) // 2):
            both = []
            for edge in (2 * block, 2 * block + 1):
                step = stride if indices[edge] < 2 else 1
                both.append(self.operation(states[indices[edge]], operations[edge], f"{name}.edges.{edge}", step))
            states.append(both[0] + both[1])
        return torch.cat(states[2:], 1)

    def stem(self, images):
        net = relu(self.bn(conv(images, self.weights["stem.conv0.weight"], 2), "stem.bn0", 1e-3))
        half = self.bn(conv(net, self.weights["stem.conv1.weight"]), "stem.bn1", 1e-3)
        return half, self.bn(conv(relu(half), self.weights["stem.conv2.weight"], 2), "stem.bn2", 1e-3)

    def head(self, net, early, image_size, final_stride):
        x = relu(net)
        rates = [rate * 16 // final_stride for rate in (6, 12, 18)]
        pooled = self.conv_bn_relu(x.mean((2, 3), keepdim=True), "aspp.pooled").expand(-1, -1, *x.shape[2:])
        branches = [self.conv_bn_relu(x, "aspp.pointwise")]
        branches += [self.conv_bn_relu(x, f"aspp.atrous.{i}", rate) for i, rate in enumerate(rates)]
        x = self.conv_bn_relu(torch.cat([*branches, pooled], 1), "aspp.project")
        size = [scale_dimension(side, 1 / 4) for side in image_size]
        low = bilinear(self.conv_bn_relu(early, "decoder.project"), size)
        x = torch.cat([bilinear(x, size), low], 1)
        x = self.conv_bn_relu(self.conv_bn_relu(x, "decoder.refine.0"), "decoder.refine.1")
        return conv(x, self.weights["classifier.weight"]) + self.weights["classifier.bias"].view(1, -1, 1, 1)

    def logits(self, images):
        outputs = list(self.stem(images))
        net, backbone = outputs[-1], self.lists["backbone"]
        for number, level in enumerate(backbone):
            previous_level = backbone[number - 1] if number else 0
            stride = 2 if level == previous_level + 1 else 1
            if level == previous_level - 1:
                net = bilinear(net, [scale_dimension(size, 2) for size in net.shape[2:]])
            net = self.cell(net, outputs[-2], f"cells.{number}", stride)
            assert net.shape[1] == self.filters * 2**level * len(self.lists["operations"]) // 2
            outputs.append(net)
        early = outputs[2:][min(2, len(backbone) - 1)]
        return self.head(net, early, images.shape[2:], 4 * 2 ** backbone[-1])


@pytest.fixture(scope="session")
def literal_network():
    return LiteralNetwork


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny maps gain nothing from more, and lose much where others compute too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
