"""Views of people: depth, body parts with coordinates on them, silhouette and colour."""
import math
from typing import NamedTuple, Optional

import torch
from torch import Tensor

from .body import CAPSULES, NUM_CAPSULES, NUM_PARTS, Body, build, named_joints
from .cameras import Cameras
from .people import People, draw_people
from .raster import Capsules, Hits, place, take, trace

_AMBIENT = 0.35
_CHUNK = 32  # views of 128 x 128 px at a time, on a CPU
_NUM_PLAIN = 14  # rows of the charts that colour does without


class Rendering(NamedTuple):
    """N views of S x S pixels.

    Attributes:
        depth: Along the camera's axis, ``(N, S, S)`` float32 mm; 0 where nobody is.
        part: DensePose's number of the body part, ``(N, S, S)`` uint8, 1 to 24; 0 where nobody is.
        u: Coordinate around the part, ``(N, S, S)`` float32 in [0, 1].
        v: Coordinate along the part, ``(N, S, S)`` float32 in [0, 1].
        rgb: ``(N, 3, S, S)`` uint8, or None.
    """
    depth: Tensor
    part: Tensor
    u: Tensor
    v: Tensor
    rgb: Optional[Tensor] = None

    @property
    def silhouette(self) -> Tensor:
        """Where somebody is, ``(N, S, S)`` bool."""
        return self.part > 0

    def part_map(self) -> Tensor:
        """Part / 24, u and v as an image, ``(N, 3, S, S)`` uint8; black where nobody is."""
        image = torch.stack([self.part.float() / NUM_PARTS, self.u, self.v], 1)
        return image.mul_(255).round_().byte()

    def depth_map(self) -> Tensor:
        """Depth over the view's largest, three times, ``(N, 3, S, S)`` uint8; 0: nobody."""
        largest = self.depth.amax((1, 2), keepdim=True).clamp_min(1e-6)
        image = (self.depth * (255 / largest)).round_().byte()
        return image.unsqueeze(1).expand(-1, 3, -1, -1).contiguous()


