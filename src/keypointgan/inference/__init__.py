"""From a trained detector and a video to pose tracks."""
