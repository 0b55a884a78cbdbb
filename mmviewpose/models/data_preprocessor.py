"""Between our batches and mmaction2's lists of samples."""
from mmengine.model import BaseDataPreprocessor

from mmviewpose.registry import MODELS


@MODELS.register_module()
class ActionBatchPreprocessor(BaseDataPreprocessor):
    """Hand a batch of arrays to mmaction2's recognizers, heads and metrics.

    ``data_samples`` comes as a dict of batched tensors and becomes the list of
    ``ActionDataSample`` that mmaction2 works with; all entries but ``label`` become metainfo.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move ``inputs`` to the device and unpack ``data_samples``."""
        from mmaction.structures import ActionDataSample  # beside mmpose alone it is absent
        fields = {key: value.tolist() for key, value in data['data_samples'].items()}
        names = [name for name in fields if name != 'label']
        samples = []
        for number, label in enumerate(fields['label']):
            sample = ActionDataSample(metainfo={name: fields[name][number] for name in names})
            set_label = getattr(sample, 'set_gt_label', None) or sample.set_gt_labels
            samples.append(set_label(label))
        return dict(inputs=self.cast_data(data['inputs']), data_samples=samples)
