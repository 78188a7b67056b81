"""Poses to NWB files with ndx-pose. Their reader is in `data.pose_files.nwb`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np

from keypointgan.data.pose_files.instances import PIXEL_CENTRE
from keypointgan.errors import ExportError, MissingExtraError
from keypointgan.inference.poses import Poses

REFERENCE = (
    "(x, y) in pixels from the middle of the top-left pixel, x to the right and y down; the outer "
    "corner of that pixel is (-0.5, -0.5)."
)


def write_nwb(poses: Sequence[Poses], path: Path) -> None:
    """Write a `PoseEstimation` for each animal into the processing module `behavior`.

    Frames without a pose are NaN, so that sample k is frame k. The file has the least that NWB
    asks for: open it with pynwb to add the subject and the session, or copy the module.

    Raises:
        ExportError: The frame rate is unknown, which NWB needs.
        MissingExtraError: pynwb or ndx-pose is not installed.
    """
    try:
        import h5py
        import ndx_pose
        from pynwb import NWBHDF5IO, NWBFile
        from pynwb.image import ImageSeries
    except ImportError as error:
        raise MissingExtraError(
            error.name or "ndx-pose", extra="formats", purpose="write NWB files"
        ) from error
    first = poses[0]
    if not first.fps:
        raise ExportError(
            f"{path}: expected frames a second, which NWB needs, got none. Give --fps."
        )
    content = NWBFile(
        session_description=f"Poses of {first.source or 'a video'}",
        identifier=str(uuid4()),
        session_start_time=datetime.now(UTC),
    )
    camera = content.create_device(name="camera", description="The camera of the video.")
    height, width = first.size or (0, 0)
    video = ImageSeries(
        name="video",
        description="The video that the poses were found in.",
        external_file=[first.source or "unknown"],
        format="external",
        starting_frame=[0],
        rate=float(first.fps),
        dimension=[width, height] if first.size else None,
        num_samples=len(first),
        device=camera,
    )
    content.add_acquisition(video)
    links = [
        (start[0], stop[0]) for start, stop in first.skeleton.links if len(start) == len(stop) == 1
    ]
    skeleton = ndx_pose.Skeleton(
        name=first.skeleton.name,
        nodes=list(first.joints),
        edges=np.array(links, np.uint8).reshape(-1, 2),
    )
    module = content.create_processing_module(name="behavior", description="Poses")
    module.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    for each in poses:
        module.add(
            ndx_pose.PoseEstimation(
                name=each.track or "PoseEstimation",
                description=f"Keypoints of {each.track or 'the animal'} in every frame.",
                pose_estimation_series=[
                    ndx_pose.PoseEstimationSeries(
                        name=joint,
                        description=f"Where {joint} is.",
                        data=each.xy[:, place] - PIXEL_CENTRE,
                        unit="pixels",
                        reference_frame=REFERENCE,
                        rate=float(first.fps),
                        starting_time=0.0,
                        confidence=each.confidence[:, place],
                        confidence_definition="From 0 (not at all sure) to 1.",
                    )
                    for place, joint in enumerate(each.joints)
                ],
                source_software="keypointgan",
                scorer="keypointgan",
                skeleton=skeleton,
                source_video=video,
                device=camera,
            )
        )
    in_memory = BytesIO()  # where HDF5 finds a disk full, it may end the whole process
    with h5py.File(in_memory, "w") as hdf5, NWBHDF5IO(mode="w", file=hdf5) as file:
        file.write(content)
    path.write_bytes(in_memory.getbuffer())
