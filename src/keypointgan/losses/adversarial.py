"""Least-squares adversarial losses on skeleton images, and the pool of past ones."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from keypointgan.types import Scalar, Scores, SkeletonImages


def discriminator_loss(real: Sequence[Scores], fake: Sequence[Scores]) -> Scalar:
    """Push the scores of real skeletons to 1 and of encoded ones to 0, equally at every scale."""
    return _distance_to(1.0, real) / 2 + _distance_to(0.0, fake) / 2


def generator_loss(fake: Sequence[Scores]) -> Scalar:
    """Push the scores of encoded skeletons to 1, equally at every scale."""
    return _distance_to(1.0, fake)


def gradient_penalty(
    discriminator: Callable[[SkeletonImages], list[Scores]], real: SkeletonImages
) -> Scalar:
    """The squared gradient of the scores of real skeletons, R1 (Mescheder et al., ICML 2018).

    It vanishes where the discriminator is flat around the prior, which keeps it from winning.
    """
    real = real.detach().requires_grad_()
    total = torch.stack([scores.float().sum() for scores in discriminator(real)]).sum()
    (gradient,) = torch.autograd.grad(total, real, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def _distance_to(target: float, scales: Sequence[Scores]) -> Scalar:
    return torch.stack([(scores.float() - target).square().mean() for scores in scales]).mean()


class ImagePool(nn.Module):
    """The last encoded skeleton images, half of which the discriminator sees again [release].

    Each image that comes is returned with probability 1/2; else it takes the place of a kept one,
    which is returned. Until the pool is full, images are kept and returned.

    Args:
        capacity: Images kept; 0 returns what comes.
        shape: Channels, height and width of an image.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, *, capacity: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.capacity = capacity
        self._count = 0
        self.register_buffer("images", torch.zeros(capacity, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_post_hook(_recount)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def exchange(self, images: SkeletonImages, *, generator: torch.Generator) -> SkeletonImages:
        """Return as many images as come, some of them from the pool.

        Args:
            images: What the encoder has drawn now; detached here.
            generator: Of the random choices, on the device of the images.
        """
        images = images.detach().float()
        if not self.capacity:
            return images
        batch = len(images)
        room = min(batch, self.capacity - self._count)
        if room:
            self.images[self._count : self._count + room] = images[:room]
            self._count += room
            self.filled.fill_(self._count)
        if room == batch:
            return images
        newcomers = images[room:]
        device = images.device
        # Distinct places, so that a batch larger than the pool draws the surplus from itself.
        count = min(len(newcomers), self.capacity)
        places = torch.randperm(self.capacity, generator=generator, device=device)[:count]
        swap = torch.rand(count, generator=generator, device=device) < 0.5
        chosen = swap.view(-1, 1, 1, 1)
        old = self.images[places]
        returned = torch.where(chosen, old, newcomers[:count])
        self.images[places] = torch.where(chosen, newcomers[:count], old)
        return torch.cat([images[:room], returned, newcomers[count:]])


def _recount(pool: ImagePool, _: object) -> None:
    pool._count = int(pool.filled)
