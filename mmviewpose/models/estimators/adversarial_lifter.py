"""2D key points to depths, from 2D key points alone."""
import math
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmviewpose.errors import UserError
from mmviewpose.functional.depth_sign import bend_evidence, hinges
from mmviewpose.functional.lifting_cycles import LiftingCycle, lifting_cycle, random_views
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.models.estimators.depth_lifter import DepthLifter
from mmviewpose.registry import MODELS

DEPTH_SIGNS = (None, 'anatomy')
FEW_POSES = 1024    # docs/methods/partlift.md, Speed


@MODELS.register_module()
class AdversarialLifter(DepthLifter):
    """A lifter that never sees a 3D label (P. Hardy et al., "Optimising 2D pose representation",
    2022, Sec. 3.3 to 3.6).

    Two optimizers, ``lifter`` and ``critic``, step in turn (:meth:`train_step`). Networks of
    independent parts each have their own Eq. 2 to 5; the critic sees the whole pose, and its
    gradient reaches a part's network times the part's share of the joints (w_1 of Eq. 7).

    **The sign of depth.** Before level orthographic cameras the losses are the same for depths z
    and -z, so that half of all trainings end mirrored. Any of these decides, without a label:
    ``pitch``, if cameras look down (or up) by a known angle and random views turn about the true
    vertical; ``projection='perspective'``; or ``depth_sign='anatomy'``: knees and elbows bend one
    way, and where the lifted poses of a training batch say otherwise, the depths of the network
    (each part's own where it has knees or elbows with the joints to tell) are negated from then on.
    All together and before level orthographic cameras, that is another solution of the same losses.

    Args:
        lifter: As in :class:`DepthLifter`.
        critic: Config of a network ``(B, J, 2)`` to ``(B,)`` that takes ``num_joints``:
            :class:`~mmviewpose.layers.PoseCritic`; needed for training.
        reprojection: Config of Eq. 2's loss, or None.
        quarter_turn: Config of the loss of Eq. 3 to 5, or None.
        adversarial: Config of Eq. 6's loss.
        azimuth: Largest angle of a random view around the vertical, degrees.
        elevation: Largest angle by which it then leans, degrees.
        pitch: How far the cameras look down, degrees.
        depth_sign: None or ``'anatomy'``.
        sign_interval: Steps between looks at knees and elbows.
        batched: Run the passes of the lifter that do not depend on each other in one. By default
            on a GPU, and on a CPU up to 1,024 poses, beyond which what is kept for the backward
            pass no longer fits its caches. Never with true batch normalisation.
        **options: ``parts``, ``skeleton``, ``projection``, ``distance``, ``init_cfg`` ... of
            :class:`DepthLifter`.

    Raises:
        ValueError: ``depth_sign`` is unknown, or skeleton or network do not allow it.
    """

    def __init__(self, lifter: dict, critic: Optional[dict] = None,
                 reprojection: Optional[dict] = dict(type='ReprojectionCycleLoss'),
                 quarter_turn: Optional[dict] = dict(type='QuarterTurnLoss'),
                 adversarial: dict = dict(type='LeastSquaresAdversarialLoss'),
                 azimuth: float = 160., elevation: float = 10., pitch: float = 0.,
                 depth_sign: Optional[str] = None, sign_interval: int = 20,
                 batched: Optional[bool] = None, **options: Any) -> None:
        super().__init__(lifter, **options)
        if depth_sign not in DEPTH_SIGNS:
            raise ValueError(f'depth_sign must be one of {DEPTH_SIGNS}, got {depth_sign!r}')
        joints = len(self.joints)
        self.critic = MODELS.build(dict(critic, num_joints=joints)) if critic else None
        self.reprojection = MODELS.build(reprojection) if reprojection else None
        self.quarter_turn = MODELS.build(quarter_turn) if quarter_turn else None
        self.adversarial = MODELS.build(adversarial)
        self.azimuth, self.elevation, self.pitch = map(math.radians, (azimuth, elevation, pitch))
        self.batched = False if getattr(self.lifter, 'norm', None) == 'batch' else batched
        self.networks = self._networks()
        sizes = torch.ones(joints)
        for part in self.networks:
            sizes[part] = len(part)
        self.register_buffer('share', sizes / joints, persistent=False)
        self.register_buffer('weight', 1 / sizes, persistent=False)
        self.depth_sign, self.sign_interval, self._step = depth_sign, sign_interval, 0
        self.hinges = hinges(self.skeleton)
        if depth_sign and not (self.hinges and hasattr(self.lifter, 'signs')):
            raise ValueError("depth_sign='anatomy' needs a skeleton with knees or elbows and a "
                             f'lifter with signs to turn; {self.skeleton.name} and '
                             f'{type(self.lifter).__name__} are not such')
        self.register_buffer('bends', torch.zeros(len(self.hinges)))

    def _networks(self) -> List[List[int]]:
        """Positions of the joints that each independent network lifts."""
        if getattr(self.lifter, 'independent', False):
            return [list(part) for part in self.parts.values()]
        return [list(range(len(self.joints)))]

    def train_step(self, data: Any, optim_wrapper: OptimWrapperDict) -> Dict[str, Tensor]:
        """One step of the lifter and one of the critic.

        Args:
            data: A batch.
            optim_wrapper: With ``lifter`` and ``critic``
                (:class:`~mmviewpose.engine.optimizers.PartsOptimWrapperConstructor`).

        Returns:
            For the log: the lifter's losses and their sum ``loss``, the critic's ``critic_loss``.

        Raises:
            UserError: ``optim_wrapper`` is a single one, or there is no critic.
        """
        if not isinstance(optim_wrapper, OptimWrapperDict) or self.critic is None:
            raise UserError('AdversarialLifter trains with a critic and two optimizers: '
                            "optim_wrapper=dict(constructor='PartsOptimWrapperConstructor', "
                            'lifter=..., critic=...)')
        inputs = self.data_preprocessor(data, True)['inputs']
        points, scale = self.normalise(inputs)
        with optim_wrapper['lifter'].optim_context(self), _frozen(self.critic) as critic:
            cycle = self.cycle(points, scale)
            loss, log = self.parse_losses(self.cycle_losses(cycle, points, critic))
        optim_wrapper['lifter'].update_params(loss)
        with optim_wrapper['critic'].optim_context(self):
            real, made = self._judge(points, cycle.views.detach().to(points.dtype))
            critic_loss = self.adversarial.critic(real.float(), made.float())
        optim_wrapper['critic'].update_params(critic_loss)
        if self.depth_sign is not None:
            self._watch_sign(cycle.poses.detach())
        return dict(log, critic_loss=critic_loss.detach())

    def _judge(self, points: Tensor, views: Tensor) -> Sequence[Tensor]:
        """The critic's scores of real and of made poses, ``(B,)`` each."""
        if getattr(unwrapped(self.critic), 'norm', None) == 'batch':
            return self.critic(points), self.critic(views)  # statistics of their own
        return self.critic(torch.cat([points, views])).chunk(2)

    def loss(self, points: Tensor, scale: Tensor, data_samples: Dict[str, Tensor]
             ) -> Dict[str, Tensor]:
        """The lifter's losses (Eq. 7)."""
        return self.cycle_losses(self.cycle(points, scale), points, self.critic)

    def cycle(self, points: Tensor, scale: Tensor) -> LiftingCycle:
        """The lifter's five passes, from one random view of each pose."""
        azimuth, elevation = random_views(len(points), self.azimuth, self.elevation, points)
        batched = self.batched
        if batched is None:
            batched = points.is_cuda or len(points) <= FEW_POSES
        return lifting_cycle(self.lift, points, azimuth, elevation, self.pitch,
                             self.camera_distance(scale), batched,
                             self.share if len(self.networks) > 1 else None)

    def cycle_losses(self, cycle: LiftingCycle, points: Tensor, critic: nn.Module
                     ) -> Dict[str, Tensor]:
        """Terms of Eq. 7 that are switched on."""
        losses = dict(loss_adversarial=self.adversarial(critic(cycle.views).float()))
        if self.reprojection is not None:
            losses['loss_reprojection'] = self.reprojection(cycle.returned, points, self.weight)
        if self.quarter_turn is not None:
            losses['loss_quarter_turn'] = self.quarter_turn(cycle.quarter_errors, self.weight)
        return losses

    # -----------------------------------------------------------------------------------
    # The sign of depth

    def _watch_sign(self, poses: Tensor) -> None:
        """Every ``sign_interval`` steps, look at the bends of lifted poses ``(B, J, 3)``."""
        self._step += 1
        if self._step % self.sign_interval:
            return
        found = bend_evidence(self.with_root(poses), self.hinges).mean(0).float()
        all_reduce(found, 'mean')
        if not bool(found.isfinite().all()):
            return  # an overflow of mixed precision, whose step is not taken either
        self.bends.lerp_(found, 0.2)
        for part in self.mirrored_parts():
            unwrapped(self.lifter).signs[part] *= -1
            for number, hinge in enumerate(self.hinges):
                if self._position(hinge.middle) in part:
                    self.bends[number] *= -1

    def mirrored_parts(self) -> List[List[int]]:
        """Positions of the joints of networks whose knees and elbows bend the wrong way.

        A network decides for itself if it lifts all joints by which a knee or an elbow is judged;
        the others turn with these if all of them do, and where there is none by the sum of all
        evidence.
        """
        bends = self.bends.tolist()
        found: Dict[bool, List[List[int]]] = {True: [], False: []}
        undecided = []
        for part in self.networks:
            own = [bend for bend, hinge in zip(bends, self.hinges)
                   if all(self._position(joint) in part for joint in hinge[:-1])]
            (found[sum(own) < 0] if own else undecided).append(part)
        if not any(found.values()):
            return undecided if sum(bends) < 0 else []
        return found[True] + ([] if found[False] else undecided)

    def _position(self, joint: int) -> Optional[int]:
        return self.joints.index(joint) if joint in self.joints else None


@contextmanager
def _frozen(module: nn.Module) -> Iterator[nn.Module]:
    """The module, inside a wrapper for distributed training or not, without gradients of its own.
    """
    module = unwrapped(module)
    learned = [weight for weight in module.parameters() if weight.requires_grad]
    for weight in learned:
        weight.requires_grad_(False)
    try:
        yield module
    finally:
        for weight in learned:
            weight.requires_grad_(True)
