"""Checkpoints of the authors' release as ours."""

from pathlib import Path

from keypointgan.assemble import assemble_model
from keypointgan.checkpoint import save_checkpoint
from keypointgan.errors import CheckpointError
from keypointgan.models.release import read_release
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton


def convert_release(folder: Path, output: Path, *, skeleton: str, size: int) -> Path:
    """Write the release's encoder, decoder and regressor as a checkpoint; return its folder.

    Raises:
        CheckpointError: There are no such files, or they are of another skeleton.
        TrainingError: The checkpoint cannot be written.
    """
    joints = Skeleton.load(skeleton)
    weights = read_release(folder)
    if weights.keypoints != joints.num_joints:
        raise CheckpointError(
            f"{folder}: expected networks of the {joints.num_joints} joints of '{skeleton}', got "
            f"{weights.keypoints} keypoints. Choose another with --skeleton."
        )
    overrides = [f"model.skeleton={skeleton}", f"model.width={weights.width}", f"data.size={size}"]
    config = load_config("simplified_human36m", overrides)
    model = assemble_model(config.model, joints, align_corners=True)
    model.encoder.load_state_dict(weights.encoder)
    model.decoder.load_state_dict(weights.decoder)
    model.regressor.load_state_dict(weights.regressor)
    save_checkpoint(output, model.eval(), config=config, skeleton=joints, step=0, metrics={})
    return output
