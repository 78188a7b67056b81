"""Settings become objects; the only place where the parts meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from keypointgan.config import Config
from keypointgan.data.backdrops import Backdrops
from keypointgan.data.drawn_animals import DrawnAnimals
from keypointgan.data.drawn_faces import DrawnFaces, borders_of, has_landmarks
from keypointgan.data.figures import Figures, FigureSource
from keypointgan.data.index import Clip
from keypointgan.data.labels import Labels
from keypointgan.data.pairs import FrameBank, PairSampler, split_clips
from keypointgan.data.priors import Prior
from keypointgan.data.store import Store
from keypointgan.errors import ConfigError, LabelError
from keypointgan.losses.adversarial import ImagePool
from keypointgan.losses.features import Pyramid, SqueezeNet, Vgg19
from keypointgan.losses.perceptual import PerceptualLoss
from keypointgan.models.decoder import CompactDecoder, Decoder
from keypointgan.models.discriminator import Discriminator
from keypointgan.models.encoder import CompactEncoder, Encoder
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.naming import Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.models.regressor import CompactRegressor, Regressor
from keypointgan.models.student import Student
from keypointgan.ops.capsules import draw_capsules, draw_one_by_one
from keypointgan.settings import ModelConfig
from keypointgan.skeletons import SIDES, Skeleton
from keypointgan.wording import counted


@dataclass(frozen=True)
class TrainingData:
    """The unlabelled videos of a run, split by group of clips.

    Attributes:
        bank: The frames, by row.
        sampler: Pairs of the training clips.
        validation: Pairs of the clips kept apart; none without such clips.
        training_clips: The clips to train on.
        validation_clips: The clips kept apart.
        labels: Labels of frames of those clips; none unless named in the settings.
        label_rows: Their rows in the store.
    """

    bank: FrameBank
    sampler: PairSampler
    validation: PairSampler | None
    training_clips: tuple[Clip, ...]
    validation_clips: tuple[Clip, ...]
    labels: Labels | None
    label_rows: torch.Tensor | None


def channels_of(settings: ModelConfig) -> int:
    """Channels of the skeleton image: one, or one a side."""
    return len(SIDES) if settings.sides == "apart" else 1


def assemble_model(
    settings: ModelConfig, skeleton: Skeleton, *, align_corners: bool = False
) -> KeypointGAN:
    """Return encoder, regressor and decoder with fresh weights, around the skeleton."""
    channels = channels_of(settings)
    width = settings.width
    if settings.preset == "release":
        encoder: torch.nn.Module = Encoder(channels=channels, width=width)
        regressor: torch.nn.Module = Regressor(
            keypoints=skeleton.num_joints, channels=channels, width=width
        )
        decoder: torch.nn.Module = Decoder(channels=channels, width=width)
    else:
        encoder = CompactEncoder(channels=channels, width=width)
        # Skeleton images are simple: half the width reads and judges them as well, at a quarter.
        regressor = CompactRegressor(
            keypoints=skeleton.num_joints, channels=channels, width=max(width // 2, 16)
        )
        decoder = CompactDecoder(channels=channels, width=width, background=settings.background)
    return KeypointGAN(
        encoder=encoder,
        regressor=regressor,
        decoder=decoder,
        links=skeleton.links,
        groups=skeleton.link_groups if settings.sides == "apart" else None,
        sigma=settings.sigma,
        falloff=settings.falloff,
        align_corners=align_corners,
    )


def assemble_student(config: Config, skeleton: Skeleton, *, named: bool = False) -> Student:
    """Return the student with fresh weights, with a naming of its sides or without."""
    naming = assemble_naming(skeleton) if named else None
    return Student(
        keypoints=skeleton.num_joints,
        width=config.student.width,
        backbone=config.student.backbone,
        naming=naming,
    )


def assemble_naming(skeleton: Skeleton) -> Naming:
    """Return what names sides along a video, with fresh weights."""
    return Naming(Plausibility(keypoints=skeleton.num_joints), skeleton.mirror)


def assemble_discriminator(config: Config) -> Discriminator:
    """Return the discriminator: twice the encoder's width in the release, half in the compact one.

    At 64 pixels a quarter of the size is too small for a patch, so two scales remain of three.
    """
    width = config.model.width
    return Discriminator(
        channels=channels_of(config.model),
        width=2 * width if config.model.preset == "release" else max(width // 2, 16),
        scales=3 if config.data.size >= 96 else 2,
        spectral_norm=config.loss.spectral_norm,
    )


def assemble_pool(config: Config) -> ImagePool:
    """Return the pool of past skeleton images."""
    size = config.data.size
    return ImagePool(capacity=config.loss.pool, shape=(channels_of(config.model), size, size))


def assemble_reconstruction_loss(config: Config) -> PerceptualLoss:
    """Return the reconstruction loss over the features that the settings name."""
    settings = config.loss
    momentum = settings.feature_momentum
    if settings.features == "vgg19":
        return PerceptualLoss(Vgg19(settings.features_weights), layers=6, momentum=momentum)
    if settings.features == "squeezenet":
        assert settings.features_weights is not None  # the configuration has checked it
        return PerceptualLoss(SqueezeNet(settings.features_weights), layers=5, momentum=momentum)
    return PerceptualLoss(Pyramid(), layers=4, momentum=momentum, distance="absolute")


def assemble_prior(config: Config, skeleton: Skeleton) -> tuple[Prior, Prior]:
    """Return the prior to train with and the share of its poses kept apart.

    Raises:
        ConfigError: No prior is named.
        PriorError: Its file cannot be used.
    """
    settings = config.prior
    if settings.poses is None:
        raise ConfigError(
            "prior.poses: expected a file of unpaired poses, got none. Name one with "
            "--set prior.poses=FILE; 'keypointgan prior' checks it."
        )
    prior = Prior.load(
        settings.poses,
        skeleton,
        place=settings.place,
        extent=settings.extent,
        centre=settings.centre,
        scale_jitter=settings.scale_jitter,
        shift_jitter=settings.shift_jitter,
        rotation_jitter=settings.rotation_jitter,
        mirror=settings.mirror,
        azimuth=settings.azimuth,
        elevation=settings.elevation,
        field_of_view=settings.field_of_view,
        joint_map=settings.joint_map,
    )
    if settings.limit:
        prior = prior.limited(settings.limit, seed=config.training.seed)
    return prior.split(settings.held_out, seed=config.training.seed)


def assemble_data(config: Config, skeleton: Skeleton, *, device: torch.device) -> TrainingData:
    """Return the frames and the pairs of a run.

    Raises:
        ConfigError: No store is named.
        StoreError: It cannot be used.
        LabelError: The labels do not belong to it.
    """
    settings = config.data
    if settings.store is None:
        raise ConfigError(
            "data.store: expected a folder of ingested frames, got none. Make one with "
            "'keypointgan ingest' and name it with --set data.store=FOLDER."
        )
    store = Store.open(settings.store)
    # The split has a seed of its own, so that runs with other seeds are compared on the same clips.
    training, validation = split_clips(store.clips, fraction=settings.validation_fraction, seed=0)

    def sampler(clips: list[Clip]) -> PairSampler:
        return PairSampler(clips, gap=settings.gap, reference=settings.reference, device=device)

    bank = FrameBank(
        store,
        size=settings.size,
        masked=settings.mask_background,
        device=device,
        plates=config.model.background == "plate",
    )
    labels = rows = None
    if settings.validation_labels is not None:
        labels, rows = labels_of(settings.validation_labels, store, validation, skeleton)
    return TrainingData(
        bank=bank,
        sampler=sampler(training),
        validation=sampler(validation) if validation else None,
        training_clips=tuple(training),
        validation_clips=tuple(validation),
        labels=labels,
        label_rows=rows,
    )


def assemble_figures(config: Config, data: TrainingData, prior: Prior) -> FigureSource:
    """Return drawn figures in poses of the prior, before plates of the training clips.

    Faces for the landmarks of face68, animals as the skeleton says they look like from other 2D
    poses, people from 3D ones.

    Raises:
        PriorError: The skeleton does not say it, or the poses in space are not of people.
    """
    plates = torch.stack([data.bank.plate(clip) for clip in data.training_clips])
    if has_landmarks(prior.skeleton.joints):
        return DrawnFaces(prior, Backdrops(borders_of(plates)), size=config.data.size)
    if not prior.is_3d:
        return DrawnAnimals(prior, Backdrops(plates), size=config.data.size)
    # A moving camera blurs its plate; a frame of each clip adds what is sharp.
    middles = torch.tensor([clip.start + clip.frames // 2 for clip in data.training_clips])
    frames = [((data.bank.fetch(rows) + 1) * 127.5).round().byte() for rows in middles.split(256)]
    plates = torch.cat([plates, *frames])
    if config.training.compile:
        draw = torch.compile(draw_capsules)
    else:
        draw = draw_one_by_one if data.bank.device.type == "cpu" else draw_capsules
    return Figures(prior, Backdrops(plates), size=config.data.size, draw=draw)


def labels_of(
    path: Path, store: Store, clips: Sequence[Clip], skeleton: Skeleton
) -> tuple[Labels, torch.Tensor]:
    """Return the labels of frames of these clips, in the skeleton's joints, and their rows.

    Joints that are not labelled are NaN; at least one must be.

    Raises:
        LabelError: No joint of the skeleton is labelled, or no frame of these clips.
    """
    names = {clip.name for clip in clips}
    labels = Labels.load(path)
    if names.isdisjoint(labels.clip):
        raise LabelError(
            f"{path}: expected labels of at least one of {counted(len(names), 'clip')}, got "
            f"{counted(len(labels.clip), 'label')} of others. data.validation_labels count in "
            "clips kept apart, of which data.validation_fraction is the share."
        )
    shared = [joint for joint in skeleton.joints if joint in labels.joints]
    known = labels.for_joints(shared or skeleton.joints)
    kept = np.array([name in names for name in labels.clip])
    xy = np.full((int(kept.sum()), skeleton.num_joints, 2), np.nan, np.float32)
    xy[:, [skeleton.index_of(joint) for joint in known.joints]] = known.xy[kept]
    chosen = Labels(
        xy=xy,
        clip=tuple(name for name in labels.clip if name in names),
        frame=labels.frame[kept],
        action=None
        if labels.action is None
        else tuple(action for action, keep in zip(labels.action, kept, strict=True) if keep),
        joints=skeleton.joints,
    )
    return chosen, torch.from_numpy(chosen.rows(store))