@torch.no_grad()
def render(poses: Tensor, skeleton: str, cameras: Cameras, image_size: int,
           people: Optional[Tensor] = None, rgb: bool = False, chunk: Optional[int] = None,
           rooms: Optional[Tensor] = None) -> Rendering:
    """Render people seen by one pinhole camera each.

    A body is 19 tapered capsules around the joints that the layout shares with ape17; hands and
    feet are extrapolated. Depth is exact but for float32 and for ties: where two capsules' surfaces
    are within 0.05 mm, the one that stands first in ``body.CAPSULES`` is seen. Colour is the
    clothes' under a light at the camera. A capsule that comes nearer than 50 mm to the plane of its
    camera, or lies behind it, is not drawn.

    Args:
        poses: ``(N, K, 3)`` mm in a world with y up.
        skeleton: Their layout.
        cameras: One a pose; synchronised views are rows with the same pose.
        image_size: S, px.
        people: Seed of each row's body, clothes and, without ``rooms``, background, int64
            ``(N,)``; None: an average person.
        rgb: Whether to make colour images too.
        chunk: Views at a time, for speed; the result does not depend on it.
        rooms: For colour, seed of each row's background, int64 ``(N,)``: that of a person of this
            seed. None: each person has one of their own.

    Raises:
        KeyError: Unknown layout.
        ValueError: Shapes or types that do not fit, a layout without the needed joints, or a
            number that is not finite.
    """
    _check(poses, cameras, image_size, people, chunk, rooms)
    n, device = len(poses), poses.device
    joints = named_joints(poses, skeleton)
    who = draw_people(None if people is None else people.to(device), n, device)
    cameras = Cameras(*(field.to(device, torch.float64) for field in cameras))
    body = _in_camera(build(joints, who.girth), cameras)
    capsules = place(body.start, body.end, body.radii)
    charts, looks = _charts(body, capsules), _looks(who)
    shape = (n, image_size, image_size)
    out = Rendering(*(torch.zeros(shape, dtype=dtype, device=device)
                      for dtype in (torch.float32, torch.uint8, torch.float32, torch.float32)),
                    _backdrop(who if rooms is None else draw_people(rooms.to(device), n, device),
                              image_size) if rgb else None)
    if chunk is None:
        chunk = max(1, (_CHUNK if device.type == 'cpu' else 16 * _CHUNK) * 128**2 // image_size**2)
    for first in range(0, n, chunk):
        rows = slice(first, first + chunk)
        columns = slice(first * NUM_CAPSULES, (first + chunk) * NUM_CAPSULES)
        hits = trace(Capsules(*(field[..., columns] for field in capsules)), cameras.focal[rows],
                     cameras.principal[rows], image_size)
        _paint(Rendering(*(None if image is None else image[rows] for image in out)), hits,
               charts[:, columns], looks[..., columns])
    return out


def _check(poses: Tensor, cameras: Cameras, image_size: int, people: Optional[Tensor],
           chunk: Optional[int], rooms: Optional[Tensor]) -> None:
    n = len(poses)
    for name, shape in (('rotation', (n, 3, 3)), ('centre', (n, 3)), ('focal', (n,)),
                        ('principal', (n, 2))):
        field = getattr(cameras, name)
        if field.shape != shape:
            raise ValueError(f'cameras.{name} of {n} poses must be {shape}, '
                             f'got {tuple(field.shape)}')
        if not field.isfinite().all():
            raise ValueError(f'cameras.{name} has a value that is not finite')
    if not (cameras.focal > 0).all():
        raise ValueError('cameras.focal must be positive')
    if type(image_size) is not int or image_size < 1:
        raise ValueError(f'image_size must be a positive int, got {image_size!r}')
    for name, seeds in (('people', people), ('rooms', rooms)):
        if seeds is not None and (seeds.shape != (n,) or seeds.dtype != torch.int64):
            raise ValueError(f'{name} must be {n} int64 seeds, got {seeds.dtype} of shape '
                             f'{tuple(seeds.shape)}')
    if chunk is not None and chunk < 1:
        raise ValueError(f'chunk must be at least 1, got {chunk}')


def _in_camera(body: Body, cameras: Cameras) -> Body:
    """The same bodies in camera space, coordinates first: ``(3, N C)``."""
    columns = cameras.rotation.permute(2, 1, 0).unsqueeze(-1)  # of the matrices, (3, 3, N, 1)

    def turn(vectors: Tensor) -> Tensor:
        x, y, z = vectors.unbind(-1)
        return torch.stack([x * c[0] + y * c[1] + z * c[2] for c in columns]).flatten(1)

    centre = cameras.centre.unsqueeze(1)
    return Body(turn(body.start - centre), turn(body.end - centre),
                body.radii.permute(2, 0, 1).flatten(1), turn(body.origin - centre),
                turn(body.split), turn(body.across), turn(body.along),
                body.offset.flatten())


def _charts(body: Body, capsules: Capsules) -> Tensor:
    """Functions of the place P seen on each capsule, as float32 ``(26, M)``.

    Linear functions stand as three coefficients and a constant. Rows 0 to 13: distance from the
    plane between the halves, distance across, and v; part of the first half, and what is to be
    added for the second. Rows 14 to 25, which colour needs: the place on the capsule's axis, from 0
    at the start to 1 at the end, whose sphere touches the surface at P; start, way to the end,
    radius at the start and its growth.
    """
    def linear(gradient: Tensor, constant: Tensor) -> Tensor:
        return torch.cat([gradient, constant.unsqueeze(0)])

    x, y, z, _, g, _, reach = capsules.cone
    axis, reach = torch.stack([x, y, z]), reach.clamp_min(1e-9)
    way = body.end - body.start
    parts = axis.new_tensor([c.parts for c in CAPSULES]).T.repeat(1, axis.shape[1] // NUM_CAPSULES)
    return torch.cat([
        linear(body.split, -_dot(body.split, body.origin)),
        linear(body.across, -_dot(body.across, body.origin)),
        linear(body.along, body.offset - _dot(body.along, body.origin)),
        parts[:1], parts[1:] - parts[:1],
        linear(axis / reach, (-g / reach)),
        body.start, way, body.radii[:1], body.radii[1:] - body.radii[:1]]).float()


def _looks(who: People) -> Tensor:
    """RGB of each capsule's back and front, float32 ``(3, 2, N C)``."""
    return who.colours.permute(3, 2, 0, 1).flatten(2)


def _paint(out: Rendering, hits: Hits, charts: Tensor, looks: Tensor) -> None:
    """Write what H pixels see into images."""
    capsule, pixel = hits.capsule, hits.pixel
    chart = take(charts[:_NUM_PLAIN] if out.rgb is None else charts, capsule)
    x, y, z = ray = torch.stack([hits.x, hits.y, torch.ones_like(hits.x)]).float()
    depth = hits.depth.float()

    def linear(first: int) -> Tensor:
        return torch.addcmul(chart[first + 3], depth, _dot(chart[first:first + 3], ray))

    split, across = linear(0), linear(4)
    out.depth.view(-1).scatter_(0, pixel, depth)
    out.part.view(-1).scatter_(0, pixel, torch.addcmul(
        chart[12], split > 0, chart[13]).byte())
    # in float64, since the last bit of an arc depends on the place in the list
    angle = torch.atan2(across.double(), split.abs_().double()).float()
    out.u.view(-1).scatter_(0, pixel, angle.mul_(1 / math.pi).add_(0.5).clamp_(0, 1))
    out.v.view(-1).scatter_(0, pixel, linear(8).clamp_(0, 1))
    if out.rgb is None:
        return
    share = linear(14).clamp_(0, 1)
    squared = _dot(ray, ray)
    start, way, r, growth = chart[18:21], chart[21:24], chart[24], chart[25]
    inner = torch.addcmul(_dot(start, ray), share, _dot(way, ray)) - depth * squared
    light = inner / (torch.addcmul(r, share, growth) * squared.sqrt())
    light = light.clamp_(0, 1).mul_(1 - _AMBIENT).add_(_AMBIENT)
    colour = take(looks.flatten(1), capsule + (across > 0) * looks.shape[2])
    plane = out.rgb.shape[-1] ** 2
    pixel = pixel + 2 * plane * hits.view
    for channel, values in enumerate(colour.mul_(light).byte()):
        out.rgb.view(-1).scatter_(0, pixel + channel * plane, values)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a[0] * b[0]).addcmul_(a[1], b[1]).addcmul_(a[2], b[2])


def _backdrop(who: People, size: int) -> Tensor:
    place = (torch.arange(size, device=who.stripes.device) + 0.5) / size
    top, bottom, stripes = who.backdrop.unbind(1)
    rows = top.unsqueeze(-1) + (bottom - top).unsqueeze(-1) * place
    on = (place / who.stripes.unsqueeze(-1)).long() % 2
    columns = stripes.unsqueeze(-1) * on.unsqueeze(1)
    return rows.byte().unsqueeze(-1) + columns.byte().unsqueeze(-2)
