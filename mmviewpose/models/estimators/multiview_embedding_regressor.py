"""Images to an embedding that does not depend on the view, and to a pose."""
from typing import Dict, List, Optional, Sequence, Union

import torch
from torch import Tensor, nn

from mmviewpose.errors import UserError
from mmviewpose.layers.view_autoencoder import as_images
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@MODELS.register_module()
class MultiviewEmbeddingRegressor(BatchModel):
    """Metric learning on views of one moment, and poses regressed from few labels (R. Mitra et
    al., "Multiview-consistent semi-supervised learning for 3D human pose estimation", 2020,
    Fig. 1).

    Some rows of a batch are pairs, two views of one moment, for the metric loss; the others are
    labelled, for the pose loss. The two are added, as the paper does; a weight is an option of a
    loss. Pairs and labelled images go through the networks one after the other, as in the paper's
    figure: batch normalisation over both would be met by what tells one person from another, and
    all moments of a person would have one embedding.

    - ``metric_loss=None``: the paper's baseline. Rows without labels are not looked at.
    - ``pose_head=None``: metric learning alone (``cnstr`` of Fig. 5); labelled rows are not looked
      at, and there are no poses to predict.

    In each of the three every parameter gets a gradient at every step. Only where a batch of a
    model with both losses has no pair or no label is one of them left out; for distributed training
    on such batches set ``find_unused_parameters = True``.

    Behind the backbone all is computed in float32, under mixed precision too.

    Args:
        backbone: Config of a network ``(B, 3, S, S)`` to a sequence of feature maps, the last of
            which counts: an mmpose ResNet. Batch normalisation without affine parameters, as in
            Sec. 4, is ``norm_cfg=dict(type='BN', affine=False)``; ImageNet's weights load all the
            same, and theirs for these parameters are left out (mmengine logs them as unexpected).
        embedding_head: Config of a network from the map to ``(B, D)``, e.g. ``EmbeddingHead``.
        pose_head: Config of a network from the embedding to poses, e.g. ``CanonicalPoseHead``.
        metric_loss: Config of a loss of anchors ``(M, D)``, positives ``(M, D)`` and their moments
            ``(M,)``, e.g. ``HardnetLoss``; what its ``with_statistics`` gives beside the loss, if
            it has that, is logged.
        pose_loss: Config of a loss of normalised joints ``(B, K - 1, 3)`` and what they should be;
            the mean of absolute differences by default. The paper's L1 norm is their sum over the
            joints' coordinates, ``dict(type='mmpose.L1Loss', loss_weight=48.)`` for 17 joints.
        image_mean: Of each channel of images with values in [0, 1], subtracted from them.
        image_std: By which they are then divided.

    Raises:
        ValueError: There is neither a metric loss nor a pose head.
    """

    def __init__(self, backbone: dict, embedding_head: dict, pose_head: Optional[dict] = None,
                 metric_loss: Optional[dict] = None, pose_loss: Optional[dict] = None,
                 image_mean: Sequence[float] = IMAGENET_MEAN,
                 image_std: Sequence[float] = IMAGENET_STD,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if pose_head is None and metric_loss is None:
            raise ValueError('there is nothing to learn: give a metric_loss, a pose_head or both')
        self.backbone = MODELS.build(backbone).to(memory_format=torch.channels_last)
        self.embedding_head = MODELS.build(embedding_head)
        self.pose_head = MODELS.build(pose_head) if pose_head else None
        self.metric_loss = MODELS.build(metric_loss) if metric_loss else None
        self.pose_loss = MODELS.build(pose_loss or dict(type='mmpose.L1Loss'))
        for name, values in (('image_mean', image_mean), ('image_std', image_std)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def pretrained_parts(self) -> Dict[str, nn.Module]:
        """What makes the embedding."""
        return {'backbone.': self.backbone, 'embedding_head.': self.embedding_head}

    @property
    def wants_statistics(self) -> bool:
        """Whether there is a pose head that does not know mean and deviation of poses."""
        return self.pose_head is not None and not self.pose_head.knows_statistics

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Tell the pose head mean and standard deviation of training poses, ``(K, 3)`` mm."""
        self.pose_head.set_statistics(mean, std)

    def forward(self, inputs: Tensor, data_samples: Optional[Dict[str, Tensor]] = None,
                mode: str = 'tensor') -> Union[Tensor, Dict[str, Tensor], List[dict]]:
        """Run the networks.

        Args:
            inputs: Images ``(B, 3, S, S)``, RGB, uint8 or values in [0, 1].
            data_samples: For ``loss``, ``labelled`` ``(B,)`` bool; ``pose`` ``(B, K, 3)``, mm,
                about the root, where that is True; ``instant`` ``(B,)`` int, the moment of each
                image, where it is False: those rows are pairs, each of two consecutive rows.
                For ``predict`` anything; ``pose``, where there is one, becomes ``target``.
            mode: ``'tensor'`` gives embeddings ``(B, D)`` of length 1; ``'loss'`` a dict of
                losses; ``'predict'`` a list with one dict of batched tensors: ``data_samples``
                with ``embedding`` and, if there is a pose head, ``keypoints`` ``(B, K, 3)``, mm,
                the root at 0.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode not in ('tensor', 'predict'):
            raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")
        embeddings = self.embed(inputs)
        if mode == 'tensor':
            return embeddings
        return self.predict(embeddings, data_samples or {})

    def embed(self, images: Tensor) -> Tensor:
        """Images ``(B, 3, S, S)`` to embeddings ``(B, D)``, float32."""
        images = (as_images(images) - self.image_mean) / self.image_std
        features = self.backbone(images)[-1]
        with _float32(features):
            return self.embedding_head(features.float())

    def loss(self, inputs: Tensor, data_samples: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """The switched-on losses of the rows that they need.

        Raises:
            UserError: No row of the batch is of use, or nobody set the poses' statistics.
            ValueError: The rows without labels are not pairs.
        """
        labelled = data_samples['labelled']
        paired = (~labelled & (self.metric_loss is not None)).nonzero()[:, 0]
        posed = (labelled & (self.pose_head is not None)).nonzero()[:, 0]
        if len(paired) % 2:
            raise ValueError(f'rows without labels must be pairs of views, got {len(paired)}')
        if not len(paired) and not len(posed):
            raise UserError('no row of the batch is of use: the baseline (metric_loss=None) needs '
                            'labelled rows, a model without pose_head needs rows without labels')
        if len(posed):
            self.pose_head.check_statistics()
        losses = {}
        if len(paired):
            losses.update(self._metric_losses(
                self.embed(inputs[paired]), data_samples['instant'][paired[::2]]))
        if len(posed):
            losses['loss_pose'] = self._pose_loss(
                self.embed(inputs[posed]), data_samples['pose'][posed])
        return losses

    def _pose_loss(self, embeddings: Tensor, poses: Tensor) -> Tensor:
        with _float32(embeddings):
            return self.pose_loss(self.pose_head(embeddings), self.pose_head.normalise(poses))

    def _metric_losses(self, pairs: Tensor, instants: Tensor) -> Dict[str, Tensor]:
        """The metric loss of embeddings ``(2 M, D)``, and what it has to say for the log."""
        anchors, positives = pairs.unflatten(0, (-1, 2)).unbind(1)
        with _float32(pairs):
            if hasattr(self.metric_loss, 'with_statistics'):
                loss, statistics = self.metric_loss.with_statistics(anchors, positives, instants)
                return dict(statistics, loss_metric=loss)
            return dict(loss_metric=self.metric_loss(anchors, positives, instants))

    def predict(self, embeddings: Tensor, data_samples: Dict[str, Tensor]) -> List[dict]:
        """Embeddings ``(B, D)``, and poses if there is a pose head.

        Raises:
            UserError: The pose head was never told the poses' statistics.
        """
        prediction = dict(data_samples, embedding=embeddings)
        if self.pose_head is not None:
            prediction['keypoints'] = self.pose_head.predict(embeddings)
        if 'pose' in prediction:
            prediction['target'] = prediction['pose']
        return [prediction]


def _float32(like: Tensor) -> torch.autocast:
    """Without mixed precision: bfloat16 cannot tell close embeddings apart."""
    return torch.autocast(like.device.type, enabled=False)
