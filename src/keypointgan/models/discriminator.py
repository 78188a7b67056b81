"""D in the paper: tells the encoder's skeleton images from drawn prior poses, patch by patch."""

from torch import nn
from torch.nn.functional import avg_pool2d
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

from keypointgan.models.blocks import initialise
from keypointgan.types import Scores, SkeletonImages


class Discriminator(nn.Module):
    """A PatchGAN for each of three scales: 1, 1/2 and 1/4 of the size [release].

    Args:
        channels: Channels of the skeleton image.
        width: Channels of the first convolution; 64 in the release.
        scales: Number of scales.
        spectral_norm: Divide each convolution's weights by their largest singular value.
    """

    def __init__(
        self, *, channels: int = 1, width: int = 64, scales: int = 3, spectral_norm: bool = False
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_patch_gan(channels, width) for _ in range(scales))
        initialise(self)
        if spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d):
                    with_spectral_norm(module)

    def forward(self, skeleton: SkeletonImages) -> list[Scores]:
        """Scores of the patches at each scale, the finest first; real near 1, encoded near 0."""
        scores = []
        for index, scale in enumerate(self.scales):
            if index:
                skeleton = avg_pool2d(skeleton, 3, stride=2, padding=1, count_include_pad=False)
            scores.append(scale(skeleton))
        return scores


def _patch_gan(channels: int, width: int) -> nn.Sequential:
    """4×4 convolutions to 1, 2, 4 (stride 2) and 8 (stride 1) times `width`, then to one score."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for factor, stride in ((1, 2), (2, 2), (4, 1)):
        layers += [
            nn.Conv2d(factor * width, 2 * factor * width, 4, stride=stride, padding=1),
            nn.InstanceNorm2d(2 * factor * width),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, padding=1))
