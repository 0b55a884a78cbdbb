"""Built-in cameras for the built-in people."""
import numpy as np

from mmviewpose.datasets.formats.cameras import CameraPoses

DISTANCE, HEIGHT, AIM = 4500., 1400., 900.
AZIMUTHS = (20., 110., 200., 290.)


def synthetic_cameras() -> CameraPoses:
    """Four cameras around the origin at chest height, 4.5 m away, looking at a hip 0.9 m high."""
    azimuth = np.radians(AZIMUTHS)
    centres = np.stack([DISTANCE * np.sin(azimuth), np.full(4, HEIGHT),
                        DISTANCE * np.cos(azimuth)], -1)
    forward = [0., AIM, 0.] - centres
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.cross(forward, [0., 1., 0.])
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    rotations = np.stack([right, np.cross(forward, right), forward], -1)
    return CameraPoses(rotations, centres, np.zeros(4, np.int64), np.arange(4))
