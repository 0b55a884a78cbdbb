"""Views of people rendered against every ray tried on every capsule in float64."""
import statistics
import time
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

from mmviewpose.datasets.synthetic import synthetic_poses
from mmviewpose.rendering import Cameras, look_at, render
from mmviewpose.rendering.body import build, named_joints
from mmviewpose.rendering.people import draw_people
from mmviewpose.rendering.raster import TIE

VIEWS_A_POSE = 4


def _scene(num_views: int, image_size: int) -> Tuple[Tensor, Cameras, Tensor]:
    """Poses in the layout ape17, cameras around them at 4.5 m, and seeds."""
    moments = -(-num_views // VIEWS_A_POSE)
    poses = torch.as_tensor(synthetic_poses(moments, 0)).repeat_interleave(VIEWS_A_POSE, 0)
    people = torch.arange(moments).repeat_interleave(VIEWS_A_POSE)
    azimuth = 0.4 + torch.arange(len(poses)) * (2 * torch.pi / VIEWS_A_POSE + 0.01)
    centre = torch.stack([4500 * azimuth.sin(), 1400 + 0 * azimuth, 4500 * azimuth.cos()], -1)
    cameras = look_at(centre, torch.tensor([0., 950., 0.]), 2.4 * image_size, image_size)
    rows = slice(num_views)
    return poses[rows], Cameras(*(field[rows] for field in cameras)), people[rows]


def capsules_in_camera(poses: Tensor, cameras: Cameras, people: Tensor
                       ) -> Tuple[Tensor, Tensor, Tensor]:
    """Centres at start and end, ``(N, C, 3)``, and radii, ``(N, C, 2)``, float64 mm."""
    girth = draw_people(people, len(poses), poses.device).girth
    body = build(named_joints(poses, 'ape17'), girth)
    rotation, centre = cameras.rotation.double(), cameras.centre.double().unsqueeze(1)
    return (body.start - centre) @ rotation, (body.end - centre) @ rotation, body.radii


def _roots(a: Tensor, b: Tensor, c: Tensor) -> List[Tensor]:
    """Both solutions of ``a t^2 - 2 b t + c = 0``; NaN where there is none."""
    root = (b.square() - a * c).sqrt()
    return [(b - root) / a, (b + root) / a]


def _capsule_depth(rays: Tensor, start: Tensor, end: Tensor, r: Tensor, r2: Tensor) -> Tensor:
    """Depth ``(N, S, S)`` of one capsule a view along rays ``(N, S, S, 3)``; inf where missed."""
    def dot(p: Tensor, q: Tensor) -> Tensor:
        return (p * q).sum(-1)

    start, end = start[:, None, None], end[:, None, None]
    r, r2 = r[:, None, None], r2[:, None, None]
    squared = dot(rays, rays)
    met = []
    for centre, radius in ((start, r), (end, r2)):
        met += _roots(squared, dot(rays, centre), dot(centre, centre) - radius.square())
    length = (end - start).norm(dim=-1)
    axis, sine = (end - start) / length.unsqueeze(-1), (r - r2) / length
    # where it touches the first sphere the cone is r sine from its centre and r cosine wide
    cosine2 = 1 - sine.square()
    along, aside = dot(rays, axis), dot(start, axis) + r * sine
    cone = _roots(cosine2 * squared - along.square(),
                  cosine2 * dot(rays, start) - along * aside,
                  cosine2 * (dot(start, start) - r.square()) - aside.square())
    for depth in cone:
        height = depth * along - aside
        met.append(torch.where((height >= 0) & (height <= length * cosine2), depth, torch.nan))
    return torch.stack(met).nan_to_num(nan=torch.inf).amin(0)


def every_ray(start: Tensor, end: Tensor, radii: Tensor, focal: Tensor, principal: Tensor,
              size: int) -> Tuple[Tensor, Tensor]:
    """Depth ``(N, S, S)`` float64, inf where nobody is, and the index of the capsule seen."""
    grid = torch.arange(size, dtype=torch.float64, device=start.device) + 0.5
    focal, principal = focal.double()[:, None], principal.double()
    x, y = (grid - principal[:, :1]) / focal, (grid - principal[:, 1:]) / focal
    x, y = torch.broadcast_tensors(x[:, None], y[:, :, None])
    rays = torch.stack([x, y, torch.ones_like(x)], -1)
    depths = torch.stack([_capsule_depth(rays, start[:, c], end[:, c], *radii[:, c].T)
                          for c in range(start.shape[1])])
    nearest = depths.amin(0)
    return nearest, (depths <= nearest + TIE).to(torch.uint8).argmax(0)


def compare(depth: Tensor, poses: Tensor, cameras: Cameras, people: Tensor) -> Dict[str, float]:
    """How far a depth map, ``(N, S, S)`` mm and 0 where nobody is, is from `every_ray`'s."""
    expected, _ = every_ray(*capsules_in_camera(poses, cameras, people), cameras.focal,
                            cameras.principal, depth.shape[-1])
    hit = expected.isfinite()
    both = hit & (depth > 0)
    return dict(max_depth_err_mm=(depth - expected)[both].abs().max().item(),
                wrong_mask_pixels=float((hit != (depth > 0)).sum()))


def _seconds(work: Callable) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def run(image_size: int = 128, num_views: int = 512, num_reference: int = 16, rounds: int = 9,
        **_: object) -> Dict[str, float]:
    """Times views of synthetic people, a body each pose, on one thread, in processor time.

    Args:
        image_size: Side of the images, px.
        num_views: Views a call of the renderer makes: depth, parts with u and v, colour.
        num_reference: Views of the reference, which makes depth and the capsule's number only.
        rounds: Calls of the renderer; the medians count.

    Returns:
        ``views_per_s``; ``views_per_s_no_rgb``; ``reference_views_per_s``; ``ratio``, the first
        over the last; and over the reference's views ``max_depth_err_mm`` and
        ``wrong_mask_pixels``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        poses, cameras, people = _scene(num_views, image_size)
        few = (poses[:num_reference], Cameras(*(f[:num_reference] for f in cameras)),
               people[:num_reference])
        times: Dict[str, List[float]] = {'rgb': [], 'plain': [], 'reference': []}
        for turn in range(rounds + 1):
            for name in ('rgb', 'plain'):
                seconds = _seconds(lambda rgb=name == 'rgb': render(
                    poses, 'ape17', cameras, image_size, people, rgb=rgb))
                if turn:
                    times[name].append(seconds)
        for _ in range(3):
            times['reference'].append(_seconds(lambda: every_ray(
                *capsules_in_camera(*few), few[1].focal, few[1].principal, image_size)))
        depth = render(few[0], 'ape17', few[1], image_size, few[2]).depth
        found = compare(depth, *few)
    finally:
        torch.set_num_threads(before)
    speed = {name: statistics.median(values) for name, values in times.items()}
    rate, reference = len(poses) / speed['rgb'], len(few[0]) / speed['reference']
    return dict(views_per_s=rate, ratio=rate / reference,
                views_per_s_no_rgb=len(poses) / speed['plain'], reference_views_per_s=reference,
                **found)
